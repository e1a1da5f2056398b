/** What there is to say of snapshots: to whoever follows them, and to an operator. */
import type { EntryId, Index, Millis, Snapshot } from '../../lib/types.js'

/** How snapshots come about and are used. */
export type SnapshotEvent =
  /** One is being taken, and so many bytes of it are written. */
  | { readonly type: 'capturing'; readonly index: Index; readonly term: EntryId['term']; readonly bytes: number }
  /** It is durable, and from now on the newest. */
  | { readonly type: 'captured'; readonly snapshot: Snapshot }
  /** It came to nothing; where one is due, it is tried again after `retryMs`. */
  | { readonly type: 'captureFailed'; readonly index: Index; readonly reason: string; readonly retryMs: Millis }
  /** The machine began from this one when the member started. */
  | { readonly type: 'restored'; readonly snapshot: Snapshot }

export type SnapshotNotice =
  /** A snapshot could not be taken; where one is due, it is tried again after `retryMs`. */
  | { readonly type: 'snapshotFailed'; readonly index: Index; readonly reason: string; readonly retryMs: Millis }
  /** The machine's `snapshot` kept everything else waiting, for longer than `applyBudgetMs`. */
  | { readonly type: 'slowSnapshot'; readonly index: Index; readonly tookMs: Millis; readonly budgetMs: Millis }
  /** The newest snapshot could not be restored; the machine began anew, and applies the whole log. */
  | { readonly type: 'snapshotUnusable'; readonly snapshot: Snapshot; readonly reason: string }

/** Where events go; not worth making while nobody observes. */
export interface SnapshotEvents {
  readonly observed: boolean
  next(event: SnapshotEvent): void
}
