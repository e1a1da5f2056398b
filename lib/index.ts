/** `rxraft/lib`: Raft as a pure function, for whoever wants to drive, replay or check it. */
export type { Answer, Batch, ChangeAnswer, CoreDiagnostic, LogRead, RaftEvent, ReadAnswer, ReadPurpose, Ready, RefusalReason, SnapshotWork, Write } from './events.js'
export { type Beside, type FollowerHealth, type Health, type LeaderHealth, NOTHING_SEEN, type PeerHealth, type Seen, type Used, type UsedBounds, healthOf, seenWith } from './health.js'
export { InvariantBroken, brokenBetween, brokenIn } from './invariants.js'
export type { Log, StoredLog } from './log.js'
export type {
  AppendAccepted, AppendEntries, AppendPart, AppendRefused, ChunkAccepted, InstallSnapshot, Message, RequestVote, RequestVoteReply, TimeoutNow,
} from './messages.js'
export type { Parts, Progress, Sending } from './progress.js'
export { type Stored, firstStep } from './recover.js'
export type { Assembly, Candidate, Follower, Leader, Leaving, PendingWrite, RaftState, ReadQuestion, Receiving, Settings, Tracker, Transfer } from './state.js'
export type { SnapshotId } from './snapshot-id.js'
export { type Status, isReady, statusOf } from './status.js'
export { type Step, step } from './step.js'
export type {
  BatchHead, CommandBatch, Compression, EntryBatch, EntryBody, EntryId, HardState, Index, LogBase, MemberId, Membership, MembershipBatch, MembershipWish, Millis, NextMembership, NoopBatch, RequestId, Round, Snapshot, Term, Turn,
} from './types.js'
