import type { Batch } from '../../lib/events.js'
import type { InvalidOptions } from '../../lib/errors.js'
import type { Either } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId } from '../../lib/types.js'
import type { RunEnd } from '../../codecs/recording/segment.js'

/** Who is recorded. */
export interface RecordedMember {
  readonly clusterId: string
  readonly id: MemberId
}

/** What a recorder says of itself. Nothing of it touches the member. */
export type RecorderNotice =
  /** The disk does not keep up: from here on turns are left out. */
  | { readonly type: 'recorderBehind'; readonly bound: 'maxBufferBytes' }
  /** The disk has caught up: recording goes on with a new segment, after so many turns that are in none. */
  | { readonly type: 'recorderResumed'; readonly dropped: number }
  /** Nothing is recorded any more; the member runs on. */
  | { readonly type: 'recorderStopped'; readonly reason: string }

/** A recording under way. Its methods return at once and never throw, whatever becomes of the recording. */
export interface Recording {
  /** `batch` is about to be folded into `state`; called once per turn, before the step. */
  record(state: RaftState, batch: Batch): void
  /** The member has ended: what is held is written, and then `done` is called. */
  close(end: RunEnd, done: () => void): void
}

/** Where a member's inputs are kept. */
export interface Recorder {
  /** Looks at its options and nothing else: no disk is touched before the first turn. */
  open(member: RecordedMember, notice: (notice: RecorderNotice) => void): Either<InvalidOptions, Recording>
}
