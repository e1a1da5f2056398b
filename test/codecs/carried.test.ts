/** Which values need not be read back, because JSON is certain to carry them. */
import test from 'ava'
import fc from 'fast-check'
import * as t from 'io-ts'
import { isCarried } from '../../codecs/carried.js'
import { encodeValue, decodeValue } from '../../codecs/values.js'
import { isLeft, isRight } from '../../lib/prelude.js'

interface Tree { readonly name: string; readonly below: readonly Tree[] }
const Tree: t.Type<Tree> = t.recursion('Tree', () => t.strict({ name: t.string, below: t.readonlyArray(Tree) }))
const Short = t.brand(t.string, (text): text is t.Branded<string, { readonly Short: symbol }> => text.length < 5, 'Short')
const Command = t.union([
  t.strict({ type: t.literal('put'), key: t.string, value: t.union([t.number, t.boolean, t.string, t.undefined]) }),
  t.intersection([t.type({ type: t.literal('add'), by: t.number }), t.partial({ note: t.string, only: t.keyof({ a: null, b: null }) })]),
  t.strict({ type: t.literal('many'), items: t.array(t.tuple([t.string, t.number])), tags: t.record(t.string, t.readonly(t.strict({ on: t.boolean }))) }),
  t.strict({ type: t.literal('tree'), tree: Tree }), Short, t.Int,
])

const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 2, 4))
const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
  tree: fc.record({ name: fc.string(), below: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 2 })) }),
}))
const command: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ type: fc.constant('put'), key: fc.string({ unit: 'binary' }), value: fc.oneof(number, fc.boolean(), fc.string(), fc.constant(undefined)) }),
  fc.record({ type: fc.constant('add'), by: number, note: fc.string(), only: fc.constantFrom('a', 'b') }, { requiredKeys: ['type', 'by'] }),
  fc.record({ type: fc.constant('many'), items: fc.array(fc.tuple(fc.string(), number), { maxLength: 3 }), tags: fc.dictionary(fc.string(), fc.record({ on: fc.boolean() }), { noNullPrototype: true }) }),
  fc.record({ type: fc.constant('tree'), tree }), number, fc.string(), fc.anything(),
)

const stringified = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

test('what is said to be carried is read as it was, but for a sign of zero and what is undefined', is => {
  let carried = 0
  fc.assert(fc.property(command, value => {
    const text = stringified(value)
    if (text === undefined || !isCarried<unknown>(Command as t.Type<unknown, unknown>, value, text)) return
    carried++
    const bytes = encodeValue<unknown>(Command as t.Type<unknown, unknown>, value)
    // What is too deep, or has a forbidden key, is refused by whoever encodes it.
    if (isLeft(bytes)) return
    const read = decodeValue<unknown>(Command, bytes.right)
    is.true(isRight(read), text)
    if (isRight(read)) is.is(JSON.stringify(read.right), JSON.stringify(Command.encode(value as never)))
  }), { numRuns: 2_000 })
  is.true(carried > 200, `${carried} were carried`)
})

test('a number that JSON has not is never said to be carried, and neither is what the codec does not describe', is => {
  for (const by of [Number.NaN, Number.POSITIVE_INFINITY]) is.false(isCarried(Command, { type: 'add', by }, JSON.stringify({ type: 'add', by })))
  is.false(isCarried(t.string, 7 as never, '7'))
  is.true(isCarried(t.type({ add: t.number }), { add: 1 }, '{"add":1}'))
})

const Moment = new t.Type<Date, string>('Moment', (value): value is Date => value instanceof Date, value => t.success(new Date(String(value))), date => date.toISOString())
const unsaid: readonly (readonly [name: string, codec: object, value: unknown])[] = [
  ['a codec of somebody\'s own', Moment, new Date(0)], ['one deep inside', t.array(t.strict({ at: t.union([t.string, Moment]) })), [{ at: 'x' }]],
  ['anything', t.unknown, 1], ['what a refinement sees of an object', t.refinement(t.type({ a: t.string }), value => 'b' in value), { a: 'x', b: 1 }],
  ['what a refinement sees of a number', t.refinement(t.number, n => Object.is(n, -0)), -0], ['a copy of a codec', Object.assign(Object.create(t.StringType.prototype) as object, t.string), 'x'], ['any object', t.object, {}], ['any list', t.UnknownArray, []], ['any record', t.UnknownRecord, {}], ['a bigint', t.bigint, 1n],
]
for (const [name, codec, value] of unsaid) {
  test(`of what a codec does not say is not presumed: ${name}`, is => is.false(isCarried(codec as t.Type<unknown, unknown>, value, '1')))
}

test('the same codec is looked into once, and one that contains itself at all', is => {
  let looked = 0
  const props = new Proxy({ add: t.number }, { ownKeys: target => { looked++; return Reflect.ownKeys(target) } })
  const codec = t.type(props)
  looked = 0
  for (let i = 0; i < 3; i++) isCarried(codec, { add: 1 }, '{"add":1}')
  is.is(looked, 1)
  is.true(isCarried(Tree, { name: 'a', below: [{ name: 'b', below: [] }] }, ''))
})
