/** How a member fares, read off its state and off what its latest steps showed. */
import { isIsolated, quorumContact } from './contact.js'
import { type Batch, isBounded } from './events.js'
import { batchesFrom, firstInMemory } from './log.js'
import type { Progress } from './progress.js'
import type { Leader, RaftState } from './state.js'
import type { Index, MemberId, Millis } from './types.js'

/** How much of a bound is used, in its own unit. */
export interface Used {
  readonly used: number
  readonly limit: number
}

/** The bounds of which a member tells how much is used, by the names they have among the limits. */
export interface UsedBounds {
  /** This member's own proposals without an outcome. */
  readonly maxPendingProposals: Used
  /** Reads without an outcome: this member's own, or those of all members that a leader has to confirm, whichever are more. */
  readonly maxPendingReads: Used
  /** By a leader's proposals; it is 0 at others. */
  readonly maxUncommittedBytes: Used
  /** What entered in the fullest turn since the value before. */
  readonly maxInboxEvents: Used
  /** Entries in memory; those that are not durable yet stay there beyond the limit. */
  readonly logCacheBytes: Used
  /** Entries on their way through the machine. */
  readonly maxApplyBytes: Used
}

/** What a leader knows of another member. */
export interface PeerHealth {
  readonly id: MemberId
  /** `probe`: where the logs agree is not known; `replicate`: entries are pipelined; `snapshot`: it is sent one. */
  readonly mode: Progress['mode'] | 'snapshot'
  /** The age of the latest question that it has answered; of this leadership, where it has answered none. */
  readonly silentMs: Millis
  /** Entries of the log that are not known to be durable there: all of them before its first answer. */
  readonly lagEntries: number
  /** The snapshot that it is sent, and how much of it has arrived. */
  readonly snapshot: { readonly index: Index; readonly bytes: number; readonly received: number } | undefined
}

interface CommonHealth {
  readonly id: MemberId
  /** Whether word came within the last election timeout from a leader to this member or, where it leads, from a quorum. */
  readonly isInTouch: boolean
  /** How late the latest tick since the value before came to be heeded: the event loop was busy for so long, or the process stood still. */
  readonly loopDelayMs: Millis
  /** The slowest write that was on its way to the disk since the value before, whether or not it has arrived; 0 where there was none. A leader's write that decides nothing is noticed in the next turn, so it may look slower by up to a tick. */
  readonly slowestWriteMs: Millis
  /** The age of the oldest write that is on its way still; 0 where there is none. */
  readonly pendingWriteMs: Millis
  /** Entries that are known to be committed and not applied here: at a follower also those that its leader has told of, and that are yet to come. */
  readonly behindEntries: number
  /**
   * The age of the first of those that are here, by the leader's wall clock and this member's; 0 where there is none. Of those on the disk alone nothing is known: then
   * it is the age of the oldest in memory.
   */
  readonly behindMs: Millis
  readonly bounds: UsedBounds
}

export interface LeaderHealth extends CommonHealth {
  readonly role: 'leader'
  /** How long ago a quorum is known to have followed; beyond an election timeout this member resigns. */
  readonly quorumSilentMs: Millis
  /** All other members, and those who are leaving. */
  readonly peers: readonly PeerHealth[]
}

export interface FollowerHealth extends CommonHealth {
  readonly role: 'follower' | 'candidate'
  /** Who leads, if that is known, and how long nothing came from there. */
  readonly leader: { readonly id: MemberId; readonly silentMs: Millis } | undefined
}

/** How a member fares. */
export type Health = LeaderHealth | FollowerHealth

/** What steps show and no state keeps: the worst of it since it was looked at last. */
export interface Seen {
  readonly ticks: number
  readonly loopDelayMs: Millis
  readonly slowestWriteMs: Millis
  /** Messages, proposals and reads of one turn. */
  readonly inboxEvents: number
}

export const NOTHING_SEEN: Seen = { ticks: 0, loopDelayMs: 0, slowestWriteMs: 0, inboxEvents: 0 }

/** The slowest write that is durable after a step and was not before it. Turns become durable in order. */
const writtenMs = (before: RaftState, after: RaftState): Millis => {
  const oldest = after.pendingWrites[0]?.turn ?? Number.POSITIVE_INFINITY
  const first = before.pendingWrites[0]
  return first !== undefined && first.turn < oldest ? after.now - first.since : 0
}

/** What there is to see with one more step. */
export const seenWith = (seen: Seen, before: RaftState, { now, events }: Batch, after: RaftState): Seen => {
  let { ticks, loopDelayMs } = seen
  let entered = 0
  for (const event of events) {
    if (isBounded(event)) entered++
    if (event.type !== 'ticked') continue
    ticks++
    loopDelayMs = Math.max(loopDelayMs, now - event.due)
  }
  const slowestWriteMs = Math.max(seen.slowestWriteMs, writtenMs(before, after))
  return { ticks, loopDelayMs, slowestWriteMs, inboxEvents: Math.max(seen.inboxEvents, entered) }
}

/** What is known beside the state and the steps. */
export interface Beside {
  /** As far as the machine is, which the state learns later. */
  readonly appliedIndex: Index
  readonly pendingProposals: number
  readonly pendingReads: number
  readonly limits: { readonly maxPendingProposals: number; readonly maxInboxEvents: number }
}

const behindMs = ({ log, commitIndex, wall }: RaftState, appliedIndex: Index): Millis => {
  const first = Math.max(appliedIndex + 1, firstInMemory(log))
  if (first > Math.min(commitIndex, log.lastIndex)) return 0
  const [batch] = batchesFrom(log, first, first, 0)
  return batch === undefined ? 0 : Math.max(0, wall - batch.time)
}

const boundsOf = (state: RaftState, { inboxEvents }: Seen, { pendingProposals, pendingReads, limits }: Beside): UsedBounds => {
  const { settings, log, handed } = state
  const [uncommittedBytes, asked] = state.role === 'leader' ? [state.uncommittedBytes, state.reads.length] : [0, 0]
  return {
    maxPendingProposals: { used: pendingProposals, limit: limits.maxPendingProposals },
    maxPendingReads: { used: Math.max(pendingReads, asked), limit: settings.maxPendingReads },
    maxUncommittedBytes: { used: uncommittedBytes, limit: settings.maxUncommittedBytes },
    maxInboxEvents: { used: inboxEvents, limit: limits.maxInboxEvents },
    logCacheBytes: { used: log.tail.bytes, limit: settings.logCacheBytes },
    maxApplyBytes: { used: handed.reduce((sum, { bytes }) => sum + bytes, 0), limit: settings.maxApplyBytes },
  }
}

const peerOf = ({ now, electedAt, log }: Leader, { id, mode, contact, matchIndex, sending }: Progress): PeerHealth => ({
  id, mode: sending === undefined ? mode : 'snapshot', silentMs: now - Math.max(electedAt, contact), lagEntries: log.lastIndex - matchIndex,
  snapshot: sending && { index: sending.snapshot.index, bytes: sending.snapshot.bytes, received: sending.received },
})

/** How much is known to be committed, whether or not it is here. */
const knownCommit = (state: RaftState): Index => state.role === 'follower' ? Math.max(state.commitIndex, state.leaderCommit) : state.commitIndex

const oldestWriteMs = ({ now, pendingWrites: [oldest] }: RaftState): Millis => oldest === undefined ? 0 : now - oldest.since

/** How a member fares by its newest state, by what was seen since the value before, and by what is known beside. */
export const healthOf = (state: RaftState, seen: Seen, beside: Beside): Health => {
  const { now, settings, heardAt } = state
  const pendingWriteMs = oldestWriteMs(state)
  const common = {
    id: settings.id, loopDelayMs: seen.loopDelayMs, slowestWriteMs: Math.max(seen.slowestWriteMs, pendingWriteMs), pendingWriteMs,
    behindEntries: Math.max(0, knownCommit(state) - beside.appliedIndex), behindMs: behindMs(state, beside.appliedIndex), bounds: boundsOf(state, seen, beside),
  }
  if (state.role === 'leader') {
    const peers = state.progress.map(progress => peerOf(state, progress))
    return { ...common, role: state.role, isInTouch: !isIsolated(state), quorumSilentMs: now - quorumContact(state), peers }
  }
  const leader = state.leader === undefined ? undefined : { id: state.leader, silentMs: now - heardAt }
  return { ...common, role: state.role, isInTouch: leader !== undefined && leader.silentMs <= settings.electionTimeoutMs, leader }
}
