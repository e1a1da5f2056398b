/** What a member is, to its users and to the parts it is made of. */
import type { Observable, ObservableInput } from 'rxjs'
import type { CheckedOptions } from '../../codecs/options.js'
import type { ReadError, SnapshotError, TransferError } from '../../lib/errors.js'
import type { Index, MemberId, Snapshot, Term } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'
import type { Notice } from '../outputs/diagnostics.js'
import type { Position, Protocol } from '../machine/machine.js'
import type { Ports } from './open.js'
import type { LogEvent } from '../outputs/commits-from.js'
import type { OutputStreams } from '../outputs/outputs.js'
import type { Fold } from '../pipeline/fold.js'
import type { Eventual, Proposer } from '../proposer/proposer.js'
import type { ReadOptions } from '../reads/pending-read.js'
import type { Begun } from '../snapshots/begin.js'
import type { TrackOptions, Tracked } from '../tracking/track.js'
import type { TransferOptions } from '../wishes/handovers.js'
import type { Members } from '../wishes/members.js'

/**
 * One term of office of this member, from the moment it is ready. What it proposes is proposed in this term or not at all, and
 * never forwarded. A paused process can overlap with its successor: outside systems must compare `term`.
 */
export interface Leadership<C, R> extends Proposer<C, R> {
  readonly term: Term
  /** Aborted when the leadership ends. */
  readonly signal: AbortSignal
}

/** A running member. `docs/streams.md` says what each of its streams promises. */
export interface Raft<C, R, S> extends Proposer<C, R>, OutputStreams<C, R, S, Leadership<C, R>>, AsyncDisposable {
  /**
   * What `select` makes of this member's machine, once that has applied all that was acknowledged to anybody, anywhere, before this was called: a
   * linearizable read. Nothing is written for it: the leader is asked how much that is, and has a majority confirm that it still leads, unless it holds a lease (`readLeaseMs`). `select`
   * runs here, between two calls of the machine; it must neither change the state nor keep any part of it that changes. `at` is the last entry in that state: `commitsFrom(at.index + 1, …)`
   * goes on right after it.
   */
  read<A>(select: (state: S, at: Position) => A, options?: ReadOptions): Eventual<ReadError, A>
  /**
   * Proposes the command when it is subscribed to, once for each subscription, and tells where it is on its way, up to `applied` or `failed`, which is the last; no
   * outcome is an error. Between `sent` and `applied` a member tells what it sees: where the leader is, every member that has the command on its disk. Unsubscribing gives up
   * waiting, as an aborted `signal` does. For the few that matter: commands that nobody tracks cost nothing more.
   */
  track(command: C, options?: TrackOptions): Observable<Tracked<R>>
  /**
   * Takes a snapshot of this member's machine, and resolves when it is durable. It stands at least for what was applied here when it was asked for: it is the newest where
   * nothing was applied since, and where one that began earlier is being taken another follows it. All who ask for the same one get the same promise. Members take snapshots by themselves, and each its own: this is for those who cannot wait.
   */
  snapshot(): Eventual<SnapshotError, Snapshot>
  /**
   * All commands from `index` on in log order, without a gap, as this member applies them: what was committed before is read from the log, a
   * batch whenever what `each` made of the last one has completed. So nobody lags, and nothing waits for it. Where the log no longer reaches
   * back so far, `each` is given the state instead, and goes on after it. Completes with the member, once what
   * `each` is at has completed; an error of `each` is an error of the result.
   */
  commitsFrom<A>(index: Index, each: (event: LogEvent<C, S>) => ObservableInput<A>): Observable<A>
  /**
   * Has whoever leads hand over, to the voter that is named or to whoever has the whole log first, and resolves with who leads next.
   * Meanwhile no proposal is taken, and what was taken before is committed first; proposers wait, and go on with the next leader. Whoever
   * is not connected to the leader, or has been silent for an election timeout, is refused at once; what does not succeed within an election timeout is
   * given up, and the leader leads on (dissertation §3.10). Where another member leads the wish is forwarded to it, once.
   * It is waited for as long as `timeoutMs` says, five election timeouts unless told otherwise; what was begun by then goes on.
   */
  transferLeadership(to?: MemberId, options?: TransferOptions): Eventual<TransferError, MemberId>
  /** Who belongs to the cluster, to be changed while it runs (§4). Where another member leads the wish is forwarded to it; what it has begun the next leader finishes. */
  readonly members: Members
  /**
   * Refuses new proposals, waits up to `stopTimeoutMs` for accepted ones, answers the rest as unknown, hands over what it leads, syncs, gives back lock
   * and address, and completes every stream. Resolves when all that is done, never rejects; twice is once.
   */
  stop(): Promise<void>
}

/** The world of a member beside its ports; a simulation brings its own. */
export interface Host {
  readonly clock: Clock
  /** Where a member's random numbers begin: 32 bits. */
  readonly seed: number
  /** What folds a batch into the state, `step` unless told otherwise: a simulation looks on from here. */
  readonly fold?: Fold
  /** Called after each outcome is handed over, of a proposal, a read, a snapshot, a transfer or a change: virtual time waits for those who await it. */
  readonly told?: () => void
}

/** A member that is about to run. */
export interface Member<C, R, S> {
  readonly options: CheckedOptions
  readonly protocol: Protocol<C, R>
  readonly machineVersion: number
  /** The machine and what it begins with. */
  readonly begun: Begun<C, R, S>
  readonly ports: Ports
  readonly host: Host
  /** What there is to say of the start, and later of the ports. */
  readonly notices$: Observable<Notice>
}
