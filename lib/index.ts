/** `rxraft/lib`: Raft as a pure function, for whoever wants to drive, replay or check it. */
export type { Answer, Batch, CoreDiagnostic, LogRead, RaftEvent, ReadAnswer, ReadPurpose, Ready, RefusalReason, SnapshotWork, Write } from './events.js'
export { InvariantBroken, brokenBetween, brokenIn } from './invariants.js'
export type { Log, StoredLog } from './log.js'
export type { AppendAccepted, AppendEntries, AppendRefused, ChunkAccepted, InstallSnapshot, Message, RequestVote, RequestVoteReply, SnapshotId } from './messages.js'
export type { Progress, Sending } from './progress.js'
export { type Stored, firstStep } from './recover.js'
export type { Candidate, Follower, Leader, RaftState, Receiving, Settings } from './state.js'
export { type Status, isReady, statusOf } from './status.js'
export { type Step, step } from './step.js'
export type {
  CommandBatch, EntryBatch, EntryBody, EntryId, HardState, Index, LogBase, MemberId, Membership, MembershipBatch, Millis, NoopBatch, RequestId, Round, Snapshot, Term, Turn,
} from './types.js'
