/** `rxraft/lib`: Raft as a pure function, for whoever wants to drive, replay or check it. */
export type { Answer, Batch, CoreDiagnostic, LogRead, RaftEvent, ReadPurpose, Ready, RefusalReason, Write } from './events.js'
export { InvariantBroken, brokenBetween, brokenIn } from './invariants.js'
export type { Log, LogBase, StoredLog } from './log.js'
export type { AppendAccepted, AppendEntries, AppendRefused, Message, RequestVote, RequestVoteReply } from './messages.js'
export type { Progress } from './progress.js'
export { type Stored, firstStep } from './recover.js'
export type { Candidate, Follower, Leader, RaftState, Settings } from './state.js'
export { type Status, isReady, statusOf } from './status.js'
export { type Step, step } from './step.js'
export type {
  CommandBatch, EntryBatch, EntryBody, EntryId, HardState, Index, MemberId, Membership, MembershipBatch, Millis, NoopBatch, RequestId, Round, Snapshot, Term, Turn,
} from './types.js'
