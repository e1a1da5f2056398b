import type { Observable } from 'rxjs'
import type { Recycled } from '../../codecs/recycled.js'
import type { StartError } from '../../lib/errors.js'
import type { LogRead, RaftEvent, Write } from '../../lib/events.js'
import { membersOf } from '../../lib/membership.js'
import type { Either } from '../../lib/prelude.js'
import type { Stored } from '../../lib/recover.js'
import type { EntryBatch, Incarnation, Index, MemberId, Membership, Snapshot, SnapshotPlace, Turn } from '../../lib/types.js'

/** Who opens the store. A store that belongs to another cluster or another member is refused. */
export interface StoreOwner {
  /** Hash of the cluster's name and first membership, in hexadecimal. */
  readonly clusterId: string
  readonly id: MemberId
  /** Written into an empty store as the log's base at index 0; otherwise what the store holds counts. */
  readonly membership: Membership
  /** Bytes of the newest entries to hand over in `tail`, at least one batch; the rest stays on disk. */
  readonly tailBytes: number
}

/** What a store holds when it is opened, in bounded memory however long the log is. */
export interface Recovered extends Stored {
  readonly incarnation: Incarnation
  /** The incarnations of peers that this member has met. */
  readonly peers: Readonly<Record<MemberId, Incarnation>>
  /** What was dropped or noticed on the way: a torn tail that was never acknowledged, leftovers that were swept, a snapshot that is damaged. */
  readonly notes: readonly string[]
}

export type { SnapshotPlace }

/** A snapshot being written, beside the newest one. Its first failure ends it, answers every later call, and leaves the store as it was. */
export interface SnapshotWriter {
  /** Appends to the contents, of any length; `chunk` may not change before `done`, which comes as fast as the disk takes it. */
  write(chunk: Uint8Array, done: (outcome: Either<Error, void>) => void): void
  /** Makes it durable, and from then on it is the newest; the one before is removed, and lasts only for those who read it already. */
  finish(done: (outcome: Either<Error, Snapshot>) => void): void
  /** Gives it up and leaves nothing behind; nothing is left to do after `finish` or a failure. */
  abort(done: () => void): void
}

/** A snapshot being read: it stays what it was, whatever becomes the newest meanwhile. */
export interface SnapshotReader {
  readonly snapshot: Snapshot
  /**
   * The next chunk, checked, of 1 byte to 1 MiB, cut anywhere; it belongs to the caller until the next one is asked for. Undefined once all of it was read and the whole
   * matches its checksum: what came before counts only then. `Damaged` names file and offset.
   */
  next(done: (outcome: Either<Error, Uint8Array | undefined>) => void): void
  /** Begins again: the first chunk is next, also of one that has been replaced meanwhile. */
  rewind(done: (outcome: Either<Error, void>) => void): void
  close(done: () => void): void
}

/**
 * A snapshot that comes in from another member, chunk by chunk. What is written of it outlasts the process, and is taken up again. Its
 * first failure ends it, answers every later call, and drops what is there: whatever failed vouches for nothing.
 */
export interface SnapshotReceiver {
  /** So many bytes of it were here, whole and in order, when it was opened: the next chunk goes there. */
  readonly received: number
  /** Appends to the contents; `chunk` may not change before `done`. */
  write(chunk: Uint8Array, done: (outcome: Either<Error, void>) => void): void
  /**
   * Makes it the newest once its contents are all there and match its checksum; the one before is removed. Contents that do not match are
   * dropped, so that whoever receives it again begins from nothing.
   */
  finish(done: (outcome: Either<Error, Snapshot>) => void): void
  /** Lets go of it and keeps what is there; nothing is left to do after `finish` or a failure. */
  close(done: () => void): void
}

/**
 * The snapshots of one member: the newest, one that is being written, and one that is being received. No answer comes during the call that
 * asks for it. Closing the store gives up what is being written, but for a `finish` under way, and closes all readers and receivers.
 */
export interface Snapshots {
  /** The newest that is whole, as far as this is known: one that could not be read, for whatever reason, is none any more as long as the store is open. */
  newest(): Snapshot | undefined
  /** Begins one at a higher index than the newest, and never more than one at a time; every other one fails at its first call. */
  write(place: SnapshotPlace): SnapshotWriter
  /**
   * Begins to receive this one, newer than the newest, or takes up what is here of this very one: equal in place, size and checksum.
   * Whatever is here of any other is dropped. Never more than one at a time.
   */
  receive(snapshot: Snapshot, done: (outcome: Either<Error, SnapshotReceiver>) => void): void
  /**
   * Opens the newest; an error where there is none. Whoever needs a chunk for longer than until the next one is asked for gives buffers: a chunk may then be read into the current one. The caller
   * passes on to the next where it still needs the chunk.
   */
  read(done: (outcome: Either<Error, SnapshotReader>) => void, buffers?: Recycled): void
}

/** Why entries are read: for the core, or for somebody who follows the log beside it. */
export type StoreReadPurpose = LogRead['purpose'] | { readonly type: 'follow'; readonly id: number }

export interface StoreRead extends Omit<LogRead, 'purpose'> {
  readonly purpose: StoreReadPurpose
}

/** How a store answers. A failed write is the store's last word: nothing is written after it. */
export type StorageEvent =
  | Extract<RaftEvent, { type: 'persisted' }>
  /** Without batches where the log begins after `from` by now. */
  | { readonly type: 'entriesRead'; readonly purpose: StoreReadPurpose; readonly from: Index; readonly batches: readonly EntryBatch[] }
  | { readonly type: 'writeFailed'; readonly turn: Turn; readonly error: Error }
  | { readonly type: 'readFailed'; readonly purpose: StoreReadPurpose; readonly error: Error }

/** An open store: commands in, events out. */
export interface Store {
  readonly recovered: Recovered
  readonly snapshots: Snapshots
  /** Hot, no replay; subscribe before the first `write`. Events never arrive during a call of `write` or `read`. Completes when closed. */
  readonly events$: Observable<StorageEvent>
  /** Queues one turn's writes; `persisted` follows when they and all before them are durable. Turns complete in order. */
  write(turn: Turn, writes: readonly Write[]): void
  /** Answered by `entriesRead` with contiguous batches that cover `read.from` onwards, the first and last possibly sliced. */
  read(read: StoreRead): void
  /** Remembers a peer's incarnation durably, then calls `done`. Where there is no room for it nothing has changed, and the store goes on. */
  remember(peer: MemberId, incarnation: Incarnation, done: (outcome: Either<Error, void>) => void): void
  /** Forgets the incarnations of these peers durably, then calls `done`; in order with `remember`. Where there is no room for it they are known until a later attempt of the store's own, and it goes on. */
  forget(peers: readonly MemberId[], done: (outcome: Either<Error, void>) => void): void
  /** Finishes queued writes, marks a clean stop, releases the lock. Calling twice is calling once. */
  close(done: () => void): void
}

/** One that is to be added may have been started as one of the first before: of a cluster with itself in it, which nobody else is of. */
const FALSE_START = '. If this member was started without join before, to found a cluster that never was, remove the folder'

/** Why a store of another cluster is refused, in words that say what to look at. */
export const otherCluster = (what: string, found: string, { clusterId, membership }: StoreOwner): string =>
  `${what} belongs to a cluster with another name or other first member ids, which make up its id (${found.slice(0, 12)}, not ${clusterId.slice(0, 12)}); addresses may change, ids may not${
    membersOf(membership).length === 0 ? FALSE_START : ''}`

/** Where a member keeps what it must not forget. Never a promise, so that the real code runs in virtual time. */
export interface Storage {
  open(owner: StoreOwner, done: (outcome: Either<StartError, Store>) => void): void
}
