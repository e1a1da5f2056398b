/** What the parent and its members tell each other over their IPC channels. */
import type { Status } from '../../../lib/status.js'
import type { Index, MemberId, Membership, Millis, Term } from '../../../lib/types.js'
import type { MembershipChange } from '../../../streams/index.js'

/** How the members of a run keep their logs short. */
export interface Snapshotting {
  /** Entries from one snapshot to the next, and what stays of the log before one. */
  readonly entries: number
  readonly keepEntries: number
  /** What makes the machine's state as large as it is. */
  readonly paddingBytes: number
  readonly chunkBytes: number
  /** How fast chunks leave. */
  readonly bytesPerSecond: number
}

/** How one life of a member is told what to do: JSON in the first argument. */
export interface MemberTask {
  readonly cluster: string
  readonly id: MemberId
  /** Those with whom the cluster begins, the same for all members: a snapshot carries them from one to another. */
  readonly members: Readonly<Record<MemberId, string>>
  /** Whether it begins with nothing and waits to be added. */
  readonly isJoining: boolean
  /** Where everybody is reached, whether or not it belongs. */
  readonly doors: Readonly<Record<MemberId, string>>
  /** Where this member finds each of the others instead: wires in the parent, which can be cut. */
  readonly wires: Readonly<Record<MemberId, string>>
  /** Where it listens itself. */
  readonly listen: string
  readonly folder: string
  readonly electionTimeoutMs: Millis
  readonly snapshots: Snapshotting
  /** Where files that a power cut would lose are kept until they are durable; without it, only the real disk forgets. */
  readonly limbo: string | undefined
}

/** What is wrong with a member's disk at the moment. */
export interface DiskFaults {
  /** Every sync fails with EIO. */
  readonly syncFails: boolean
  /** How much more can be written before the disk is full. */
  readonly roomBytes: number | undefined
  readonly syncDelayMs: Millis
  readonly writeDelayMs: Millis
  /** Nothing is answered until this is over. */
  readonly isStalled: boolean
}

export const HEALTHY: DiskFaults = { syncFails: false, roomBytes: undefined, syncDelayMs: 0, writeDelayMs: 0, isStalled: false }

export type ToMember =
  | { readonly type: 'disk'; readonly faults: DiskFaults }
  /** The process dies, and what was not synced with it, but for each sector with probability `keep`. */
  | { readonly type: 'powerCut'; readonly keep: number; readonly seed: number }
  /** The wall clock is that much ahead, and the monotonic one runs so many times as fast. */
  | { readonly type: 'clock'; readonly wallAheadMs: Millis; readonly rate: number }
  | { readonly type: 'report' }
  /** Answered under the same number. */
  | { readonly type: 'ask'; readonly number: number; readonly question: Question; readonly timeoutMs: Millis }
  | { readonly type: 'stop' }

/** What a program in the member's process would ask of it. */
export type Question =
  | { readonly type: 'read'; readonly key: string }
  | { readonly type: 'transfer'; readonly to: MemberId | undefined }
  /** Who belongs at this moment: asked behind a read, so that no leader of the past answers. */
  | { readonly type: 'membership' }
  | { readonly type: 'change'; readonly change: MembershipChange }
  | { readonly type: 'abandon' }

export type Answer =
  | { readonly type: 'read'; readonly value: string | null }
  | { readonly type: 'membership'; readonly membership: Membership; readonly isCommitted: boolean }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly error: string }

/** What a member has become. */
export interface Report {
  readonly appliedIndex: Index
  readonly keys: number
  readonly digest: number
}

export type FromMember =
  /** What it recovered. */
  | { readonly type: 'started'; readonly term: Term; readonly lastIndex: Index }
  | { readonly type: 'refused'; readonly tag: string; readonly message: string }
  | { readonly type: 'status'; readonly status: Status }
  /** A diagnostic that says that a promise is broken. */
  | { readonly type: 'alarm'; readonly message: string }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'answer'; readonly number: number; readonly answer: Answer }
  | { readonly type: 'snapshot'; readonly event: 'receiving' | 'received' | 'restored'; readonly bytes: number }
  /** A diagnostic that is worth counting. */
  | { readonly type: 'noticed'; readonly what: string }
  | { readonly type: 'ended'; readonly reason: string; readonly isFailure: boolean }
