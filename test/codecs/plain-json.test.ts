import test from 'ava'
import { plainJson } from '../../codecs/plain-json.js'

test('values are told as JSON within bounds', t => {
  const told: readonly (readonly [value: unknown, json: string])[] = [
    [new Map<unknown, unknown>([['a', 1], [2, new Set([1n])]]), '{"2":["1"],"a":1}'], [new Map([[{}, 1]]), '[[{},1]]'], [Buffer.from('hi'), '"aGk="'],
    [new Map<unknown, unknown>([[1, 'a'], ['1', 'b']]), '[[1,"a"],["1","b"]]'],
    [{ bytes: new Uint8Array([1]) }, '{"bytes":"AQ=="}'], [undefined, 'null'], ['é', '"é"'],
  ]
  for (const [value, json] of told) t.is(plainJson(value, 100), json)
  for (const large of ['x'.repeat(101), 'é'.repeat(60), new Map(Array.from({ length: 60 }, (_, i) => [i, i])), Array.from({ length: 60 }, () => 0), new Uint8Array(200), [['x'.repeat(60)], ['x'.repeat(60)]]]) {
    t.throws(() => plainJson(large, 100), { name: 'TooLargeToTell' })
  }
})

test('of a Map that is too large to tell no more is looked at than would be told', t => {
  let looked = 0
  class Watched extends Map<string, number> {
    override *[Symbol.iterator](): MapIterator<[string, number]> {
      for (const entry of super.entries()) {
        looked++
        yield entry
      }
      return undefined
    }
  }
  t.throws(() => plainJson(new Watched(Array.from({ length: 90 }, (_, i) => [`k${i}`, i])), 100), { name: 'TooLargeToTell' })
  t.true(looked < 20, String(looked))
})
