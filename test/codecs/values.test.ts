import test from 'ava'
import fc from 'fast-check'
import * as t from 'io-ts'
import { packEntries, placeOf } from '../../codecs/entries.js'
import { decodeJson, holdsMore, mayNestDeeper, nestsDeeper, parseJson } from '../../codecs/json.js'
import { DEFAULT_LIMITS } from '../../codecs/options.js'
import { MAX_REPORT_LINES, decodeWith, messageOf, report } from '../../codecs/report.js'
import { EXPIRED, FORGOTTEN, MAX_REASON_CHARACTERS, OPENED, decodeResults, encodeResults } from '../../codecs/results.js'
import { MAX_VALUE_DEPTH, decodeValue, encodeReadable, encodeValue, readBack, valuesOf } from '../../codecs/values.js'
import { MachineFailed, Rejected } from '../../lib/errors.js'
import { type Either, isLeft, isRight, left, right } from '../../lib/prelude.js'
import { packCommand } from '../../streams/requests/packing.js'
import { jsonValue } from './arbitraries.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (text: string): Uint8Array => utf8(`\0${text}`)
const rightOf = <A>(outcome: Either<unknown, A>): A => {
  if (isLeft(outcome)) throw new Error(`refused: ${JSON.stringify(outcome.left)}`)
  return outcome.right
}
const Bytes = new t.Type<Uint8Array, Uint8Array>(
  'Bytes', (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) => (value instanceof Uint8Array ? t.success(value) : t.failure(value, context)), t.identity,
)
/** A list in a list in a list. */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const shouting = new t.Type<string, string>('Shouting', t.string.is, t.string.validate, () => { throw new Error('out of breath') })

test('whatever JSON can say comes back', is => {
  fc.assert(fc.property(jsonValue, value => {
    // JSON itself says 0 for -0.
    is.deepEqual(decodeValue(t.unknown, rightOf(encodeValue(t.unknown, value))), right(JSON.parse(JSON.stringify(value)) as unknown))
  }))
})

test('every string comes back, lone surrogates and all', is => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => { is.deepEqual(decodeValue(t.string, rightOf(encodeValue(t.string, text))), right(text)) }))
  is.deepEqual(decodeValue(t.string, rightOf(encodeValue(t.string, '\ud800'))), right('\ud800'))
})

test('Q07 raw bytes come back, with no more than a tag before them', is => {
  fc.assert(fc.property(fc.uint8Array(), value => {
    const bytes = rightOf(encodeValue(Bytes, value))
    is.is(bytes.length, value.length + 1)
    is.deepEqual(Uint8Array.from(rightOf(decodeValue(Bytes, bytes))), value)
  }))
})

test('raw bytes are copied when they are encoded', is => {
  const value = Uint8Array.of(1, 2, 3)
  const bytes = rightOf(encodeValue(Bytes, value))
  value.fill(9)
  is.deepEqual([...bytes], [1, 1, 2, 3])
})

test('an object with ordinary words as keys is data', is => {
  const value = { constructor: 1, prototype: 2, toString: 3, length: 4 }
  is.deepEqual(decodeValue(t.unknown, rightOf(encodeValue(t.unknown, value))), right(value as unknown))
})

const cycle: unknown[] = []
cycle.push(cycle)
const unencodable: readonly (readonly [name: string, value: unknown])[] = [
  ['undefined', undefined], ['a function', () => 1], ['a symbol', Symbol('x')], ['a bigint', 1n], ['a cycle', cycle],
  ['an object whose toJSON throws', { toJSON: () => { throw new Error('no') } }],
  ['an object whose getter throws', { get a(): never { throw new Error('no') } }],
  ['an own __proto__ key', JSON.parse('{"a":[{"__proto__":{"isAdmin":true}}]}')],
  [`${MAX_VALUE_DEPTH + 1} levels`, JSON.parse(nested(MAX_VALUE_DEPTH + 1))],
  ['20 000 levels', JSON.parse(nested(20_000))],
]
for (const [name, value] of unencodable) {
  test(`what could not be read back is not encoded: ${name}`, is => is.true(isLeft(encodeValue(t.unknown, value))))
}

const Add = t.strict({ add: t.number })
const Moment = new t.Type<Date, string>('Moment', (value): value is Date => value instanceof Date, (value, context) => t.string.validate(value, context)._tag === 'Right'
  ? t.success(new Date(String(value))) : t.failure(value, context), date => date.toISOString())
const misshapen: readonly (readonly [name: string, codec: t.Type<never, unknown>, value: unknown, report: readonly string[]])[] = [
  ['null', Add as never, null, ['must be {| add: number |}, not null']],
  ['undefined', t.number as never, undefined, ['must be number, not undefined']],
  ['none of several', t.union([Add, t.strict({ take: t.number })]) as never, { ad: 1 }, ['add: must be number, not undefined', 'take: must be number, not undefined']],
  ['a number that JSON has not', Add as never, { add: Number.NaN }, ['add: must be number, not null, which is what JSON makes of it']],
  ['a fault beside what is encoded otherwise', t.type({ at: Moment, what: t.union([Add, t.strict({ take: t.string })]) }) as never, { at: new Date(0), what: 7 },
    ['what: must be {| add: number |}, not 7', 'what: must be {| take: string |}, not 7']],
  ['what is encoded already', Moment as never, '1970-01-01', ['must be Moment, not "1970-01-01"']],
]
for (const [name, command, value, lines] of misshapen) {
  test(`a command of the wrong shape is judged by its codec, and not by how encoding fails: ${name}`, is => {
    const packed = packCommand({ command, result: t.unknown }, { ...DEFAULT_LIMITS, maxCommandBytes: 100 }, value as never)
    is.deepEqual(isLeft(packed) && packed.left instanceof Rejected && packed.left.report, lines)
  })
}

test('a codec that throws is a refusal', is => {
  is.deepEqual(encodeValue(shouting, 'x'), left(['encoding failed: out of breath']))
  const throwing = new t.Type<string>('Throwing', t.string.is, () => { throw new RangeError('Maximum call stack size exceeded') }, t.identity)
  is.deepEqual(decodeValue(throwing, json('1')), left(['reading the value failed: Maximum call stack size exceeded']))
})

const hostile: readonly (readonly [name: string, bytes: Uint8Array, reason: RegExp])[] = [
  ['nothing', new Uint8Array(0), /a value is empty/],
  ['an unknown tag', Uint8Array.of(2, 0x31), /unknown tag 2/],
  ['a tag alone', Uint8Array.of(0), /no JSON in UTF-8/],
  ['half a value', json('{"a":'), /no JSON in UTF-8/],
  ['two values', json('1 2'), /no JSON in UTF-8/],
  ['a byte order mark', json('\ufeff1'), /no JSON in UTF-8/],
  ['no UTF-8', Uint8Array.of(0, 0x22, 0xc3, 0x28, 0x22), /no JSON in UTF-8/],
  ['a cut character', Uint8Array.of(0, 0x22, 0xe2, 0x82, 0x22), /no JSON in UTF-8/],
  ['__proto__', json('{"__proto__":{"isAdmin":true}}'), /"__proto__" is not allowed/],
  ['__proto__ far down', json('[{"a":{"__proto__":1}}]'), /"__proto__" is not allowed/],
  ['__proto__ in disguise', json('{"__pr\\u006fto__":1}'), /"__proto__" is not allowed/],
  ['20 000 brackets', json(nested(20_000)), /nested deeper than 128/],
  ['20 000 brackets that never close', json('[{"a":'.repeat(10_000)), /nested deeper than 128/],
  ['one level too many', json(nested(MAX_VALUE_DEPTH + 1)), /nested deeper than 128/],
]
for (const [name, bytes, reason] of hostile) {
  test(`bytes that hold no value are refused: ${name}`, is => {
    const outcome = decodeValue(t.unknown, bytes)
    is.true(isLeft(outcome) && reason.test(outcome.left.join()), JSON.stringify(outcome))
  })
}

test('the deepest value that is allowed is read, and brackets in strings count for nothing', is => {
  is.deepEqual(decodeValue(t.unknown, json(nested(MAX_VALUE_DEPTH))), right(JSON.parse(nested(MAX_VALUE_DEPTH)) as unknown))
  const text = `${'['.repeat(500)}\\"{`
  is.deepEqual(decodeValue(t.string, json(JSON.stringify(text))), right(text))
})

test('depth is what JSON.parse would see, for any JSON', is => {
  const depthOf = (value: unknown): number =>
    typeof value !== 'object' || value === null ? 0 : 1 + Object.values(value).reduce<number>((most, item) => Math.max(most, depthOf(item)), 0)
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(7), (value, maxDepth) => {
    is.is(nestsDeeper(utf8(JSON.stringify(value, undefined, 1)), maxDepth), depthOf(value) > maxDepth)
  }))
})

test('the number of values is what JSON.parse would make, for any JSON', is => {
  const countOf = (value: unknown): number => typeof value !== 'object' || value === null ? 1 : Object.values(value).reduce<number>((sum, item) => sum + countOf(item), 1)
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1), (value, indent) => {
    const text = utf8(JSON.stringify(value, undefined, indent))
    is.deepEqual([-1, 0].map(more => holdsMore(text, countOf(value) + more)), [true, false])
  }))
})

test('text that opens few brackets is not looked at byte by byte, and then nests no deeper', is => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\\\', 'a') }), fc.nat(7), (text, maxDepth) => {
    if (!mayNestDeeper(text, maxDepth)) is.false(nestsDeeper(utf8(text), maxDepth))
    is.pass()
  }))
})

const entry: fc.Arbitrary<Uint8Array> = fc.oneof(
  jsonValue.map(value => json(JSON.stringify(value))),
  fc.constantFrom('"é"', '"\\u00e9"', '{"__proto__":1}', '{"\\u005f_proto__":1}', '1,2', '', '{', nested(MAX_VALUE_DEPTH), nested(MAX_VALUE_DEPTH + 1)).map(json),
  fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }).map(bytes => Uint8Array.of(0, ...bytes)), fc.uint8Array({ maxLength: 20 }).map(bytes => Uint8Array.of(1, ...bytes)),
)

test('values of one body are what each of them is by itself', is => {
  fc.assert(fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), fc.nat(5), fc.constantFrom(t.unknown, t.string, Bytes), (entries, skipped, codec) => {
    const first = Math.min(skipped, entries.length - 1)
    const body = packEntries(entries)
    const read = valuesOf<unknown>(codec, body, first, entries.length)
    for (let i = first; i < entries.length; i++) is.deepEqual(read(placeOf(body, i), placeOf(body, i + 1)), decodeValue<unknown>(codec, entries[i]!))
  }), { numRuns: 500 })
})

test('what is read back is what the bytes say', is => {
  for (const value of ['\ud800', '\\u005f', { a: '__proto__' }, [nested(MAX_VALUE_DEPTH)], 'é']) {
    const encoded = rightOf(encodeReadable(t.unknown, value))
    is.deepEqual(readBack(t.unknown, encoded), decodeValue(t.unknown, encoded.bytes))
  }
  fc.assert(fc.property(fc.oneof(jsonValue, fc.string({ unit: 'binary' })), value => {
    const encoded = rightOf(encodeReadable(t.unknown, value))
    is.deepEqual(readBack(t.unknown, encoded), decodeValue(t.unknown, encoded.bytes))
    is.deepEqual(readBack(t.string, encoded), decodeValue(t.string, encoded.bytes))
  }))
})

test('the protocol\'s own JSON has no key that reaches a prototype', is => {
  for (const key of ['__proto__', 'constructor', 'prototype', 'constr\\u0075ctor']) {
    is.true(isLeft(parseJson(utf8(`{"a":{"${key}":1}}`), 8)), key)
    is.true(isLeft(decodeJson(t.unknown, utf8(`{"${key}":1}`))), key)
  }
})

test('JSON may nest as deep as its codec reads, and a little where it reads nothing', is => {
  const lists = Array.from({ length: 12 }).reduce<t.Mixed>(codec => t.readonlyArray(codec), t.number)
  is.true(isRight(decodeJson(lists, utf8(nested(12)))))
  is.true(isLeft(decodeJson(lists, utf8(nested(13)))))
  is.true(isRight(decodeJson(t.unknown, utf8(nested(8)))))
  is.true(isLeft(decodeJson(t.unknown, utf8(nested(9)))))
})

test('no bytes make the readers throw', is => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    decodeValue(t.unknown, bytes)
    decodeValue(t.unknown, Uint8Array.of(0, ...bytes))
    decodeJson(t.unknown, bytes)
    is.pass()
  }))
})

test('results come back in order, failures among them', is => {
  const Result = t.strict({ total: t.number })
  const result = fc.oneof(fc.record({ total: fc.integer() }), fc.string().map(reason => new MachineFailed(reason)), fc.constantFrom(EXPIRED, FORGOTTEN, OPENED))
  fc.assert(fc.property(fc.array(result, { minLength: 1, maxLength: 20 }), results => {
    is.deepEqual(decodeResults(Result, encodeResults(Result, results).body).map(plain), results.map(plain))
  }))
})
const plain = (result: unknown): unknown => (result instanceof MachineFailed ? { failed: result.reason } : result)

test('a result that cannot be encoded, or read, is forgotten in its place, and no other is', is => {
  const { body, fault } = encodeResults(t.unknown, [1, undefined, 3, 4n])
  is.deepEqual([decodeResults(t.unknown, body), fault], [[1, FORGOTTEN, 3, FORGOTTEN], 'result 1: undefined has no JSON form'])
  is.deepEqual(decodeResults(t.number, encodeResults(t.unknown, [1, 'two', Number.NaN, EXPIRED, 4]).body), [1, FORGOTTEN, FORGOTTEN, EXPIRED, 4])
  is.deepEqual(decodeResults(t.unknown, packEntries([[5], [2, 0], [], [0], [0, 0, 0x37]].map(bytes => Uint8Array.from(bytes)))), [FORGOTTEN, FORGOTTEN, FORGOTTEN, FORGOTTEN, 7])
})

test('results take no more than the bytes that they are given, and hardly more are encoded for them', is => {
  let encoded = 0
  const Counted = new t.Type<string, unknown>('Counted', t.string.is, t.string.validate, value => (encoded += value.length, value))
  const told = (...lengths: readonly number[]): string => {
    encoded = 0
    const { body, fault } = encodeResults(Counted, lengths.map((length, i) => String(i % 10).repeat(length)), 1000)
    is.true(body.bytes.length <= 1000)
    is.is(fault === undefined, lengths.every(length => length < 300))
    return decodeResults(Counted, body).map(result => result === FORGOTTEN ? '-' : '+').join('')
  }
  is.is(told(1, 200, 299), '+++')
  is.is(told(1, 1000, 300, 1), '+-++', 'what is too large takes nothing from its neighbours')
  is.is(told(300, 300, 300, 300, 1), '+++-+')
  is.is(told(...Array.from({ length: 100 }, () => 300)), `+${'-'.repeat(99)}`, 'each has a place all the same')
  is.true(encoded <= 2 * 1000 + 300)
})

test('a machine\'s reason is cut, not refused, by whoever writes and by whoever reads', is => {
  const { body: written } = encodeResults(t.number, [new MachineFailed('x'.repeat(100_000))])
  is.true(written.bytes.length < 2 * MAX_REASON_CHARACTERS)
  for (const body of [written, packEntries([utf8(`\x01${'x'.repeat(100_000)}`)])]) {
    const [result] = decodeResults(t.number, body)
    is.is(result instanceof MachineFailed && result.reason.length, MAX_REASON_CHARACTERS)
  }
})

test('a report has a line per fault, with its path', is => {
  const Order = t.strict({ items: t.array(t.strict({ count: t.number })), note: t.union([t.string, t.undefined]) })
  const outcome = Order.decode({ items: [{ count: 1 }, { count: 'two' }], note: 3 })
  is.true(isLeft(outcome))
  if (isLeft(outcome)) {
    is.deepEqual(report(outcome.left), ['items.1.count: must be number, not "two"', 'note: must be string, not 3', 'note: must be undefined, not 3'])
  }
})

test('a report is bounded, whatever is wrong', is => {
  const lines = decodeWith(t.array(t.number), Array.from({ length: 10_000 }, () => 'x'.repeat(10_000)))
  is.true(isLeft(lines) && lines.left.length === MAX_REPORT_LINES && lines.left.join('').length < 3000)
  is.is(isLeft(lines) ? lines.left.at(-1) : undefined, `and ${10_000 - MAX_REPORT_LINES + 1} more faults`)
})

test('nothing that is thrown cannot be told', is => {
  const unspeakable = new Proxy({}, { getPrototypeOf: () => { throw new Error('no') } })
  for (const thrown of [new Error('why'), 'why', 1, undefined, null, Symbol('x'), 1n, {}, unspeakable]) is.is(typeof messageOf(thrown), 'string')
  const saying = (message: unknown): Error => Object.defineProperty(new Error('hidden'), 'message', { value: message })
  is.deepEqual([undefined, Symbol('x'), { code: 42 }, Object.create(null), null].map(message => messageOf(saying(message))), [
    'undefined', 'a symbol', 'an object', 'an object', 'null',
  ].map(what => `an error whose message is ${what}`))
})

test('what a machine gives as the reason of a failure is words, whatever plain JavaScript makes of it, and travels', is => {
  const silent = { toString: () => { throw new Error('no') } }
  const reasons: readonly unknown[] = ['no', new Error('no'), 7, undefined, Symbol('x'), Object.create(null), silent]
  const failures = reasons.map(reason => new MachineFailed(reason as string))
  const words = ['no', 'no', '7', 'undefined', 'Symbol(x)', 'something that has no words', 'something that has no words']
  is.deepEqual(failures.map(({ reason }) => reason), words)
  is.deepEqual(decodeResults(t.number, encodeResults(t.number, failures).body).map(plain), words.map(failed => ({ failed })))
})

test('a result that cannot even be looked at is one that cannot be encoded', is => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const hollow: unknown = Object.defineProperty(new MachineFailed('no'), 'reason', { value: undefined })
  is.deepEqual(decodeResults(t.unknown, encodeResults(t.unknown, [proxy, 1, hollow]).body), [FORGOTTEN, 1, FORGOTTEN])
})
