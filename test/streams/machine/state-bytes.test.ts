/** Which states go into snapshots: those that come back as they were, and no others. */
import { parse as parseQuery } from 'node:querystring'
import test from 'ava'
import * as t from 'io-ts'
import { from, lastValueFrom } from 'rxjs'
import { right } from '../../../lib/prelude.js'
import type { RunningMachine } from '../../../streams/machine/machine.js'
import { reducerMachine } from '../../../streams/machine/reducer-machine.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { withSessions } from '../../../streams/machine/with-sessions.js'
import { createCapture } from '../../../streams/snapshots/capture.js'
import { errorOf, leaderOf } from '../member/world.js'
import { heldWriter, placeAt, rest, virtualClock } from '../snapshots/fakes.js'

/** What becomes of a snapshot of this machine, once all of it was read. */
const saved = async (machine: RunningMachine<never, unknown, unknown>): Promise<readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of machine.snapshot()) chunks.push(new Uint8Array(chunk))
  return chunks
}

/** A machine that stands at this state. */
const at = <S>(state: t.Type<S, unknown>, initial: S): RunningMachine<null, null, S> =>
  reducerMachine<null, null, S>({ command: t.null, result: t.null, state, initial, reduce: now => [now, null] }).start()

class Bag {
  constructor(readonly items: readonly number[], readonly made: string) {}
}
const Numbers = t.readonlyArray(t.number)
const BagFromList = new t.Type<Bag, readonly number[]>('Bag', (value): value is Bag => value instanceof Bag,
  (value, context) => Numbers.is(value) ? t.success(new Bag(value, 'read')) : t.failure(value, context), ({ items }) => items)
const Raw = new t.Type<Uint8Array, Uint8Array>('Raw', (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) => value instanceof Uint8Array ? t.success(value) : t.failure(value, context), t.identity)
const Maybe = t.union([t.number, t.undefined])
const bare = (): Record<string, number> => Object.assign(Object.create(null) as Record<string, number>, { a: 1 })

class Sum {
  #sum: number
  constructor(sum: number) { this.#sum = sum }
  get sum(): number { return this.#sum }
}
const SumFromNumber = new t.Type<Sum, number>('Sum', (value): value is Sum => value instanceof Sum,
  (value, context) => value === null || typeof value === 'number' ? t.success(new Sum(value ?? 0)) : t.failure(value, context), ({ sum }) => sum)
/** A list in memory, each item of which holds the next, that its codec writes flat. */
type Chain = { readonly item: number; readonly next: Chain } | null
const chainOf = (items: readonly number[]): Chain => items.reduceRight<Chain>((next, item) => ({ item, next }), null)
const ChainFromList = new t.Type<Chain, readonly number[]>('Chain', (value): value is Chain => value === null || typeof value === 'object',
  (value, context) => Numbers.is(value) ? t.success(chainOf(value)) : t.failure(value, context), chain => {
    const items: number[] = []
    for (let one = chain; one !== null; one = one.next) items.push(one.item)
    return items
  })

const Dense = new t.Type<readonly (number | undefined)[], readonly number[]>('Dense', (value): value is number[] => Array.isArray(value),
  (value, context) => Numbers.is(value) ? t.success(value) : t.failure(value, context), list => list.filter(one => one !== undefined))

const lost: Readonly<Record<string, readonly [codec: t.Type<never, unknown>, state: unknown, reason: string]>> = {
  'NaN': [t.type({ mean: t.number }) as never, { mean: Number.NaN }, 'The state cannot be read again: mean: must be number, not null'],
  'a sum that has become infinite': [t.number as never, Number.POSITIVE_INFINITY, 'The state cannot be read again: must be number, not null'],
  'NaN where null may be': [t.type({ mean: t.union([t.number, t.null]) }) as never, { mean: Number.NaN }, 'What is read again is not the same as state.mean'],
  'undefined in a list': [t.array(Maybe) as never, [undefined], 'The state cannot be read again: 0: must be number, not null; 0: must be undefined, not null'],
  'what a refinement refuses': [t.Int as never, 1.5, 'The state cannot be read again: must be Int, not 1.5'],
  'what the codec leaves out': [t.type({ of: t.array(t.strict({ n: t.number })) }) as never, { of: [{ n: 1 }, { n: 1, last: 0 }] }, 'What is read again is not the same as state.of.1.last'],
  'undefined in a list where null may be': [t.array(t.union([t.number, t.null, t.undefined])) as never, [undefined, 1], 'What is read again is not the same as state.0'],
  'a list that became an object': [t.unknown as never, Object.assign(Object.create(Array.prototype), { 0: 1 }), 'What is read again is not the same as state'],
  'what an object of a class hides': [SumFromNumber as never, new Sum(Number.POSITIVE_INFINITY), 'What is read again is not the same as state'],
  'a list that its codec makes shorter': [Dense as never, [1, undefined], 'What is read again is not the same as state'],
  'a Buffer where bytes are read': [Raw as never, Buffer.from([1]), 'What is read again is not the same as state'],
  'a key that io-ts takes for the prototype where it copies': [t.record(t.string, t.strict({ n: t.number })) as never, JSON.parse('{"__proto__":{"n":1}}'), 'What is read again is not the same as state.__proto__'],
  'what stands under a symbol': [t.type({ of: t.unknown }) as never, { of: { n: 1, [Symbol('seen')]: true } }, 'What is read again is not the same as state.of.Symbol(seen)'],
  'what nothing enumerates': [t.unknown as never, Object.defineProperty({ n: 1 }, 'seen', { value: true }), 'What is read again is not the same as state.seen'],
  'a date where anything may be': [t.type({ at: t.unknown }) as never, { at: new Date(0) }, 'What is read again is not the same as state.at'],
}
for (const [what, [codec, state, reason]] of Object.entries(lost)) {
  test(`a state that would not come back is no snapshot: ${what}`, async is => {
    const chunks = at(codec, state as never).snapshot()[Symbol.asyncIterator]()
    await is.throwsAsync(() => chunks.next(), { message: reason })
    is.deepEqual(await chunks.next(), { done: true, value: undefined }, 'not even its beginning is handed out')
  })
}

const kept: Readonly<Record<string, readonly [codec: t.Type<never, unknown>, state: unknown]>> = {
  'plain data': [t.strict({ a: t.record(t.string, t.readonlyArray(t.number)), b: t.null }) as never, { a: { x: [1, -1.5], y: [] }, b: null }],
  'an undefined that the codec puts back': [t.type({ a: Maybe }) as never, { a: undefined }],
  'what nests deeper than it is written': [ChainFromList as never, chainOf(Array.from({ length: 300 }, (_, i) => i))],
  'raw bytes': [Raw as never, Uint8Array.of(1, 2)],
  'keys that somebody else may not use': [t.readonly(t.record(t.string, t.string)) as never, JSON.parse('{"__proto__":"a","constructor":"b","\\u005f":"\\ud800"}')],
}
for (const [what, [codec, state]] of Object.entries(kept)) {
  test(`a state that comes back goes into a snapshot: ${what}`, async is => {
    const restored = at<unknown>(codec as unknown as t.Type<unknown, unknown>, undefined)
    await lastValueFrom(from(restored.restore(at(codec, state as never).snapshot())), { defaultValue: undefined })
    is.deepEqual(restored.state, state)
    is.deepEqual(Object.entries(Object(restored.state)), Object.entries(Object(state)))
  })
}

/** Nobody's value is lost with a sign of zero, with a prototype that has nothing, or with what a list has beside its items. */
const alike: Readonly<Record<string, readonly [codec: t.Type<never, unknown>, state: unknown]>> = {
  'a zero with a sign': [t.type({ z: t.number, all: t.array(t.number) }) as never, { z: -0, all: [0, -0] }],
  'a zero with a sign inside an object of a class': [BagFromList as never, new Bag([-0], 'read')],
  'a zero with a sign far down': [ChainFromList as never, chainOf([...Array.from({ length: 300 }, () => 1), -0])],
  'an object without a prototype': [t.record(t.string, t.number) as never, bare()],
  'what a query string says': [t.record(t.string, t.union([t.string, t.array(t.string)])) as never, parseQuery('a=1&b=2&b=3')],
  'what a regular expression found': [t.array(t.string) as never, /(?<sign>.)(?<digits>\d+)/.exec('+12')],
  'its groups': [t.record(t.string, t.string) as never, /(?<sign>.)(?<digits>\d+)/.exec('+12')?.groups],
}
for (const [what, [codec, state]] of Object.entries(alike)) {
  test(`what JSON does not tell apart goes into a snapshot: ${what}`, async is => {
    const restored = at<unknown>(codec as unknown as t.Type<unknown, unknown>, undefined)
    await lastValueFrom(from(restored.restore(at(codec, state as never).snapshot())), { defaultValue: undefined })
    is.is(JSON.stringify(restored.state), JSON.stringify(state))
  })
}

test('objects of a class are equal where their codec writes the same, however they came to be', async is => {
  const restored = at(BagFromList, new Bag([], 'here'))
  await lastValueFrom(from(restored.restore(at(BagFromList, new Bag([1, 2], 'here')).snapshot())), { defaultValue: undefined })
  is.deepEqual(restored.state, new Bag([1, 2], 'read'))
})

test('a key whose value is undefined comes back missing, which is the same', async is => {
  const codec = t.record(t.string, Maybe)
  const restored = at<Record<string, number | undefined>>(codec, {})
  await lastValueFrom(from(restored.restore(at(codec, { a: 1, b: undefined }).snapshot())), { defaultValue: undefined })
  is.deepEqual(restored.state, { a: 1 })
})

test('a reason is bounded, however long the keys are', async is => {
  const codec = t.record(t.string, t.union([t.number, t.null]))
  await is.throwsAsync(() => saved(at(codec, { ['x'.repeat(100_000)]: Number.NaN })), { message: /^.{100,400}$/ })
})

/** A codec that counts what it is asked. */
const counting = <S>(codec: t.Type<S, unknown>) => {
  const count = { encoded: 0, decoded: 0 }
  const counted = new t.Type<S, unknown>(codec.name, codec.is, (value, context) => {
    count.decoded++
    return codec.validate(value, context)
  }, state => {
    count.encoded++
    return codec.encode(state)
  })
  return { count, codec: counted }
}

/** How many turns of the event loop others get until it is there. */
const turnsUntil = async (promise: Promise<unknown>): Promise<number> => {
  let turns = 0
  let isOver = false
  const settled = (): void => { isOver = true }
  promise.then(settled, settled)
  while (!isOver) {
    await new Promise(resolve => setImmediate(resolve))
    turns++
  }
  return turns
}

const LARGE = Array.from({ length: 200_000 }, (_, i) => i)

test('a large state is encoded where it stands, and read back while others have their turns', async is => {
  const { count, codec } = counting(Numbers)
  const chunks = at(codec, LARGE).snapshot()[Symbol.asyncIterator]()
  is.deepEqual(count, { encoded: 1, decoded: 0 })
  const first = chunks.next()
  is.true(await turnsUntil(first) >= 10, 'comparing alone takes ten of them')
  is.deepEqual(count, { encoded: 1, decoded: 1 }, 'plain data is not encoded again')
  is.true((await first).value instanceof Uint8Array)
})

test('nothing of a large state is handed out where its very end does not come back', async is => {
  const chunks = at(t.array(t.union([t.number, t.null])), [...LARGE, Number.NaN]).snapshot()[Symbol.asyncIterator]()
  await is.throwsAsync(() => chunks.next(), { message: 'What is read again is not the same as state.200000' })
})

test('what is applied while a large state is read back is not in its snapshot, and does not keep it from being taken', async is => {
  const machine = reducerMachine<null, null, readonly number[]>({ command: t.null, result: t.null, state: Numbers, initial: LARGE, reduce: () => [[], null] }).start()
  const chunks = saved(machine)
  await lastValueFrom(from(machine.apply([{ index: 1, term: 1, time: 1, command: null }])))
  is.deepEqual(machine.state, [])
  is.deepEqual(JSON.parse(Buffer.concat(await chunks).subarray(1).toString()), LARGE)
})

interface Link { value: number; before?: Link; after?: Link; self?: Link }

/** Each item knows the one before and the one after it. */
const linked = (values: readonly number[], isClosed: boolean): Link => {
  const links = values.map((value): Link => ({ value }))
  links.forEach((link, i) => {
    const [before, after] = isClosed ? [links.at(i - 1), links[(i + 1) % links.length]] : [links[i - 1], links[i + 1]]
    Object.assign(link, { ...before && { before }, ...after && { after }, self: link })
  })
  return links[0]!
}

const linkedFromList = (isClosed: boolean, read: (values: readonly number[]) => readonly number[] = values => values) =>
  new t.Type<Link, readonly number[]>('Linked', (value): value is Link => typeof value === 'object',
    (value, context) => Numbers.is(value) ? t.success(linked(read(value), isClosed)) : t.failure(value, context), first => {
      const values = [first.value]
      for (let at = first.after; at !== undefined && at !== first; at = at.after) values.push(at.value)
      return values
    })

interface Branch { name: string; parent: Branch | null; children: Branch[] }

const branch = (name: string, children: Branch[]): Branch => {
  const made: Branch = { name, parent: null, children }
  for (const child of children) child.parent = made
  return made
}
type Names = readonly [name: string, children: readonly Names[]]
const planted = ([name, children]: Names): Branch => branch(name, children.map(planted))
const namesOf = ({ name, children }: Branch): Names => [name, children.map(namesOf)]
const TreeFromNames = new t.Type<Branch, Names>('Tree', (value): value is Branch => typeof value === 'object', value => t.success(planted(value as Names)), namesOf)
const TREE: Names = ['root', [['a', [['b', []], ['c', []]]], ['d', [['e', []]]]]]

/** Each holds the next twice, so that there are far more ways than objects. */
type Twice = { readonly one: Twice; readonly two: Twice } | null
const twice = (depth: number): Twice => {
  let made: Twice = null
  for (let i = 0; i < depth; i++) made = { one: made, two: made }
  return made
}
const depthOf = (of: Twice): number => of === null ? 0 : 1 + depthOf(of.one)
const TwiceFromDepth = new t.Type<Twice, number>('Twice', (value): value is Twice => typeof value === 'object', value => t.success(twice(Number(value))), depthOf)

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** What became of it, if anything did within a hundred turns. */
const soon = async (machine: RunningMachine<never, unknown, unknown>): Promise<string> => {
  let outcome = 'still going on'
  const chunks = machine.snapshot()[Symbol.asyncIterator]()
  chunks.next().then(() => { outcome = 'taken' }, (thrown: Error) => { outcome = thrown.message })
  for (let i = 0; i < 100 && outcome === 'still going on'; i++) await turns(1)
  void chunks.return?.()
  return outcome
}

const circles: Readonly<Record<string, readonly [codec: t.Type<never, unknown>, state: unknown]>> = {
  'a list linked both ways': [linkedFromList(false) as never, linked([1, 2, 3], false)],
  'a list that is longer than what is encoded may be deep': [linkedFromList(false) as never, linked(Array.from({ length: 1000 }, (_, i) => i), false)],
  'a ring': [linkedFromList(true) as never, linked([1, 2, 3], true)],
  'a tree whose branches know their parents': [TreeFromNames as never, planted(TREE)],
  'parts that are shared': [TwiceFromDepth as never, twice(100)],
}
for (const [what, [codec, state]] of Object.entries(circles)) {
  test(`objects in memory that lead to each other are compared once: ${what}`, async is => {
    is.is(await soon(at(codec, state as never)), 'taken')
  })
}

const otherCircles: Readonly<Record<string, readonly [codec: t.Type<never, unknown>, state: unknown, reason: string]>> = {
  'the last value of a ring': [linkedFromList(true, values => [...values.slice(0, -1), 9]) as never, linked([1, 2, 3, 4], true), 'What is read again is not the same as state.before.value'],
  'the last value of a long list': [linkedFromList(false, values => [...values.slice(0, -1), 9]) as never, linked(Array.from({ length: 1000 }, (_, i) => i), false), 'What is read again is not the same as state'],
  'the length of a ring, whatever way it is gone round': [linkedFromList(true, values => values.slice(1)) as never, linked([1, 1, 1], true), 'What is read again is not the same as state'],
}
for (const [what, [codec, state, reason]] of Object.entries(otherCircles)) {
  test(`objects that lead to each other and do not come back are no snapshot: ${what}`, async is => {
    is.is(await soon(at(codec, state as never)), reason)
  })
}

/** A state that becomes ever more while it is looked at, and how often it was. */
const endless = () => {
  const looked = { count: 0 }
  const made = (): object => ({
    get one() {
      looked.count++
      return made()
    },
    get two() { return made() },
  })
  const state = new t.Type<object, unknown>('Endless', (value): value is object => value !== null, () => t.success(made()), () => null)
  const machine = reducerMachine<{ add: number }, null, object>({ command: t.type({ add: t.number }), result: t.null, state, initial: made(), reduce: now => [now, null] })
  /** It was under way, and is no more one turn after this. */
  const isEndedBy = async (end: () => unknown): Promise<boolean> => {
    await turns(3)
    const before = looked.count
    await turns(3)
    const isUnderWay = looked.count > before
    void end()
    await turns(1)
    const after = looked.count
    await turns(5)
    return isUnderWay && looked.count === after
  }
  return { machine, isEndedBy }
}

test('who wants no more of a snapshot ends the reading at once, and whoever waits for a chunk is told that there is none', async is => {
  const { machine, isEndedBy } = endless()
  const chunks = machine.start().snapshot()[Symbol.asyncIterator]()
  const first = chunks.next()
  is.true(await isEndedBy(() => chunks.return?.()))
  is.deepEqual(await first, { done: true, value: undefined })
  is.deepEqual(await chunks.next(), { done: true, value: undefined })
})

for (const compression of ['none', 'gzip'] as const) {
  const running = () => {
    const { machine, isEndedBy } = endless()
    const clock = virtualClock()
    const capture = createCapture({
      machine: withSessions(machine.start(), createSessions(), t.null), compression, clock, restored: undefined, from: 0,
      snapshots: { newest: () => undefined, write: place => ({ ...heldWriter([], place).writer, write: (_, done) => done(right(undefined)) }) },
      limits: { snapshotBytes: 1000, snapshotEntries: 10, snapshotStallMs: 500, snapshotRetryMs: 100, snapshotRetryMaxMs: 300, applyBudgetMs: 10 },
      atRest: look => {
        look({ index: 1, term: 1, time: 5 })
        return () => undefined
      },
      membershipAt: index => placeAt(index).membership,
      stored: () => undefined, events: { observed: false, next: () => undefined }, notice: () => undefined, told: undefined,
    })
    const outcomes: string[] = []
    void capture.snapshot().then(outcome => outcomes.push(String(errorOf(outcome)?.message)))
    return { capture, clock, isEndedBy, outcomes }
  }

  test(`a snapshot that stalls is read again no longer, compression ${compression}`, async is => {
    const { clock, isEndedBy, outcomes } = running()
    is.true(await isEndedBy(() => clock.advance(500)))
    await rest(clock)
    is.regex(outcomes.join(), /gave nothing for 500 ms/)
  })

  test(`nor one whose place another takes, compression ${compression}`, async is => {
    const { capture, isEndedBy } = running()
    is.true(await isEndedBy(() => capture.restored({ ...placeAt(2), bytes: 1, checksum: 2 })))
  })

  test(`nor one that is halted, compression ${compression}`, async is => {
    const { capture, isEndedBy } = running()
    is.true(await isEndedBy(() => capture.halt('stopped')))
  })
}

test('a member that stops leaves no reading behind', async is => {
  const { machine, isEndedBy } = endless()
  const { raft, clock } = leaderOf(machine)
  void raft.propose({ add: 1 })
  clock.advance(10)
  void raft.snapshot()
  await rest(clock)
  is.true(await isEndedBy(() => {
    void raft.stop()
    clock.settle()
  }))
})
