import { type Observable, ReplaySubject, Subject } from 'rxjs'
import type { Batch } from '../../lib/events.js'
import type { Beside, Health } from '../../lib/health.js'
import type { AppendEntries, AppendPart, InstallSnapshot, Message } from '../../lib/messages.js'
import { placedMembershipOf } from '../../lib/log.js'
import { sameMembership } from '../../lib/membership.js'
import type { RaftState } from '../../lib/state.js'
import { reachable } from '../../lib/reach.js'
import { type Status as CoreStatus, sameStatus, statusOf } from '../../lib/status.js'
import type { Step } from '../../lib/step.js'
import type { Membership, Term } from '../../lib/types.js'
import { type Current, createCurrent } from './current.js'
import { type Diagnostic, type Notice, diagnostic } from './diagnostics.js'
import { createHealthWatch } from './health.js'
import { createLeaderships } from './leaderships.js'
import { type MachineVersions, type VersionEars, createVersionWatch, sameVersions } from './machine-versions.js'
import { createStateView } from './state.js'
import type { Applied, CommitEvent, Position } from '../machine/machine.js'
import type { Look } from '../machine/run-machine.js'
import type { SnapshotEvent, SnapshotEvents } from '../snapshots/events.js'
import { travelBetween } from '../snapshots/travel.js'

/** How a member ended. */
export type Ended = { readonly _tag: 'Stopped' } | { readonly _tag: 'Failed'; readonly error: Error }

/** What a member shows of itself. */
export interface Status extends CoreStatus, MachineVersions {}

/** What a member shows: hot, never an error, complete when the member ends; `docs/streams.md` has the whole table. */
export interface OutputStreams<C, R, S, L> {
  /** Role, term, indexes, and which version of the machine all members have. Replays the current value, never ahead of the disk; one for all that a turn has changed, and one where a version becomes known. */
  readonly status$: Observable<Status>
  /** What this member has applied. Replays the current value; one for all that a turn applied. It may lag the leader. */
  readonly state$: Observable<Applied<S>>
  /** The leadership while this member leads and is ready. Replays the current value; `undefined` as soon as it is lost. */
  readonly leadership$: Observable<L | undefined>
  /** Who belongs to the cluster, by the newest membership in the log, and whether that is committed. Replays the current value. */
  readonly membership$: Observable<MembershipState>
  /**
   * How this member fares: its event loop, its disk, its machine, its peers, and how much of its bounds is used. Replays the current value, and emits one each
   * heartbeat; does not wait for the disk.
   */
  readonly health$: Observable<Health>
  /** Commits with their results, after this member's machine has applied them. They are shared with the machine and all subscribers: nobody may write to them. Replays nothing. */
  readonly commits$: Observable<CommitEvent<C, R, S>>
  /** What this member, as leader, has sent of its log: whole batches, and parts of those that are larger than a follower's window. Replays nothing. */
  readonly appendEntries$: Observable<AppendEntries | AppendPart>
  /** The chunks of snapshots that this member, as leader, has sent. Replays nothing. */
  readonly snapshotChunks$: Observable<InstallSnapshot>
  /** How snapshots are taken, sent, received and restored. Replays nothing; does not wait for the log on the disk. */
  readonly snapshots$: Observable<SnapshotEvent>
  /** What was noticed, refused or dropped. Replays nothing; does not wait for the disk. */
  readonly diagnostics$: Observable<Diagnostic>
  /** How the member ended: one value, replayed, then the last completion of all. */
  readonly ended$: Observable<Ended>
}

/** A membership, and whether it may still be taken back; a change is under way where it has outgoing voters or leads to another. */
export interface MembershipState extends Membership {
  readonly isCommitted: boolean
}

const membershipStateOf = ({ log, commitIndex }: RaftState): MembershipState => {
  const { index, membership } = placedMembershipOf(log)
  return { ...membership, isCommitted: index <= commitIndex }
}
const sameMembershipState = (a: MembershipState, b: MembershipState): boolean => a.isCommitted === b.isCommitted && sameMembership(a, b)

/** The other side of the streams: what happened, told once; what nobody watches is not even built. */
export interface Outputs<C, R, S, L> {
  readonly streams: OutputStreams<C, R, S, L>
  /** A batch is folded, and nothing of what the step asks for was handed over yet. */
  stepped(before: RaftState, batch: Batch, after: RaftState): void
  /** A step has passed the gate and all it asks for was handed over. */
  released(step: Step): void
  /** A step was folded, whether or not it waits at the gate: what must not wait for a disk that may be stalled. */
  folded(step: Step): void
  /** The machine has applied everything up to and including `at`. */
  applied(at: Position): void
  /** Where commit events go; not worth making while nobody observes. */
  readonly commits: { readonly observed: boolean; next(event: CommitEvent<C, R, S>): void }
  readonly snapshots: SnapshotEvents
  readonly versions: VersionEars
  notice(notice: Notice): void
  /** Leadership is over, for good. */
  halt(): void
  /** Everything completes, `ended$` last. Calling twice is calling once. */
  end(how: Ended): void
}

/** What the streams begin with. */
export interface Beginning<S, L> {
  readonly first: RaftState
  readonly machineVersion: number
  /** Where the machine begins, and how to see what it has become. */
  readonly from: Position
  readonly look: Look<S>
  /** What else there is to say of the member's health; asked only while somebody looks. */
  load(): Omit<Beside, 'appliedIndex'>
  /** Makes the leadership of one term of office. */
  leadership(term: Term, signal: AbortSignal): L
}

/** Chunks lie in memory that is used again, and whoever looks on may keep them. */
const withOwnChunk = (message: InstallSnapshot): InstallSnapshot => ({ ...message, chunk: new Uint8Array(message.chunk) })

/** What a leader sends of its log and of its snapshots. */
const createSent = () => {
  const appendEntries = new Subject<AppendEntries | AppendPart>()
  const snapshotChunks = new Subject<InstallSnapshot>()
  const tellOne = (message: Message): void => {
    if (message.type === 'appendEntries' || message.type === 'appendPart') appendEntries.next(message)
    else if (snapshotChunks.observed && message.type === 'installSnapshot' && message.chunk.length > 0) snapshotChunks.next(withOwnChunk(message))
  }
  return {
    streams: { appendEntries$: appendEntries.asObservable(), snapshotChunks$: snapshotChunks.asObservable() },
    tell: (messages: readonly Message[]): void => {
      if (appendEntries.observed || snapshotChunks.observed) messages.forEach(tellOne)
    },
    complete: (): void => {
      appendEntries.complete()
      snapshotChunks.complete()
    },
  }
}

/** What can be looked at: each stream replays what it has shown last. */
const createViews = <S>({ first, machineVersion, from, look, load }: Omit<Beginning<S, never>, 'leadership'>, notice: Outputs<never, never, never, never>['notice']) => {
  let shown = first
  let appliedIndex = from.index
  // What is applied is news before the core folds it, but never ahead of the commit that it belongs to.
  const status = createCurrent<Status>(
    () => ({ ...statusOf(shown), appliedIndex: Math.min(appliedIndex, shown.commitIndex), ...versions.now() }),
    (a, b) => sameStatus(a, b) && sameVersions(a, b))
  const versions = createVersionWatch(first.settings.id, machineVersion, reachable(first), { notice, changed: status.show })
  const state = createStateView(look)
  const membership = createCurrent(() => membershipStateOf(shown), sameMembershipState)
  const health = createHealthWatch(first, () => ({ ...load(), appliedIndex }))
  return {
    streams: { status$: status.value$, state$: state.state$, membership$: membership.value$, health$: health.value$ },
    versions,
    stepped: health.stepped,
    handedOver: health.show,
    released: (state: RaftState): void => {
      shown = state
      status.show()
      membership.show()
    },
    applied: ({ index }: Position): void => {
      appliedIndex = index
      state.show()
      status.show()
    },
    complete: (): void => { for (const view of [status, state, membership, health]) view.complete() },
  }
}

export const createOutputs = <C, R, S, L>({ leadership: leadershipOf, ...beginning }: Beginning<S, L>): Outputs<C, R, S, L> => {
  let shown = beginning.first
  const leaderships = createLeaderships(leadershipOf, () => leadership.show())
  const leadership: Current<L | undefined> = createCurrent(leaderships.current)
  const commits = new Subject<CommitEvent<C, R, S>>()
  const sent = createSent()
  const snapshots = new Subject<SnapshotEvent>()
  const diagnostics = new Subject<Diagnostic>()
  const ended = new ReplaySubject<Ended>(1)

  const notice = (notice: Notice): void => {
    if (diagnostics.observed) diagnostics.next(diagnostic(notice))
  }
  const views = createViews(beginning, notice)

  return {
    streams: {
      ...views.streams, leadership$: leadership.value$, commits$: commits.asObservable(), ...sent.streams,
      snapshots$: snapshots.asObservable(), diagnostics$: diagnostics.asObservable(), ended$: ended.asObservable(),
    },
    stepped: views.stepped,
    released: ({ state, ready }) => {
      const before = shown
      shown = state
      leaderships.begin(state)
      sent.tell(ready.messages)
      if (snapshots.observed) for (const event of travelBetween(before, state)) snapshots.next(event)
      views.released(state)
      leadership.show()
    },
    folded: ({ state, ready }) => {
      leaderships.follow(state)
      for (const diagnostic of ready.diagnostics) notice(diagnostic)
      views.handedOver()
    },
    applied: views.applied,
    commits,
    snapshots,
    versions: views.versions,
    notice,
    halt: leaderships.end,
    end: how => {
      leaderships.end()
      for (const stream of [views, leadership, commits, sent, snapshots, diagnostics]) stream.complete()
      ended.next(how)
      ended.complete()
    },
  }
}
