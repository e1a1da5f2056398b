import type { Message } from './messages.js'
import type { EntryBatch, EntryBody, HardState, Index, MemberId, Millis, RequestId, Term, Turn } from './types.js'

/** Why a read of entries was asked for: to bring a follower up to date, or to apply them here. */
export type ReadPurpose = { readonly type: 'replicate'; readonly to: MemberId } | { readonly type: 'apply' }

/** What happened, in the past tense. Every event is legal in every state, at worst ignored and reported. */
export type RaftEvent =
  | { readonly type: 'received'; readonly message: Message }
  /** All entries of `body` are appended together, in the term given if one is, or refused together. */
  | { readonly type: 'proposed'; readonly id: RequestId; readonly body: EntryBody; readonly term?: Term }
  /** Everything in this turn's writes is durable. Names the write, never an index; turns complete in order. */
  | { readonly type: 'persisted'; readonly turn: Turn }
  | { readonly type: 'entriesRead'; readonly purpose: ReadPurpose; readonly from: Index; readonly batches: readonly EntryBatch[] }
  /** The machine has applied everything up to `index`. */
  | { readonly type: 'applied'; readonly index: Index }
  /** `due` is when the tick should have come: lateness is a fact. */
  | { readonly type: 'ticked'; readonly due: Millis }

/** All that happened in one turn of the event loop. */
export interface Batch {
  readonly now: Millis
  /** The wall clock in milliseconds since 1970. It is stamped on entries and decides nothing. */
  readonly wall: Millis
  readonly events: readonly RaftEvent[]
}

/** One item of the ordered write queue. An append replaces whatever is stored at or above its first index. */
export type Write =
  | { readonly type: 'hardState'; readonly hardState: HardState }
  | { readonly type: 'append'; readonly batches: readonly EntryBatch[] }

/** Entries wanted that are no longer in memory: from `from` up to `to`, whole batches, at least one, about `maxBytes`. */
export interface LogRead {
  readonly purpose: ReadPurpose
  readonly from: Index
  readonly to: Index
  readonly maxBytes: number
}

/** `busy`: `maxUncommittedBytes` is reached; `inboxFull`: `maxInboxEvents` is. */
export type RefusalReason = 'notLeader' | 'notReady' | 'busy' | 'inboxFull'

/** What became of a proposal. An appended one is answered once more: by its commit, or as lost. */
export type Answer =
  | { readonly type: 'appended'; readonly id: RequestId; readonly firstIndex: Index; readonly count: number; readonly term: Term }
  /** Nothing was appended, here or anywhere. */
  | { readonly type: 'refused'; readonly id: RequestId; readonly reason: RefusalReason }
  /** Leadership ended before the commit: the entries may yet be committed, or never. */
  | { readonly type: 'lost'; readonly id: RequestId }

/** Something worth knowing that changes nothing. */
export type CoreDiagnostic =
  | { readonly type: 'unknownSender'; readonly from: MemberId; readonly message: Message['type'] }
  | { readonly type: 'wrongAddressee'; readonly from: MemberId; readonly to: MemberId; readonly message: Message['type'] }
  | { readonly type: 'twoLeaders'; readonly term: Term; readonly other: MemberId }
  | { readonly type: 'contradiction'; readonly from: MemberId; readonly message: Message['type']; readonly claim: string }
  | { readonly type: 'stalled'; readonly lateMs: Millis }
  | { readonly type: 'slowDisk'; readonly oldestWriteMs: Millis }
  | { readonly type: 'quorumLost'; readonly term: Term; readonly silentMs: Millis }

/** What one step asks of the world. Nouns; the order is the contract. */
export interface Ready {
  readonly turn: Turn
  /** 1. One ordered queue, answered by `persisted`. */
  readonly writes: readonly Write[]
  /** 2. Leave once every hard state of this and all earlier turns is durable; entries may leave while they are being written (§10.2.1). */
  readonly messages: readonly Message[]
  /** 3. Answered by `entriesRead`. */
  readonly reads: readonly LogRead[]
  /** 4. To apply in order; never ahead of the local disk. */
  readonly committed: readonly EntryBatch[]
  /** 5. Fates of proposals. */
  readonly answers: readonly Answer[]
  /** 6. For the diagnostics stream. */
  readonly diagnostics: readonly CoreDiagnostic[]
}
