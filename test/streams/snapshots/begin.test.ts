/** How a machine begins: from the newest snapshot, or anew where that cannot be had. */
import test from 'ava'
import * as io from 'io-ts'
import { EMPTY, type ObservableInput, throwError } from 'rxjs'
import { SnapshotLost } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryBatch, Snapshot } from '../../../lib/types.js'
import type { RunningMachine } from '../../../streams/machine/machine.js'
import { PREFACE_BYTES } from '../../../streams/machine/session-bytes.js'
import { type Begun, beginMachine, startMachine } from '../../../streams/snapshots/begin.js'
import type { Recovered, SnapshotReader } from '../../../streams/storage/port.js'
import { placeAt, rest, virtualClock } from './fakes.js'

type Restore = RunningMachine<never, never, string>['restore']

const SNAPSHOT: Snapshot = { ...placeAt(3), bytes: 4, checksum: 9 }
const CHUNKS = ['ab', 'cd'].map(text => right(Buffer.from(text)))
const log = (lastIndex: number, base = 0): Recovered => ({
  incarnation: 'first', peers: {}, hardState: { term: 1, votedFor: undefined, commitIndex: 0 }, notes: [], memberships: [],
  base: { index: base, term: base === 0 ? 0 : 1, membership: SNAPSHOT.membership }, lastIndex, terms: lastIndex > base ? [{ firstIndex: base + 1, term: 1 }] : [],
  tail: lastIndex > base ? [{ kind: 'noop', firstIndex: lastIndex, term: 1, count: 1, time: 5 } satisfies EntryBatch] : [],
})

const UNREADABLE = 'a state that cannot be read'

interface Given {
  readonly snapshot?: Snapshot | undefined
  readonly recovered?: Recovered
  readonly chunks?: readonly Either<Error, Uint8Array>[]
  readonly restore?: (set: (state: string) => void) => Restore
  readonly isOpen?: boolean
  readonly id?: string
}

/** Reads all there is and makes it the state: what a machine does. */
const faithful = (set: (state: string) => void): Restore => async bytes => {
  let text = ''
  for await (const chunk of bytes) text += Buffer.from(chunk).toString()
  set(text)
}

const begin = ({ snapshot = SNAPSHOT, recovered = log(5), chunks = CHUNKS, restore = faithful, isOpen = true, id = 'n2' }: Given) => {
  const clock = virtualClock()
  let started = 0
  let read = 0
  let closed = 0
  const recipe = {
    result: io.never,
    start: (): RunningMachine<never, never, string> => {
      let state = `machine ${++started}`
      return {
        get state() {
          if (state === UNREADABLE) throw new Error('no such state')
          return state
        },
        apply: () => EMPTY,
        snapshot: () => { throw new Error('not asked for') },
        restore: restore(text => { state = text }),
      }
    },
  }
  const reader: SnapshotReader = {
    snapshot,
    next: done => clock.endOfTurn(() => done(chunks[read++] ?? right(undefined))),
    rewind: () => undefined,
    close: done => {
      closed++
      done()
    },
  }
  const outcomes: Either<Error, Begun<never, never, string>>[] = []
  const first = startMachine(recipe)
  if (isLeft(first)) throw first.left
  beginMachine(first.right, recipe, {
    id,
    store: {
      recovered,
      snapshots: { newest: () => snapshot, read: done => { if (isOpen) done(right(reader)) } },
    },
    clock, stallMs: 100,
  }, outcome => outcomes.push(outcome))
  return {
    clock, outcomes, closed: () => closed, started: () => started,
    /** What the machine began with, once it did. */
    begun: (): Begun<never, never, string> | undefined => {
      const [outcome] = outcomes
      return outcome === undefined || isLeft(outcome) ? undefined : outcome.right
    },
  }
}

test('the machine is given the chunks and begins where the snapshot stands', async t => {
  const w = begin({})
  await rest(w.clock)
  t.like(w.begun(), { applied: { index: 3, term: 1, time: 5, state: 'abcd' }, restored: SNAPSHOT, notices: [] })
  t.deepEqual([w.outcomes.length, w.started(), w.closed()], [1, 1, 1])
  w.clock.advance(1000)
  t.is(w.outcomes.length, 1)
})

test('without a snapshot the machine begins as it was started, at once', t => {
  const clock = virtualClock()
  const recipe = { result: io.unknown, start: () => ({ state: 'fresh', apply: () => EMPTY, snapshot: () => { throw new Error('not asked for') }, restore: () => EMPTY }) }
  const first = startMachine(recipe)
  const outcomes: unknown[] = []
  if (isLeft(first)) throw first.left
  const snapshots = { newest: () => undefined, read: () => t.fail('there is none') }
  beginMachine(first.right, recipe, { id: 'n1', store: { recovered: log(5), snapshots }, clock, stallMs: 100 }, outcome => outcomes.push(outcome))
  t.deepEqual(outcomes, [first])
  beginMachine(first.right, recipe, { id: 'n1', store: { recovered: log(5, 2), snapshots }, clock, stallMs: 100 }, outcome => outcomes.push(outcome))
  t.like(outcomes[1], { left: { _tag: 'SnapshotLost', baseIndex: 2, reason: 'there is no snapshot' } })
})

const damage = left(new Error('damaged at 2'))
const unusable: Readonly<Record<string, readonly [Given, RegExp]>> = {
  'is damaged in the middle': [{ chunks: [CHUNKS[0]!, damage] }, /^damaged at 2$/],
  'is damaged where the machine did not look': [{ chunks: [right(Buffer.alloc(PREFACE_BYTES)), ...CHUNKS, damage], restore: set => () => (set('done'), EMPTY) }, /^damaged at 2$/],
  'is damaged, which the machine keeps to itself': [{
    chunks: [CHUNKS[0]!, damage],
    restore: set => async bytes => {
      try {
        for await (const chunk of bytes) set(Buffer.from(chunk).toString())
      } catch {
        set('what could be read')
      }
    },
  }, /^damaged at 2$/],
  'makes the machine throw': [{ restore: () => () => { throw new Error('no such format') } }, /^no such format$/],
  'makes the machine fail': [{ restore: () => () => throwError(() => new Error('no such format')) }, /^no such format$/],
  'makes the machine answer nonsense': [{ restore: () => () => 7 as unknown as ObservableInput<void> }, /You provided/],
  'leads to a state that cannot be read': [{ restore: set => () => (set(UNREADABLE), EMPTY) }, /^no such state$/],
  'stands behind the end of the log': [{ recovered: log(2) }, /^it stands at 3 of term 1, where this log has no entry$/],
  'stands at an entry of another term': [{ snapshot: { ...SNAPSHOT, term: 2 } }, /^it stands at 3 of term 2, where this log has an entry of term 1$/],
}
for (const [what, [given, reason]] of Object.entries(unusable)) {
  test(`a snapshot that ${what} is told, and the machine begins anew`, async t => {
    const w = begin(given)
    await rest(w.clock)
    t.like(w.begun(), { applied: { index: 0, term: 0, time: 0, state: 'machine 2' }, restored: undefined })
    const [notice] = w.begun()?.notices ?? []
    t.like(notice, { type: 'snapshotUnusable', index: 3 })
    t.regex(notice?.type === 'snapshotUnusable' ? notice.reason : '', reason)
    t.is(w.outcomes.length, 1)
  })
}

test('contents that cannot be decompressed are no state, also where the machine keeps that to itself', async t => {
  const w = begin({ snapshot: { ...SNAPSHOT, compression: 'gzip' }, restore: set => async bytes => {
    try {
      for await (const chunk of bytes) set(Buffer.from(chunk).toString())
    } catch {
      set('what could be read')
    }
  } })
  while (w.outcomes.length === 0) await rest(w.clock)
  t.like(w.begun(), { applied: { index: 0, state: 'machine 2' }, restored: undefined, notices: [{ type: 'snapshotUnusable', reason: 'incorrect header check' }] })
})

test('a machine that lets go of a chunk that turns out damaged begins anew, and nobody misses the promise', async t => {
  const w = begin({ chunks: [left(new Error('damaged'))], restore: () => bytes => {
    void bytes[Symbol.asyncIterator]().next()
    throw new Error('no patience')
  } })
  await rest(w.clock)
  t.deepEqual(w.begun()?.notices.map(({ type }) => type), ['snapshotUnusable'])
})

test('a machine that never comes to an end is given up after its patience, and so is a disk', async t => {
  for (const given of [{ restore: () => () => new Promise<void>(() => undefined) }, { isOpen: false }]) {
    const w = begin(given)
    await rest(w.clock)
    w.clock.advance(99)
    t.is(w.outcomes.length, 0)
    w.clock.advance(2)
    t.like(w.begun(), { applied: { state: 'machine 2' }, notices: [{ reason: 'nothing went on for 100 ms (snapshotStallMs)' }] })
  }
})

test('where the log begins behind the lost state, the member waits for the one of a leader', async t => {
  for (const [given, reason] of [
    [{ recovered: log(5, 2), chunks: [damage] }, 'damaged at 2'],
    [{ recovered: log(9, 4) }, 'it stands at 3 of term 1, where this log has no entry'],
  ] as const) {
    const w = begin(given)
    await rest(w.clock)
    t.like(w.begun(), { applied: { index: 0, state: 'machine 2' }, restored: undefined, notices: [{ type: 'snapshotUnusable', index: 3, reason }] })
  }
})

test('where the machine refuses the state, the start is refused: another one would be of no use', async t => {
  const w = begin({ recovered: log(5, 2), restore: () => () => throwError(() => new Error('no such format')) })
  await rest(w.clock)
  t.like(w.outcomes, { 0: { left: { _tag: 'SnapshotLost', baseIndex: 2, reason: 'no such format' } } })
})

test('while it may not be committed that nobody else votes, another may lead, and send its snapshot', async t => {
  const of = (...voters: readonly string[]) => ({ voters, outgoing: [], learners: [], addresses: Object.fromEntries(voters.map(id => [id, `${id}:1`])) })
  for (const [commitIndex, isRefused] of [[3, false], [4, true]] as const) {
    const recovered = log(5, 2)
    const w = begin({
      recovered: { ...recovered, base: { ...recovered.base, membership: of('n1', 'n2') }, memberships: [{ index: 4, membership: of('n1') }], hardState: { ...recovered.hardState, commitIndex } },
      chunks: [damage], id: 'n1',
    })
    await rest(w.clock)
    t.is(w.outcomes[0] !== undefined && isLeft(w.outcomes[0]), isRefused)
  }
})

test('where nobody else can lead, the start is refused', async t => {
  const w = begin({ recovered: log(5, 2), chunks: [damage], id: 'n1' })
  await rest(w.clock)
  const [outcome] = w.outcomes
  t.true(outcome !== undefined && isLeft(outcome) && outcome.left instanceof SnapshotLost)
  t.like(outcome, { left: { baseIndex: 2, reason: 'damaged at 2' } })
})

test('a snapshot at the very base of the log will do', async t => {
  const w = begin({ recovered: log(3, 3) })
  await rest(w.clock)
  t.like(w.begun(), { applied: { index: 3, state: 'abcd' } })
})
