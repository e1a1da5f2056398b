import type { Log } from './log.js'
import { membershipOf } from './log.js'
import type { Progress } from './progress.js'
import type { Random } from './random.js'
import type { BatchHead, Index, MemberId, Membership, Millis, RequestId, Round, Snapshot, Term, Turn } from './types.js'

/** What a member's core is told once and never changes. Times in milliseconds, sizes in bytes. */
export interface Settings {
  readonly id: MemberId
  /** Without word from a leader for this long, and up to half as long again at random, a follower stands for election (§5.2). */
  readonly electionTimeoutMs: Millis
  /** How often a leader shows life; well below the election timeout. */
  readonly heartbeatMs: Millis
  /** A tick that is later than this says that the member was not there to hear anyone: that time does not count for its election wait. Default 500 (half of `electionTimeoutMs`). */
  readonly stallMs: Millis
  /** Bytes of the entries of one AppendEntries, and of one read from the disk; one batch may exceed it. Default 1 MiB. */
  readonly maxAppendBytes: number
  /** AppendEntries on their way to one follower. Default 64. */
  readonly maxInflightMessages: number
  /** Bytes of entries on their way to one follower. Default 8 MiB. */
  readonly maxInflightBytes: number
  /** Bytes of proposals appended and not yet committed, or committed and not yet on the leader's disk beyond `logCacheBytes`, with what each costs in memory beside them; beyond it a proposal is refused as busy. No batch that comes in parts may be larger. Default 64 MiB. */
  readonly maxUncommittedBytes: number
  /** The newest entries kept in memory, in bytes; older ones are read from the disk. Default 32 MiB. */
  readonly logCacheBytes: number
  /** Committed entries handed to the machine and not yet applied, in bytes. Default 8 MiB. */
  readonly maxApplyBytes: number
  /** The newest entries that a snapshot covers and that stay in the log, for followers that lag: short of these they need the snapshot. Default 10 000. */
  readonly snapshotKeepEntries: number
  /** The size of a chunk of a snapshot that is sent; over a slow link less. Default 1 MiB. */
  readonly snapshotChunkBytes: number
  /** Bytes of chunks that a leader sends in a second, to all followers together. Default 1 024 MiB. */
  readonly snapshotBytesPerSecond: number
  /** How long whoever is to become a voter gives way to commands while it catches up; 0 where it does not. Default 30 000. */
  readonly giveWayMs: Millis
  /** Reads that wait for a quorum to confirm this leader; beyond it a read is refused as busy. Default 100 000. */
  readonly maxPendingReads: number
  /** For how long whoever hears the leader helps elect nobody else, so that reads need no round of questions; 0 for no such promise. */
  readonly readLeaseMs: Millis
}

/** A turn whose writes are not durable yet, and what they still vouch for. */
export interface PendingWrite {
  readonly turn: Turn
  /** The last index that its completion makes durable; 0 when it carries no entries, or all were overwritten since. */
  readonly last: Index
  readonly since: Millis
}

/**
 * A snapshot on its way from a leader into this member, written chunk by chunk. What is here of it is kept whoever leads, and as long
 * as nobody sends another and the log does not hold what it stands for.
 */
export interface Receiving {
  readonly snapshot: Snapshot
  /** The latest term whose leader sent it. */
  readonly term: Term
  /**
   * Being looked for on the disk; waiting for a chunk, while at most one is being written; writing two, or the last one; whole and durable, and on
   * its way into the machine.
   */
  readonly phase: 'opening' | 'waiting' | 'writing' | 'restoring'
  /** So much of it is written. */
  readonly received: number
  /** Where the next chunk begins: what is being written is taken in, too. */
  readonly expected: number
}

/** What every role keeps. */
export interface Common {
  readonly settings: Settings
  /** The clock at the batch being folded. */
  now: Millis
  wall: Millis
  /** The number of the last step. */
  turn: Turn
  random: Random

  /** Latest term seen. Persistent. */
  term: Term
  /** Whom this member voted for in `term`. Persistent. */
  votedFor: MemberId | undefined
  /** Whether this member has joined and has yet to catch up: it neither votes nor stands, and no leader may count on it. Persistent. */
  isNewcomer: boolean
  /** Persistent, up to persistedIndex. */
  log: Log
  /** The commitIndex last written with the hard state. Persistent. */
  writtenCommit: Index

  /** The highest index up to which the log is on the disk, entry for entry: what follows is in memory, whatever a snapshot stands for. Volatile, because recovery finds it again. */
  persistedIndex: Index
  /** Writes on their way to the disk, oldest first. Volatile, because a crash ends them. */
  pendingWrites: readonly PendingWrite[]
  /** When one of them last became durable, or this member started. Volatile. */
  writtenAt: Millis
  /** Highest index known to be committed. Volatile, because a leader tells it again (Figure 2). */
  commitIndex: Index
  /** Highest index handed out to be applied, and its weight in flight. Volatile. */
  handedIndex: Index
  handed: readonly { readonly last: Index; readonly bytes: number }[]
  /** Highest index that the machine has applied. Volatile, because the machine starts anew. */
  appliedIndex: Index
  /** Committed entries asked from the disk and not yet read: the first of them, or 0. Volatile. */
  readingToApply: Index
  /** The newest snapshot that is durable here. Persistent. */
  snapshot: Snapshot | undefined
  /** Volatile, because the disk keeps what was written. */
  receiving: Receiving | undefined
  /** What was known to be committed when this member started; until its machine has caught up with that, it could not serve as leader. */
  readonly replayTo: Index
  /** Who leads `term`, as far as is known here. Volatile. */
  leader: MemberId | undefined
  /** When the leader, or for a leader itself its quorum, was last known to be there: votes are withheld meanwhile (dissertation §4.2.3). Volatile. */
  heardAt: Millis
  /** Before this, nobody is helped to be elected. Volatile, because a start binds for as long as an earlier promise may last. */
  promisedUntil: Millis
  /** When to stand for election unless something happens. Volatile. */
  electionDeadline: Millis
  /** The last round used by this member. Volatile, because it is only compared within a term. */
  round: Round
}

/** What is here of a batch that comes in parts, from its beginning on. */
export interface Assembly {
  readonly head: BatchHead
  readonly parts: Uint8Array[]
  held: number
}

export interface Follower extends Common {
  readonly role: 'follower'
  /** The highest index checked by an AppendEntries of this term. Volatile. */
  verified: Index
  /** The highest commitIndex that a leader of this term has told, whatever this log has of it; decides nothing. Volatile. */
  leaderCommit: Index
  /** The batch after what is verified, where that comes in parts. Volatile. */
  assembly: Assembly | undefined
  /** Up to where a newcomer must have the log, by what its leader called committed; 0 before it has been told. Volatile. */
  mustHave: Index
  /** The highest round among the leader's requests of this term. Volatile. */
  leaderRound: Round
  /** What the leader was last told to be durable, and when. Volatile. */
  reportedDurable: Index
  answeredAt: Millis
  /** The highest round that an answer of this term named: what the leader knows of this follower is as old as that. Volatile. */
  answeredRound: Round
}

export interface Candidate extends Common {
  readonly role: 'candidate'
  /** First ask whether an election could be won, changing nothing; then hold it in a new term (§9.6). */
  phase: 'preVote' | 'vote'
  /** Answers to the running round, by voter. */
  votes: ReadonlyMap<MemberId, boolean>
}

/** A proposal appended here and not yet committed; keyed by its term, which is the leader's, and its indexes. */
export interface Tracker {
  readonly id: RequestId
  readonly firstIndex: Index
  readonly count: number
  /** What it counts for in `uncommittedBytes`. */
  readonly bytes: number
}

/** A leadership that is being handed over: to whom, if that matters; until when; and who was told to stand. */
export interface Transfer {
  readonly to: MemberId | undefined
  readonly deadline: Millis
  readonly told: MemberId | undefined
}

/** A member that the newest membership no longer names: it is served until it knows that, or until the deadline. */
export interface Leaving {
  readonly id: MemberId
  readonly address: string
  /** The entry that no longer names it. */
  readonly index: Index
  readonly deadline: Millis
}

/** A read that waits for a quorum's word that this leader still leads (dissertation §6.4). */
export interface ReadQuestion {
  readonly id: RequestId
  /** The commitIndex when it was asked. */
  readonly index: Index
  /** The last round that had left by then: only an answer to a later one says that this leader still led when it was asked. */
  readonly after: Round
}

export interface Leader extends Common {
  readonly role: 'leader'
  readonly electedAt: Millis
  /** The entry appended on election: once it is applied the leader is ready (§8). */
  readonly noopIndex: Index
  /** One item per other member, in membership order, and then of those who are leaving. */
  progress: readonly Progress[]
  leaving: readonly Leaving[]
  heartbeatDue: Millis
  trackers: Tracker[]
  uncommittedBytes: number
  /** The latest time that an entry has by this leader's wall clock, at first the latest in its log, and when that was. */
  stamped: { readonly time: Millis; readonly at: Millis }
  /** When commitIndex last advanced, and how many commands in a row came right after the commit of the one before. */
  committedAt: Millis
  sequels: number
  /** When the next chunk of a snapshot may leave. */
  chunkDue: Millis
  transfer: Transfer | undefined
  /** Somebody was told to stand in this term, and may still do so: its voters' promises no longer bind them. */
  hasAskedToStand: boolean
  /** In the order in which they were asked. */
  reads: ReadQuestion[]
  /** The latest round that was begun for their sake. */
  readRound: Round
}

/** Everything a member's core knows. Frozen between steps; within a step the one who folds owns a private copy. */
export type RaftState = Follower | Candidate | Leader

export const membership = (state: RaftState): Membership => membershipOf(state.log)

/** What the leader knows of this follower; undefined of a stranger. */
export const progressOf = ({ progress }: Leader, id: MemberId): Progress | undefined => {
  for (const one of progress) if (one.id === id) return one
  return undefined
}

/** Whether it is still served although it no longer belongs. */
export const isLeaving = ({ leaving }: Leader, id: MemberId): boolean => leaving.some(one => one.id === id)

/** Whether the snapshot is lost that stands for what precedes the log: until another comes, nothing can be applied. */
export const isLacking = (state: RaftState): boolean => state.handedIndex < state.log.base.index
