/** What the demo's processes tell each other over their IPC channels. */
import type { MemberId } from '../../lib/types.js'
import type { Status } from '../../lib/status.js'

/** How the processes of one run are told what to do: JSON in the first argument. */
export interface MemberTask {
  readonly cluster: string
  readonly id: MemberId
  readonly members: Readonly<Record<MemberId, string>>
  /** Its data folder; what it applies is written to `applied` beside it. */
  readonly folder: string
  readonly applied: string
}
export interface FeederTask {
  readonly cluster: string
  readonly members: Readonly<Record<MemberId, string>>
  /** A path, `-` for standard input, or how many lines to make up. */
  readonly source: { readonly file: string } | { readonly count: number; readonly bytes: number }
  readonly window: number
}

export type FromMember =
  | { readonly type: 'started' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'applied'; readonly pieces: number; readonly checksum: number }
  | { readonly type: 'ended'; readonly reason: string }

export type FromFeeder =
  | { readonly type: 'progress'; readonly acknowledged: number; readonly bytes: number; readonly readFraction: number | undefined }
  /** Nothing was acknowledged from `from` to `to`, on the clock that all processes of this machine share. */
  | { readonly type: 'silence'; readonly fromMs: number; readonly toMs: number }
  | { readonly type: 'done'; readonly acknowledged: number; readonly checksum: number; readonly p50Ms: number; readonly p99Ms: number; readonly retried: number }
  | { readonly type: 'failed'; readonly message: string }

/** Sends to the parent; a parent that is gone is no reason to fail. */
export const tell = (message: FromMember | FromFeeder): void => {
  process.send?.(message, undefined, undefined, () => undefined)
}
