/** What there is to say of snapshots: to whoever follows them, and to an operator. */
import type { EntryId, Index, MemberId, Millis, Snapshot } from '../../lib/types.js'

/** How snapshots come about and are used. */
export type SnapshotEvent =
  /** One is being taken, and so many bytes of it are written. */
  | { readonly type: 'capturing'; readonly index: Index; readonly term: EntryId['term']; readonly bytes: number }
  /** It is durable, and from now on the newest. */
  | { readonly type: 'captured'; readonly snapshot: Snapshot }
  /** It came to nothing; where one is due, it is tried again after `retryMs`. 0 where one that was received took its place, which is no fault. */
  | { readonly type: 'captureFailed'; readonly index: Index; readonly reason: string; readonly retryMs: Millis }
  /** A follower gets one, because the log no longer reaches back to what it lacks; so many bytes are written there. */
  | { readonly type: 'sending'; readonly to: MemberId; readonly snapshot: Snapshot; readonly bytes: number }
  /** It is durable there, and in that follower's machine. */
  | { readonly type: 'sent'; readonly to: MemberId; readonly snapshot: Snapshot }
  /** One comes in from the leader; so many bytes of it are written. */
  | { readonly type: 'receiving'; readonly snapshot: Snapshot; readonly bytes: number }
  /** It is whole and durable, and from now on the newest; the log goes on after it. */
  | { readonly type: 'received'; readonly snapshot: Snapshot }
  /** The machine goes on from this one: found when the member started, or received. */
  | { readonly type: 'restored'; readonly snapshot: Snapshot }

/** Progress is told once for so many bytes. */
export const TELL_EVERY_BYTES = 4 * 1024 * 1024

export type SnapshotNotice =
  /** A snapshot could not be taken; where one is due, it is tried again after `retryMs`. */
  | { readonly type: 'snapshotFailed'; readonly index: Index; readonly reason: string; readonly retryMs: Millis }
  /** The machine's `snapshot` kept everything else waiting, for longer than `applyBudgetMs`. */
  | { readonly type: 'slowSnapshot'; readonly index: Index; readonly tookMs: Millis; readonly budgetMs: Millis }
  /** The snapshot at `index` could not be used; the machine began anew, and applies the whole log or waits for the leader's snapshot. */
  | { readonly type: 'snapshotUnusable'; readonly index: Index; readonly reason: string }
  /** A snapshot could not be read on for a follower; the next one that it needs is sent, or taken. */
  | { readonly type: 'snapshotUnsendable'; readonly index: Index; readonly to: MemberId; readonly reason: string }
  /** The leader's snapshot could not be written, or not be decompressed here; the log is as it was, and the leader sends it again after `retryMs`. */
  | { readonly type: 'snapshotUnreceivable'; readonly index: Index; readonly reason: string; readonly retryMs: Millis }

/** Where events go; not worth making while nobody observes. */
export interface SnapshotEvents {
  readonly observed: boolean
  next(event: SnapshotEvent): void
}
