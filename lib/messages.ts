import type { SnapshotId } from './snapshot-id.js'
import type { BatchHead, EntryBatch, Index, MemberId, Millis, Round, Snapshot, Term } from './types.js'

interface Envelope {
  readonly from: MemberId
  readonly to: MemberId
  /** The sender's current term (§5.1). */
  readonly term: Term
}

/** From a follower to its leader. */
interface Reply extends Envelope {
  /** Whether the follower has joined and has yet to catch up: it is no voter then, whatever the leader's log says. */
  readonly isNewcomer: boolean
  /** The highest round among the requests this answers. */
  readonly round: Round
}

/** Invoked by the leader to replicate entries; empty as a heartbeat (Figure 2). */
export interface AppendEntries extends Envelope {
  readonly type: 'appendEntries'
  readonly prevLogIndex: Index
  readonly prevLogTerm: Term
  /** Contiguous from `prevLogIndex + 1`, terms never falling; empty for a heartbeat. */
  readonly batches: readonly EntryBatch[]
  /** The leader's commitIndex; 0 for a follower that it does not know to be active, and for a newcomer that it may not tell yet. */
  readonly leaderCommit: Index
  /** The leader waits for an answer: it is given at once, whatever there is still to write. */
  readonly asks: boolean
  readonly round: Round
}

/** One part of a batch that is larger than what the way to the follower carries at a time; whole, it is what an AppendEntries with that batch alone is. */
export interface AppendPart extends Envelope {
  readonly type: 'appendPart'
  /** The term of the entry before the batch. */
  readonly prevLogTerm: Term
  readonly head: BatchHead
  /** Where the part belongs in the body. */
  readonly offset: number
  readonly part: Uint8Array
  readonly round: Round
}

/** The follower's log agrees with the leader's up to `verified`. */
export interface AppendAccepted extends Reply {
  readonly type: 'appendAccepted'
  /** Highest index checked by an AppendEntries of this term; drives nextIndex and the window. */
  readonly verified: Index
  /** How much of `verified` is on the follower's disk; drives matchIndex and so the commit rule. */
  readonly durable: Index
  /** Where a snapshot has to stand at least, because the follower's own is lost; 0 where it needs none. */
  readonly lacks: Index
  /** How many bytes are here of the batch after `verified`, where it comes in parts; else 0. */
  readonly held: number
  /** For how long, on its own clock since it heard this round or a later one, the follower helps elect nobody else; 0 where it promises nothing. */
  readonly promisedMs: Millis
}

/** The follower's log does not contain `prevLogIndex` with `prevLogTerm`, or the request's term is stale. */
export interface AppendRefused extends Reply {
  readonly type: 'appendRefused'
  /** The refused request's prevLogIndex: tells a late refusal from the outstanding one. */
  readonly prevLogIndex: Index
  /** The follower's last entry at or before prevLogIndex whose term is not above prevLogTerm: whole terms are skipped (§5.3). */
  readonly hintIndex: Index
  readonly hintTerm: Term
}

/** Invoked by candidates to gather votes (§5.2); as a pre-vote it asks about `term + 1` and changes nothing (§9.6). */
export interface RequestVote extends Envelope {
  readonly type: 'requestVote'
  readonly preVote: boolean
  /** The leader asked for this election, so nobody is to withhold a vote for its sake (dissertation §3.10). */
  readonly transfer: boolean
  readonly lastLogIndex: Index
  readonly lastLogTerm: Term
  readonly round: Round
}

export interface RequestVoteReply extends Envelope {
  readonly type: 'requestVoteReply'
  readonly preVote: boolean
  readonly voteGranted: boolean
  readonly round: Round
}

/** The leader hands over: whoever hears it stands for election at once, if its log ends here (dissertation §3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeoutNow'
  /** Where the leader's log ends. */
  readonly lastIndex: Index
  readonly round: Round
}

/** Invoked by the leader to send a follower, chunk by chunk, what its log no longer holds (§7, Figure 13); without a chunk it asks how far that is. */
export interface InstallSnapshot extends Envelope {
  readonly type: 'installSnapshot'
  readonly snapshot: Snapshot
  /** Where the chunk belongs in the contents. */
  readonly offset: number
  readonly chunk: Uint8Array
  readonly round: Round
}

/** What is sent or written where only the snapshot itself is meant. */
export const NO_CHUNK = new Uint8Array(0)

/** How much of a snapshot the follower has taken in. That it has all of it, and its machine too, is told by an AppendAccepted. */
export interface ChunkAccepted extends Reply {
  readonly type: 'chunkAccepted'
  readonly snapshot: SnapshotId
  readonly received: number
  /** The chunk at `received` is awaited; not while two are being written, nor while the machine is being restored. */
  readonly awaited: boolean
}

/** Everything one member's core says to another's. */
export type Message = AppendEntries | AppendPart | AppendAccepted | AppendRefused | RequestVote | RequestVoteReply | TimeoutNow | InstallSnapshot | ChunkAccepted
