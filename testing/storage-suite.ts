import { deepEqual, equal, ok } from 'node:assert/strict'
import { Callback, misuse } from '../codecs/judging.js'
import { lastIndexOf } from '../lib/batch.js'
import { type Either, isLeft, isRight } from '../lib/prelude.js'
import type { StartError } from '../lib/errors.js'
import type { Write } from '../lib/events.js'
import type { Index, Membership } from '../lib/types.js'
import { MEMBERSHIP, type StorageWorld, append, commands, entriesOf, hardState, linesOf, openStore, tryOpen } from './open-store.js'
import { answerRules } from './answer-rules.js'
import { batchRules } from './batch-rules.js'
import { compactionRules } from './compaction-rules.js'
import { crashRules } from './crash-rules.js'
import { receiveRules } from './receive-rules.js'
import { snapshotCrashRules } from './snapshot-crash-rules.js'
import { snapshotRules } from './snapshot-rules.js'
import type { SuiteCase } from './transport-suite.js'

const OTHER: Membership = { voters: ['a', 'b', 'c'], outgoing: [], learners: [], addresses: { ...MEMBERSHIP.addresses, c: 'localhost:3' } }

const tagOf = (outcome: Either<StartError, unknown>): string => (isLeft(outcome) ? outcome.left._tag : 'none')

const words = (from: Index, to: Index, suffix = ''): readonly string[] => Array.from({ length: to - from + 1 }, (_, i) => `e${from + i}${suffix}`)
const lines = (from: Index, to: Index, term: number, suffix = ''): readonly string[] =>
  words(from, to, suffix).map((word, i) => `${from + i}@${term} ${word}`)
const run = (from: Index, to: Index, term = 1, suffix = '') => commands(from, term, ...words(from, to, suffix))

type Check = (world: StorageWorld) => Promise<void>

const beginnings: Readonly<Record<string, Check>> = {
  'an empty store begins with its base and remembers nothing': async world => {
    const { store, close } = await openStore(world.storage())
    const { incarnation, ...rest } = store.recovered
    ok(incarnation.length > 0)
    deepEqual(rest, {
      peers: {}, hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, base: { index: 0, term: 0, membership: MEMBERSHIP },
      lastIndex: 0, terms: [], memberships: [], tail: [], notes: [],
    })
    await close()
  },
  'incarnation and base stay what they were, whatever a later owner says': async world => {
    const first = await openStore(world.storage())
    await first.close()
    const second = await openStore(world.storage(), { membership: OTHER })
    equal(second.store.recovered.incarnation, first.store.recovered.incarnation)
    deepEqual(second.store.recovered.base.membership, MEMBERSHIP)
    await second.close()
  },
  'a store of another cluster or of another member is refused and left alone': async world => {
    const first = await openStore(world.storage())
    await first.write(1, hardState(3, 'b'))
    await first.close()
    equal(tagOf(await tryOpen(world.storage(), { clusterId: 'd'.repeat(64) })), 'WrongFolder')
    equal(tagOf(await tryOpen(world.storage(), { id: 'b' })), 'WrongFolder')
    const again = await openStore(world.storage())
    equal(again.store.recovered.hardState.term, 3)
    await again.close()
  },
  'a store is open once at a time': async world => {
    const first = await openStore(world.storage())
    equal(tagOf(await tryOpen(world.storage())), 'FolderInUse')
    await first.close()
    const second = await openStore(world.storage())
    await second.close()
  },
  'of two that open at once one succeeds': async world => {
    const outcomes = await Promise.all([tryOpen(world.storage()), tryOpen(world.storage())])
    deepEqual(outcomes.map(tagOf).sort(), ['FolderInUse', 'none'])
    for (const outcome of outcomes) if (outcome._tag === 'Right') await outcome.right.close()
  },
}

const writing: Readonly<Record<string, Check>> = {
  'term and vote survive': async world => {
    const first = await openStore(world.storage())
    await first.write(1, hardState(4, 'b'))
    await first.write(2, hardState(5, 'a'), hardState(6))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(second.store.recovered.hardState, { term: 6, votedFor: undefined, commitIndex: 0 })
    await second.write(1, hardState(7, 'b'))
    await second.close()
    const third = await openStore(world.storage())
    deepEqual(third.store.recovered.hardState, { term: 7, votedFor: 'b', commitIndex: 0 })
    await third.close()
  },
  'that a member is a newcomer survives, until it is none any more': async world => {
    const newcomer = (commitIndex: Index): Write => ({ type: 'hardState', hardState: { term: 1, votedFor: 'a', commitIndex, isNewcomer: true } })
    const first = await openStore(world.storage())
    await first.write(1, newcomer(0), append(run(1, 3)))
    await first.write(2, newcomer(2), append(run(4, 5)))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(second.store.recovered.hardState, { term: 1, votedFor: 'a', commitIndex: 2, isNewcomer: true })
    await second.write(1, hardState(1, 'a', 2))
    await second.close()
    const third = await openStore(world.storage())
    deepEqual(third.store.recovered.hardState, { term: 1, votedFor: 'a', commitIndex: 2 })
    await third.close()
  },
  'commitIndex survives, written with entries or alone': async world => {
    const first = await openStore(world.storage())
    await first.write(1, hardState(1, 'a'), append(run(1, 3)))
    await first.write(2, hardState(1, 'a', 2), append(run(4, 5)))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(second.store.recovered.hardState, { term: 1, votedFor: 'a', commitIndex: 2 })
    await second.write(1, hardState(1, 'a', 5))
    await second.close()
    const third = await openStore(world.storage())
    deepEqual(third.store.recovered.hardState, { term: 1, votedFor: 'a', commitIndex: 5 })
    await third.close()
  },
  'entries of every kind survive as they were': async world => {
    const first = await openStore(world.storage())
    const batches = [
      { kind: 'noop', firstIndex: 1, term: 1, time: 10, count: 1 }, commands(2, 1, 'one', '', 'þree'),
      { kind: 'membership', firstIndex: 5, term: 1, time: 11, count: 1, membership: OTHER }, commands(6, 2, 'x'.repeat(70_000)),
    ] as const
    await first.write(1, append(...batches))
    await first.close()
    const second = await openStore(world.storage())
    const { lastIndex, terms, memberships, tail } = second.store.recovered
    deepEqual({ lastIndex, terms, memberships }, {
      lastIndex: 6, terms: [{ firstIndex: 1, term: 1 }, { firstIndex: 6, term: 2 }], memberships: [{ index: 5, membership: OTHER }],
    })
    deepEqual(linesOf(tail), linesOf(batches))
    deepEqual(entriesOf(tail), entriesOf(batches))
    await second.close()
  },
  'a slice is stored as the entries that belong to it': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append({ ...run(1, 9), firstIndex: 1, count: 3, skip: 4 }))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(await second.lines(), ['1@1 e5', '2@1 e6', '3@1 e7'])
    await second.close()
  },
  'turns complete in order, none twice, and never during a call': async world => {
    const { store, events, persisted, close } = await openStore(world.storage())
    for (let turn = 1; turn <= 40; turn++) {
      const before = events.length
      const vote = turn % 5 === 0 ? [hardState(turn)] : []
      store.write(turn, turn % 7 === 0 ? vote : [...vote, append(run(turn === 1 ? 1 : 2, 5, turn))])
      equal(events.length, before)
    }
    await persisted(40)
    const turns = events.map(event => (event.type === 'persisted' ? event.turn : Number.NaN))
    deepEqual(turns, [...new Set(turns)].sort((a, b) => a - b))
    equal(turns.at(-1), 40)
    await close()
  },
  'a turn without writes is answered': async world => {
    const { write, close } = await openStore(world.storage())
    await write(1)
    await close()
  },
  'an append that leaves a gap fails the store': async world => {
    const { store, write, events, close } = await openStore(world.storage())
    await write(1, append(run(1, 2)))
    await write(2, append(run(4, 4))).then(() => ok(false), () => undefined)
    store.write(3, [append(run(3, 3))])
    await close()
    deepEqual(events.map(({ type }) => type), ['persisted', 'writeFailed'])
    const again = await openStore(world.storage())
    deepEqual(await again.lines(), lines(1, 2, 1))
    await again.close()
  },
  'closing finishes what was queued, and closing twice is closing once': async world => {
    const first = await openStore(world.storage())
    let completed = 0
    first.store.events$.subscribe({ complete: () => completed++ })
    for (let turn = 1; turn <= 20; turn++) first.store.write(turn, [append(run(turn, turn))])
    await Promise.all([first.close(), first.close()])
    await first.close()
    equal(completed, 1)
    const second = await openStore(world.storage())
    deepEqual(await second.lines(), lines(1, 20, 1))
    await second.close()
  },
}

const truncating: Readonly<Record<string, Check>> = {
  'an append replaces what stands at and above it': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(run(1, 3), run(4, 5)))
    await first.write(2, append(run(4, 5, 2, "'")))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(await second.lines(), [...lines(1, 3, 1), ...lines(4, 5, 2, "'")])
    await second.close()
  },
  'a batch is cut in its middle, and the log may become shorter': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(run(1, 10), run(11, 20), run(21, 30)))
    await first.write(2, append(run(14, 15, 2, "'")))
    await first.close()
    const second = await openStore(world.storage())
    equal(second.store.recovered.lastIndex, 15)
    deepEqual(second.store.recovered.terms, [{ firstIndex: 1, term: 1 }, { firstIndex: 14, term: 2 }])
    deepEqual(linesOf(second.store.recovered.tail), [...lines(1, 13, 1), ...lines(14, 15, 2, "'")])
    await second.write(1, append(run(16, 18, 2, "'")))
    await second.close()
    const third = await openStore(world.storage())
    deepEqual(await third.lines(), [...lines(1, 13, 1), ...lines(14, 18, 2, "'")])
    await third.close()
  },
  'terms and memberships that were replaced are forgotten': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(run(1, 2), { kind: 'membership', firstIndex: 3, term: 2, time: 1, count: 1, membership: OTHER }, run(4, 6, 3)))
    await first.write(2, append(run(3, 3, 4)))
    await first.close()
    const second = await openStore(world.storage())
    const { terms, memberships, lastIndex } = second.store.recovered
    deepEqual({ terms, memberships, lastIndex }, { terms: [{ firstIndex: 1, term: 1 }, { firstIndex: 3, term: 4 }], memberships: [], lastIndex: 3 })
    await second.close()
  },
  'several replacements in one turn count in their order': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(run(1, 5)), append(run(3, 8, 2, 'x')), append(run(2, 2, 3, 'y'), run(3, 4, 3, 'y')))
    deepEqual(linesOf(await first.read(1, 4)), [...lines(1, 1, 1), ...lines(2, 4, 3, 'y')])
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(await second.lines(), [...lines(1, 1, 1), ...lines(2, 4, 3, 'y')])
    await second.close()
  },
}

const reading: Readonly<Record<string, Check>> = {
  'any range is read, sliced at both ends': async world => {
    const { write, read, close } = await openStore(world.storage())
    await write(1, append(run(1, 4), run(5, 9)), append(run(10, 12)))
    for (let from = 1; from <= 12; from++) {
      for (let to = from; to <= 12; to++) deepEqual(linesOf(await read(from, to)), lines(from, to, 1))
    }
    await close()
  },
  'a read gives at least one batch, and then no more than it was allowed': async world => {
    const { write, read, close } = await openStore(world.storage())
    const long = (index: Index) => commands(index, 1, 'x'.repeat(1000))
    await write(1, append(...Array.from({ length: 20 }, (_, i) => long(i + 1))))
    equal((await read(3, 20, 1)).length, 1)
    const some = await read(3, 20, 5000)
    ok(some.length > 1 && some.length < 6)
    deepEqual(some.map(({ firstIndex }) => firstIndex), some.map((_, i) => i + 3))
    await close()
  },
  'what is being written can be read': async world => {
    const { store, read, close } = await openStore(world.storage())
    store.write(1, [append(run(1, 5))])
    store.write(2, [append(run(4, 6, 2, "'"))])
    deepEqual(linesOf(await read(2, 6)), [...lines(2, 3, 1), ...lines(4, 6, 2, "'")])
    await close()
  },
  'a read beyond the end finds nothing': async world => {
    const { write, read, close } = await openStore(world.storage())
    await write(1, append(run(1, 3)))
    deepEqual(await read(4, 9), [])
    deepEqual(linesOf(await read(3, 9)), lines(3, 3, 1))
    await close()
  },
  'a log far larger than what is handed over is read from end to end': async world => {
    const first = await openStore(world.storage())
    const text = 'z'.repeat(300)
    const many = (from: Index, count: number, term: number) => commands(from, term, ...Array.from({ length: count }, (_, i) => `${from + i}${text}`))
    for (let turn = 1; turn <= 60; turn++) first.store.write(turn, [append(many(1 + (turn - 1) * 20, 20, 1))])
    first.store.write(61, [append(many(601, 500, 2))])
    for (let turn = 62; turn <= 80; turn++) first.store.write(turn, [append(many(1101 + (turn - 62) * 20, 20, 2))])
    await first.close()
    const second = await openStore(world.storage(), { tailBytes: 20_000 })
    const { lastIndex, tail } = second.store.recovered
    equal(lastIndex, 1480)
    ok(tail.length > 0 && tail.length < 10, 'the tail is bounded')
    equal(lastIndexOf(tail.at(-1)!), 1480)
    const found: string[] = []
    while (found.length < lastIndex) found.push(...linesOf(await second.read(found.length + 1, lastIndex, 30_000)))
    deepEqual(found, Array.from({ length: 1480 }, (_, i) => `${i + 1}@${i < 600 ? 1 : 2} ${i + 1}${text}`))
    await second.close()
  },
}

const tails: Readonly<Record<string, Check>> = {
  'the newest batch is handed over however little was asked for': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(run(1, 3), run(4, 9)))
    await first.close()
    const second = await openStore(world.storage(), { tailBytes: 0 })
    deepEqual(linesOf(second.store.recovered.tail), lines(4, 9, 1))
    await second.close()
  },
}

const remembering: Readonly<Record<string, Check>> = {
  'incarnations of peers survive, the newest of each': async world => {
    const first = await openStore(world.storage())
    const remember = (peer: string, incarnation: string): Promise<Either<Error, void>> =>
      new Promise(resolve => first.store.remember(peer, incarnation, resolve))
    const outcomes = await Promise.all([remember('b', 'one'), remember('c', 'two'), remember('b', 'three'), remember('b', 'three')])
    ok(outcomes.every(isRight))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual({ ...second.store.recovered.peers }, { b: 'three', c: 'two' })
    await second.close()
  },
  'who is forgotten is forgotten for good, in order with who is remembered, and can be met as another': async world => {
    const first = await openStore(world.storage())
    const { store } = first
    const outcomes: Either<Error, void>[] = []
    const all = new Promise<void>(resolve => {
      const done = (outcome: Either<Error, void>): void => { if (outcomes.push(outcome) === 6) resolve() }
      store.remember('b', 'one', done)
      store.remember('c', 'two', done)
      store.remember('d', 'three', done)
      store.forget(['b', 'd', 'nobody'], done)
      store.remember('d', 'four', done)
      store.forget([], done)
    })
    await all
    ok(outcomes.every(isRight))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual({ ...second.store.recovered.peers }, { c: 'two', d: 'four' })
    await second.close()
  },
}

/**
 * What every storage must keep; `make` gives an empty place for each case. A case waits for answers as long as it takes: where a storage never gives one, the timeout of
 * the test runner ends it. Throws `InvalidOptions`.
 */
export const storageSuite = (make: () => StorageWorld): readonly SuiteCase[] => {
  const fault = misuse({ make: Callback }, { make })
  if (fault !== undefined) throw fault
  return Object.entries({
    ...beginnings, ...writing, ...truncating, ...reading, ...tails, ...remembering, ...answerRules, ...batchRules, ...compactionRules, ...snapshotRules, ...receiveRules, ...crashRules,
    ...snapshotCrashRules,
  }).map(([name, check]) => ({ name, run: () => check(make()) }))
}
