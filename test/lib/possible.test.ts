/** What cannot have happened is reported, whoever drives the core, and changes nothing; what can, and contradicts the member's own state, stops it. */
import test from 'ava'
import type { RaftEvent } from '../../lib/events.js'
import { InvariantBroken } from '../../lib/invariants.js'
import { nothingAsked } from '../../lib/ready.js'
import type { RaftState } from '../../lib/state.js'
import { step } from '../../lib/step.js'
import { body, candidateIn, entries, follower, leader, membershipOf } from './build.js'
import { snapshotAt } from './snapshots.js'

const STATES: readonly (readonly [string, () => RaftState])[] = [
  ['a follower', () => follower({ log: '1@1', leader: 'L' })], ['a candidate', () => candidateIn(1).state], ['a leader', () => leader({ log: '1@1', others: 'f1{on} f2{on}' })],
]

const EVENTS: readonly RaftEvent[] = [
  { type: 'proposed', id: 1, body: body() }, { type: 'readAsked', id: 1 }, { type: 'persisted', turn: 1 },
  { type: 'entriesRead', purpose: { type: 'replicate', to: 'f1' }, from: 1, batches: entries('1@1') }, { type: 'applied', index: 0 },
  { type: 'snapshotStored', snapshot: snapshotAt('9@1') }, { type: 'chunkWritten', snapshot: snapshotAt('9@1'), received: 5 }, { type: 'receiveFailed', snapshot: snapshotAt('9@1') },
  { type: 'chunkRead', to: 'f1', snapshot: snapshotAt('9@1'), offset: 0, chunk: new Uint8Array(5) }, { type: 'peerGone', peer: 'f2' }, { type: 'transferAsked', term: 1, to: 'f1' },
  { type: 'changeAsked', id: 1, term: 1, wish: { type: 'abandon' }, from: membershipOf('L f1 f2') }, { type: 'ticked', due: 10_000 },
]
/** What is in none of their fields. */
const NONSENSE: readonly unknown[] = [null, true, -1, 1.5, Number.NaN, {}, [null]]
/** What is nonsense elsewhere: a tick may be due at any time. */
const isFree = (field: string, value: unknown): boolean =>
  field === 'due' && typeof value === 'number' && Number.isFinite(value)

const noticedIn = (state: RaftState, event: unknown, now = state.now, wall = state.wall) => {
  const { state: after, ready } = step({ state, ready: nothingAsked(0) }, { now, wall, events: [event as RaftEvent] })
  return { after, noticed: ready.diagnostics }
}

const unchanged = ({ role, term, now, log: { lastIndex }, commitIndex, persistedIndex, appliedIndex, snapshot }: RaftState) =>
  ({ role, term, now, log: { lastIndex }, commitIndex, persistedIndex, appliedIndex, snapshot })

for (const [who, make] of STATES) {
  test(`${who} reports events that cannot be, and changes nothing`, t => {
    for (const event of [undefined, null, 'ticked', 7, {}, [], { type: 'foo' }, { type: 'toString' }]) {
      const state = make()
      const { after, noticed } = noticedIn(state, event)
      t.deepEqual(noticed, [{ type: 'impossibleEvent', event: typeof event === 'object' && event !== null && 'type' in event ? event.type : '' }], JSON.stringify(event))
      t.like(after, unchanged(state))
    }
    for (const sound of EVENTS) for (const field of Object.keys(sound).filter(key => key !== 'type')) for (const odd of NONSENSE) {
      if (isFree(field, odd)) continue
      const state = make()
      const { after, noticed } = noticedIn(state, { ...sound, [field]: odd })
      t.deepEqual(noticed, [{ type: 'impossibleEvent', event: sound.type }], `${sound.type} ${field} ${JSON.stringify(odd)}`)
      t.like(after, unchanged(state))
    }
  })

  test(`${who} reports clocks that show no time, and keeps its own`, t => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const state = make()
      for (const [now, wall] of [[odd, state.wall], [state.now, odd]] as const) {
        const { after, noticed } = noticedIn(state, { type: 'ticked', due: state.now }, now, wall)
        t.deepEqual(noticed, [{ type: 'impossibleEvent', event: 'batch' }])
        t.like(after, { now: state.now, wall: state.wall, role: state.role, term: state.term })
      }
    }
  })

  test(`${who} reports messages that are none`, t => {
    for (const message of [undefined, null, 'foo', 7, {}, [], { type: 'appendEntries' }, { from: 'L', to: 'f1', type: 'foo', term: 1, round: 1 }]) {
      const state = make()
      const { after, noticed } = noticedIn(state, { type: 'received', message })
      const { from = '', type = '' } = Object(message) as { readonly from?: string; readonly type?: string }
      t.deepEqual(noticed, [{ type: 'contradiction', from, message: type, claim: 'the message is malformed' }], JSON.stringify(message))
      t.like(after, unchanged(state))
    }
  })
}

test('what is no wish is reported, and changes nothing', t => {
  const wish = { type: 'change', voters: { d: 'd:1' }, learners: {}, remove: [], newcomers: undefined }
  const ask = (asked: unknown) => noticedIn(STATES[2]![1](), { type: 'changeAsked', id: 1, term: 1, wish: asked, from: undefined })
  for (const odd of [
    { voters: { d: 7 } }, { voters: { d: 'nowhere' } }, { voters: { '': 'd:1' } }, { voters: undefined }, { voters: null }, { learners: { d: {} } }, { learners: 'd' }, { remove: 'f1' }, { remove: [7] },
    { remove: undefined }, { newcomers: [null] }, { newcomers: 'd' }, { type: 'foo' }, { type: undefined },
  ]) {
    const { after, noticed } = ask({ ...wish, ...odd })
    t.deepEqual(noticed, [{ type: 'impossibleEvent', event: 'changeAsked' }], JSON.stringify(odd))
    t.is(after.log.lastIndex, 1)
  }
  t.deepEqual([ask(wish).noticed, ask({ type: 'abandon' }).noticed], [[], []])
})

test('a clock that is set back is none of that', t => {
  const state = follower()
  t.deepEqual(noticedIn(state, { type: 'ticked', due: state.now }, -1).noticed, [])
})

test('a member whose own state would contradict itself stops', t => {
  t.throws(() => noticedIn({ ...follower(), appliedIndex: 5 }, { type: 'applied', index: 9 }), { instanceOf: InvariantBroken })
})
