/** What is encoded is read again as it was, or is not encoded: no number is rounded, cut or wrapped on its way. */
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { encodeBatch } from '../../codecs/batches.js'
import { byteSink } from '../../codecs/byte-sink.js'
import { MAX_POSITION, writePosition } from '../../codecs/bytes.js'
import { decodeMessage, encodeMessage } from '../../codecs/messages.js'
import { encodeHardState } from '../../codecs/records.js'
import { encodePlace } from '../../codecs/snapshots.js'
import { MAX_TIME } from '../../lib/bounds.js'
import type { EntryBatch } from '../../lib/types.js'
import { isLeft } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import { membership, messages } from './samples.js'

const joined = (encode: (out: Uint8Array[]) => unknown): Uint8Array => {
  const out: Uint8Array[] = []
  encode(out)
  return new Uint8Array(Buffer.concat(out))
}
const bytesOf = (batch: EntryBatch): Uint8Array => joined(out => encodeBatch(batch, out))

const NO_POSITIONS = [MAX_POSITION + 1, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 60, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]

test('Q06 what could not be read again is not written', is => {
  const batch = { kind: 'noop', firstIndex: 1, term: 1, count: 1, time: 0 } as const
  const place = { index: 1, term: 1, time: 0, compression: 'none', membership } as const
  for (const value of NO_POSITIONS) {
    is.throws(() => writePosition(new Uint8Array(8), 0, value), { instanceOf: RangeError }, String(value))
    is.throws(() => byteSink(8).varint(value), { instanceOf: RangeError }, String(value))
    for (const name of ['term', 'commitIndex']) is.throws(() => encodeHardState({ term: 1, votedFor: 'a', commitIndex: 0, [name]: value }), { instanceOf: RangeError }, `${name} ${value}`)
    for (const name of ['firstIndex', 'term', 'count']) is.throws(() => bytesOf({ ...batch, [name]: value }), { instanceOf: RangeError }, `${name} ${value}`)
    for (const name of ['index', 'term']) is.throws(() => encodePlace({ ...place, [name]: value }), { instanceOf: RangeError }, `${name} ${value}`)
  }
  for (const time of [MAX_TIME + 1, MAX_POSITION, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    is.throws(() => bytesOf({ ...batch, time }), { instanceOf: RangeError }, String(time))
    is.throws(() => encodePlace({ ...place, time }), { instanceOf: RangeError }, String(time))
  }
  is.throws(() => bytesOf({ ...batch, firstIndex: MAX_POSITION, count: 2 }), { instanceOf: RangeError })
  is.throws(() => bytesOf({ ...batch, count: 2 ** 32 }), { instanceOf: RangeError })
})

/** Every number of a value, as the path to it. */
const numbersIn = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === 'number' ? [path] : typeof value !== 'object' || value === null || value instanceof Uint8Array ? [] : Object.entries(value).flatMap(([key, inner]) => numbersIn(inner, [...path, key]))

const withValue = (value: unknown, [first = '', ...rest]: readonly string[], put: unknown): unknown =>
  Array.isArray(value) ? value.map((one, i) => String(i) === first ? withValue(one, rest, put) : one)
    : { ...Object(value), [first]: rest.length === 0 ? put : withValue(Reflect.get(Object(value), first), rest, put) }

test('Q06 no number of a message is changed on its way: what cannot be carried is not written', is => {
  for (const [name, message] of Object.entries(messages)) {
    // What a batch skips of its body is left out, and a body is counted where it is read.
    for (const path of numbersIn(message).filter(at => !/^(batches,\d,(skip|body,count)|(body|results),count)$/.test(String(at)))) {
      for (const odd of [-1, 1.5, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY]) {
        const changed = withValue(message, path, odd) as LinkMessage
        let bytes: Uint8Array
        try {
          bytes = joined(out => encodeMessage(changed, out))
        } catch (error) {
          is.true(error instanceof RangeError, `${name} ${String(path)} ${odd}`)
          continue
        }
        const decoded = decodeMessage(bytes)
        is.true(isLeft(decoded) || isDeepStrictEqual(decoded.right, changed), `${name} ${String(path)} ${odd}`)
      }
    }
  }
})
