/** The public face of `rxraft`. */
export {
  type Appended, Busy, Damaged, FolderInUse, InvalidOptions, ListenFailed, MachineFailed, NotLeader, OutcomeUnknown, PortInUse, type ProposeError,
  type ReadError, Rejected, SelectFailed, type SnapshotError, SnapshotFailed, SnapshotLost, type StartError, Stopped, StorageFailed, TimedOut, TooLarge, type TransferError, TransferFailed, WrongFolder,
} from '../lib/errors.js'
export type { AppendEntries, AppendPart, InstallSnapshot } from '../lib/messages.js'
export type { Status } from '../lib/status.js'
export type { Index, MemberId, Membership, Millis, Snapshot, Term } from '../lib/types.js'
export type { Limits } from '../codecs/options.js'
export { type RaftOptions, createRaft } from './create-raft.js'
export type { Diagnostic, Severity } from './outputs/diagnostics.js'
export { StepFailed } from './pipeline/flight-recorder.js'
export { DiskStalled } from './pipeline/gate.js'
export type { Applied, Commit, CommitEvent, Entry, Machine, Position, Protocol, RunningMachine } from './machine/machine.js'
export type { Leadership, Raft } from './member/member.js'
export { type MemoryClusterOptions, memoryCluster } from './memory-cluster.js'
export { ApplyFailed, RestoreFailed } from './machine/operate.js'
export type { LogEvent } from './outputs/commits-from.js'
export { whileLeader } from './outputs/while-leader.js'
export { orThrow } from './or-throw.js'
export type { Ended } from './outputs/outputs.js'
export type { Eventual, ProposeOptions, Proposer, Replicated, ReplicateOptions } from './proposer/proposer.js'
export type { ReadOptions } from './reads/pending-read.js'
export { reducerMachine } from './machine/reducer-machine.js'
export type { RecordedMember, Recorder, RecorderNotice, Recording } from './recorder/port.js'
export type { SnapshotEvent } from './snapshots/events.js'
export { fileStorage } from './storage/file.js'
export { memoryStorage } from './storage/memory.js'
export type {
  Recovered, SnapshotPlace, SnapshotReader, SnapshotReceiver, SnapshotWriter, Snapshots, Storage, StorageEvent, Store, StoreOwner,
} from './storage/port.js'
export { type Network, memoryNetwork, memoryTransport } from './transport/memory.js'
export type { Endpoint, Links, Party, Transport, TransportEvent, TransportNotice } from './transport/port.js'
export { type TcpOptions, type TlsMaterial, tcpTransport } from './transport/tcp/tcp.js'
