import type { Message } from './messages.js'
import type {
  EntryBatch, EntryBody, HardState, Index, LogBase, MemberId, Membership, MembershipWish, Millis, RequestId, Snapshot, Term, Turn,
} from './types.js'

/** Why a read of entries was asked for: to bring a follower up to date, or to apply them here. */
export type ReadPurpose = { readonly type: 'replicate'; readonly to: MemberId } | { readonly type: 'apply' }

/** What happened, in the past tense. Every event is legal in every state, at worst ignored and reported. */
export type RaftEvent =
  | { readonly type: 'received'; readonly message: Message }
  /** All entries of `body` are appended together, in the term given if one is, or refused together. */
  | { readonly type: 'proposed'; readonly id: RequestId; readonly body: EntryBody; readonly term?: Term }
  /** Somebody wants to read what is committed by now, and to know how much that is (dissertation §6.4). */
  | { readonly type: 'readAsked'; readonly id: RequestId }
  /** Everything in this turn's writes is durable. Names the write, never an index; turns complete in order. */
  | { readonly type: 'persisted'; readonly turn: Turn }
  | { readonly type: 'entriesRead'; readonly purpose: ReadPurpose; readonly from: Index; readonly batches: readonly EntryBatch[] }
  /** The machine has applied everything up to `index`, or was restored from a snapshot that stands there. */
  | { readonly type: 'applied'; readonly index: Index }
  /** This snapshot is durable, and from now on the newest: taken here, or received whole. */
  | { readonly type: 'snapshotStored'; readonly snapshot: Snapshot }
  /** So many bytes of the snapshot that is being received are written. */
  | { readonly type: 'chunkWritten'; readonly snapshot: Snapshot; readonly received: number }
  /** The snapshot that was being received cannot be written any further. */
  | { readonly type: 'receiveFailed'; readonly snapshot: Snapshot }
  /** A chunk for a follower; without one where this snapshot can no longer be read. */
  | { readonly type: 'chunkRead'; readonly to: MemberId; readonly snapshot: Snapshot; readonly offset: number; readonly chunk: Uint8Array | undefined }
  /** The process of this member has ended: its system refuses whoever looks for it. Told a few times in a row, and sometimes too late to matter. */
  | { readonly type: 'peerGone'; readonly peer: MemberId }
  /** The leader of this term is to hand over: to the one that is named, or to whoever is ready first. */
  | { readonly type: 'transferAsked'; readonly term: Term; readonly to: MemberId | undefined }
  /** The leader of this term is to change the membership, only if it is `from` where that is given. */
  | { readonly type: 'changeAsked'; readonly id: RequestId; readonly term: Term; readonly wish: MembershipWish; readonly from: Membership | undefined }
  /** `due` is when the tick should have come: lateness is a fact. */
  | { readonly type: 'ticked'; readonly due: Millis }

/** What others make happen, however much of it: `maxInboxEvents` bounds it. */
export type Bounded = Extract<RaftEvent, { type: 'received' | 'proposed' | 'readAsked' }>

export const isBounded = (event: RaftEvent): event is Bounded => event.type === 'received' || event.type === 'proposed' || event.type === 'readAsked'

/** All that happened in one turn of the event loop. */
export interface Batch {
  readonly now: Millis
  /** The wall clock in milliseconds since 1970. It is stamped on entries and decides nothing. */
  readonly wall: Millis
  readonly events: readonly RaftEvent[]
}

/** One item of the ordered write queue. */
export type Write =
  | { readonly type: 'hardState'; readonly hardState: HardState }
  /** Replaces whatever is stored at or above its first index. */
  | { readonly type: 'append'; readonly batches: readonly EntryBatch[] }
  /** Nobody asks any more for what a durable snapshot covers: entries up to the base may go, now or later. */
  | { readonly type: 'compact'; readonly base: LogBase }
  /** The log begins anew after a snapshot that is durable: whatever it held is gone (§7). Never before what was written as committed. */
  | { readonly type: 'install'; readonly base: LogBase }

/** What is to be done with snapshots. */
export type SnapshotWork =
  /** Begin to receive it, or take up what is here of this very one: answered by `chunkWritten` with how much that is. */
  | { readonly type: 'receive'; readonly snapshot: Snapshot }
  /**
   * Write the next chunk of what is being received: answered by `chunkWritten`, or by `snapshotStored` where the snapshot ends with it. That
   * chunk is empty where all of it is here already, as of a snapshot without contents.
   */
  | { readonly type: 'write'; readonly snapshot: Snapshot; readonly offset: number; readonly chunk: Uint8Array }
  /** Set the machine to the state of this snapshot: answered by `applied`. What is committed next is applied to that. */
  | { readonly type: 'restore'; readonly snapshot: Snapshot }
  /** Read what a follower needs next, at most so many bytes: answered by `chunkRead`. */
  | { readonly type: 'read'; readonly to: MemberId; readonly snapshot: Snapshot; readonly offset: number; readonly maxBytes: number }
  /** Take a snapshot now, because a follower needs a newer one: answered by `snapshotStored`. */
  | { readonly type: 'take' }

/** Entries wanted that are no longer in memory: from `from` up to `to`, whole batches, at least one, about `maxBytes`. */
export interface LogRead {
  readonly purpose: ReadPurpose
  readonly from: Index
  readonly to: Index
  readonly maxBytes: number
}

/** `busy`: `maxUncommittedBytes` is reached, or by reads `maxPendingReads`; `inboxFull`: `maxInboxEvents` is. */
export type RefusalReason = 'notLeader' | 'notReady' | 'busy' | 'inboxFull'

/** What became of a proposal. An appended one is answered once more: by its commit, or as lost. */
export type Answer =
  | { readonly type: 'appended'; readonly id: RequestId; readonly firstIndex: Index; readonly count: number; readonly term: Term }
  /** Nothing was appended, here or anywhere. */
  | { readonly type: 'refused'; readonly id: RequestId; readonly reason: RefusalReason }
  /** Leadership ended before the commit: the entries may yet be committed, or never. */
  | { readonly type: 'lost'; readonly id: RequestId }

/** What became of a read: each is answered once, and one that is refused may be asked again. */
export type ReadAnswer =
  /** This member led when it was asked, and nothing after `index` was committed by then: whoever has applied up to there may read. */
  | { readonly type: 'readable'; readonly id: RequestId; readonly index: Index }
  | { readonly type: 'readRefused'; readonly id: RequestId; readonly reason: RefusalReason }

/** What became of a wish for another membership. A change that is taken goes on by itself: what it comes to stands in the log. */
export type ChangeAnswer =
  /** The log has the first entry of the change at `index`; the last one will name these members. */
  | { readonly type: 'changeTaken'; readonly id: RequestId; readonly index: Index; readonly term: Term; readonly goal: Membership }
  | { readonly type: 'changeRefused'; readonly id: RequestId; readonly reason: string }
  /** Whoever leads next may take it. */
  | { readonly type: 'changeNotTaken'; readonly id: RequestId; readonly reason: string }

/** Something worth knowing that changes nothing. */
export type CoreDiagnostic =
  | { readonly type: 'unknownSender'; readonly from: MemberId; readonly message: Message['type'] }
  | { readonly type: 'wrongAddressee'; readonly from: MemberId; readonly to: MemberId; readonly message: Message['type'] }
  | { readonly type: 'twoLeaders'; readonly term: Term; readonly other: MemberId }
  /** What is no message has no sender, or is of no type, where it does not say so: both are empty then. */
  | { readonly type: 'contradiction'; readonly from: MemberId; readonly message: string; readonly claim: string }
  /** Whoever drives this member handed over what cannot have happened: an event of no known type, or without what its type has, or a clock that shows no time. */
  | { readonly type: 'impossibleEvent'; readonly event: string }
  | { readonly type: 'stalled'; readonly lateMs: Millis }
  | { readonly type: 'slowDisk'; readonly stuckMs: Millis }
  | { readonly type: 'quorumLost'; readonly term: Term; readonly silentMs: Millis }

/** What one step asks of the world. Nouns; the order is the contract. */
export interface Ready {
  readonly turn: Turn
  /** 1. One ordered queue, answered by `persisted`. */
  readonly writes: readonly Write[]
  /** 2. Leave once every hard state of this and all earlier turns is durable; entries may leave before they are written (§10.2.1). */
  readonly messages: readonly Message[]
  /** 3. Answered by `entriesRead`. */
  readonly logReads: readonly LogRead[]
  /** 4. In this order; before `committed`, since what is committed next goes to the machine that was restored. */
  readonly snapshots: readonly SnapshotWork[]
  /** 5. To apply in order; never ahead of the local disk. */
  readonly committed: readonly EntryBatch[]
  /** 6. Fates of proposals. */
  readonly answers: readonly Answer[]
  /** 7. Fates of reads. */
  readonly readAnswers: readonly ReadAnswer[]
  /** 8. Fates of wishes for another membership. */
  readonly changeAnswers: readonly ChangeAnswer[]
  /** 9. For the diagnostics stream. */
  readonly diagnostics: readonly CoreDiagnostic[]
}
