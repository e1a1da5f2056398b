/** How a member fares, by its state and by what its steps showed. */
import test from 'ava'
import { type Beside, type Health, NOTHING_SEEN, type Seen, healthOf, seenWith } from '../../lib/health.js'
import type { RaftEvent } from '../../lib/events.js'
import type { Leader, RaftState } from '../../lib/state.js'
import type { Snapshot } from '../../lib/types.js'
import { type Fact, accepted, ae, allPersisted, candidateIn, follower, lateTick, leader, membershipOf, play, propose, read, tick } from './build.js'

const BESIDE: Beside = { appliedIndex: 0, pendingProposals: 0, pendingReads: 0, limits: { maxPendingProposals: 50, maxInboxEvents: 70 } }
const healthy = (state: RaftState, beside: Partial<Beside> = {}, seen: Partial<Seen> = {}): Health =>
  healthOf(state, { ...NOTHING_SEEN, ...seen }, { ...BESIDE, appliedIndex: state.appliedIndex, ...beside })

// Settings of these states: an election timeout of 1000, a heartbeat of 100; now is 10 000.

test('a follower in good health', t => {
  const { bounds, ...rest } = healthy(follower({ log: '1@1 2@1', commit: 2, leader: 'L' }))
  t.deepEqual(rest, {
    id: 'f1', role: 'follower', isInTouch: true, leader: { id: 'L', silentMs: 0 },
    loopDelayMs: 0, slowestWriteMs: 0, pendingWriteMs: 0, behindEntries: 0, behindMs: 0,
  })
  t.deepEqual(bounds, {
    maxPendingProposals: { used: 0, limit: 50 }, maxPendingReads: { used: 0, limit: 100 }, maxUncommittedBytes: { used: 0, limit: 64e6 },
    maxInboxEvents: { used: 0, limit: 70 }, logCacheBytes: { used: 2 * 136, limit: 32e6 }, maxApplyBytes: { used: 0, limit: 8e6 },
  })
})

const at = (state: RaftState, ms: number): RaftState => ({ ...state, now: 10_000 + ms })

for (const [name, state, role, isInTouch, known] of [
  ['a follower whose leader spoke a moment ago', at(follower({ leader: 'L' }), 40), 'follower', true, { id: 'L', silentMs: 40 }],
  ['one whose leader is silent for an election timeout', at(follower({ leader: 'L' }), 1000), 'follower', true, { id: 'L', silentMs: 1000 }],
  ['one whose leader is silent for longer', at(follower({ leader: 'L' }), 1001), 'follower', false, { id: 'L', silentMs: 1001 }],
  ['one that knows of no leader', follower(), 'follower', false, undefined],
  ['a candidate', candidateIn(3).state, 'candidate', false, undefined],
] as const) {
  test(`the leader and its silence: ${name}`, t => t.like(healthy(state), { role, isInTouch, leader: known }))
}

for (const [name, others, ms, isInTouch, quorumSilentMs] of [
  ['all answered just now', 'f1{on} f2{on}', 0, true, 0],
  ['one of two is enough', 'f1{on} f2', 700, true, 700],
  ['nobody answered, but the election counts', 'f1 f2', 900, true, 900],
  ['nobody answers any more', 'f1{on} f2{on}', 1001, false, 1001],
  ['learners decide nothing', 'f1 n1{nv,on} n2{nv,on} f2', 300, true, 300],
] as const) {
  test(`a leader and its quorum: ${name}`, t => {
    t.like(healthy(at(leader({ others }), ms)), { role: 'leader', isInTouch, quorumSilentMs })
  })
}

test('a leader that is alone is in touch with itself', t => {
  t.like(healthy(at(leader({ others: '' }), 99_999)), { isInTouch: true, quorumSilentMs: 0, peers: { length: 0 } })
})

const SNAPSHOT: Snapshot = { index: 2, term: 1, time: 0, membership: membershipOf('L f1 f2'), compression: 'none', bytes: 500, checksum: 7 }

test('what a leader knows of its peers: mode, silence since the question or the election, lag, the snapshot that is sent', t => {
  const state = leader({ log: '1@1 2@1 3@1 4-9@1', others: 'f1{on,match=7} f2 f3{probe,match=2} n1{nv,on,match=9}' })
  const sending = { snapshot: SNAPSHOT, received: 120, movedAt: 0, awaited: 120, read: undefined, round: 0, chunkBytes: 0 }
  const progress = state.progress.map(one => one.id === 'f3' ? { ...one, contact: 9_900, sending } : one)
  const health = healthy(at({ ...state, electedAt: 9_800, progress } satisfies Leader, 50))
  t.deepEqual(health.role === 'leader' && health.peers, [
    { id: 'f1', mode: 'replicate', silentMs: 50, lagEntries: 2, snapshot: undefined },
    { id: 'f2', mode: 'probe', silentMs: 250, lagEntries: 9, snapshot: undefined },
    { id: 'f3', mode: 'snapshot', silentMs: 150, lagEntries: 7, snapshot: { index: 2, bytes: 500, received: 120 } },
    { id: 'n1', mode: 'replicate', silentMs: 50, lagEntries: 0, snapshot: undefined },
  ])
})

test('a follower is behind by what its leader has told to be committed, though it has none of it yet', t => {
  const player = play(follower({ log: '1@1 2@1', commit: 2, leader: 'L', verified: 2 }))
  player.turn(ae('L', '2@1', '3@1', 1000))
  t.is(player.state.commitIndex, 3)
  t.like(healthy(player.state), { isInTouch: true, behindEntries: 998 })
  player.turn(ae('L', '3@1', '', 5))
  t.like(healthy(player.state), { behindEntries: 998 }, 'a word that comes late takes nothing back')
})

test('behind a snapshot that is yet to be restored the age of what follows is not known, and nothing fails', t => {
  const state = { ...follower({ base: '9@1', commit: 9, applied: 9, leader: 'L' }), appliedIndex: 0 }
  t.like(healthy(state, { appliedIndex: 0 }), { behindEntries: 9, behindMs: 0 })
})

test('how far the machine is behind: entries, and the age of the first of them by the wall clocks', t => {
  const state = follower({ log: '1@1 2@1 3-6@1', commit: 5, applied: 2, leader: 'L' })
  const { batches, start } = state.log.tail
  const stamped = batches.map(batch => ({ ...batch, time: state.wall - (batch.firstIndex === 3 ? 80 : 200) }))
  const log = { ...state.log, tail: { ...state.log.tail, batches: stamped } }
  const aged: RaftState = { ...state, log }
  t.like(healthy(aged), { behindEntries: 3, behindMs: 80 })
  t.like(healthy(aged, { appliedIndex: 1 }), { behindEntries: 4, behindMs: 200 })
  t.like(healthy(aged, { appliedIndex: 5 }), { behindEntries: 0, behindMs: 0 })
  t.like(healthy(aged, { appliedIndex: 6 }), { behindEntries: 0, behindMs: 0 }, 'the machine knows before the core does')
  const onDisk: RaftState = { ...aged, log: { ...log, tail: { ...log.tail, start: start + 2 } } }
  t.like(healthy(onDisk, { appliedIndex: 0 }), { behindEntries: 5, behindMs: 80 }, 'what is only on the disk is older than what is in memory')
  t.like(healthy({ ...aged, wall: state.wall - 500 }), { behindEntries: 3, behindMs: 0 }, 'clocks differ')
})

test('how much of the bounds is used', t => {
  const player = play(leader({ others: 'f1{on} f2{on}', settings: { maxPendingReads: 10 } }))
  player.turn(propose(1, 3), propose(2), read(1), read(2), read(3))
  const { bounds } = healthy(player.state, { pendingProposals: 7, pendingReads: 2 }, { inboxEvents: 5 })
  t.like(bounds, {
    maxPendingProposals: { used: 7 }, maxPendingReads: { used: 3, limit: 10 }, maxInboxEvents: { used: 5 },
    maxUncommittedBytes: { used: player.state.role === 'leader' ? player.state.uncommittedBytes : 0 }, logCacheBytes: { used: 2 * 128 + 32 },
  })
  t.true(bounds.maxUncommittedBytes.used > 0)
  t.is(healthy(player.state, { pendingReads: 4 }).bounds.maxPendingReads.used, 4)
  const applying = { ...follower(), handed: [{ last: 1, bytes: 30 }, { last: 2, bytes: 12 }] }
  t.is(healthy(applying).bounds.maxApplyBytes.used, 42)
})

/** What is seen of steps `ms` apart from one another. */
const seenOver = (first: RaftState, ...turns: readonly { readonly ms: number; readonly facts: readonly Fact[] }[]): Seen => {
  const player = play(first)
  return turns.reduce((seen, { ms, facts }) => {
    const before = player.state
    const now = before.now + ms
    const events = facts.map((fact): RaftEvent => typeof fact === 'function' ? fact({ ...before, now }) : fact)
    player.later(ms, ...events)
    return seenWith(seen, before, { now, wall: 0, events }, player.state)
  }, NOTHING_SEEN)
}

test('the loop is as late as the latest tick, counted to the end of its turn', t => {
  const turns = [{ ms: 50, facts: [tick] }, { ms: 60, facts: [lateTick(30)] }, { ms: 50, facts: [lateTick(12)] }]
  t.like(seenOver(follower({ leader: 'L' }), ...turns), { ticks: 3, loopDelayMs: 30 })
})

test('a write is as slow as the turns between it and its completion, and the slowest counts', t => {
  const first = leader({ others: 'f1{on} f2{on}' })
  const write = { ms: 5, facts: [propose(1)] }
  t.is(seenOver(first, write, { ms: 9, facts: [tick] }).slowestWriteMs, 0)
  t.is(seenOver(first, write, { ms: 9, facts: [allPersisted] }).slowestWriteMs, 9)
  const two = [write, { ms: 9, facts: [propose(2)] }, { ms: 4, facts: [allPersisted] }]
  t.is(seenOver(first, ...two).slowestWriteMs, 13)
  t.is(seenOver(first, ...two, { ms: 5, facts: [propose(3)] }, { ms: 2, facts: [allPersisted] }).slowestWriteMs, 13)
})

test('a write on its way counts by its age, also where it is the slowest', t => {
  const player = play(leader({ others: 'f1{on} f2{on}' }))
  player.turn(propose(1))
  player.later(40, tick)
  t.like(healthy(player.state, {}, { slowestWriteMs: 15 }), { slowestWriteMs: 40, pendingWriteMs: 40 })
  t.like(healthy(player.state, {}, { slowestWriteMs: 90 }), { slowestWriteMs: 90, pendingWriteMs: 40 })
})

test('the inbox is as full as its fullest turn: of messages, proposals and reads', t => {
  const first = leader({ others: 'f1{on} f2{on}' })
  const turns = [{ ms: 1, facts: [propose(1), read(1), accepted('f1', 0)] }, { ms: 1, facts: [propose(2), tick] }, { ms: 1, facts: [allPersisted] }]
  t.is(seenOver(first, ...turns).inboxEvents, 3)
})
