/**
 * The state from which recorded turns are folded: JSON for all but the entries, which are written as `batches` in pieces, so that
 * no turn pays for all of a long log.
 */
import * as t from 'io-ts'
import { brokenIn } from '../../lib/invariants.js'
import { type Log, type TermRun, openLog } from '../../lib/log.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Progress, Sending } from '../../lib/progress.js'
import type { Assembly, Candidate, Follower, Leader, Leaving, RaftState, Receiving, Settings } from '../../lib/state.js'
import type { EntryBatch, LogBase } from '../../lib/types.js'
import { through } from '../depth.js'
import { Membership } from '../membership.js'
import { Address, Checksum, Count, EntryIndex, EntryTerm, Index, MemberId, Millis, Round, Term, integer } from '../primitives.js'
import { BatchHead, EntryBatches } from '../shapes.js'
import { Chunk, MAX_CHUNK_BYTES, Snapshot } from '../snapshots.js'
import { Time } from './events.js'
import { zerosOf } from './zeros.js'

/** A log without its entries. */
type LogHead = Omit<Log, 'tail'>
type ProgressHead = Omit<Progress, 'fromDisk'>
type Headless = 'log' | 'progress'
type StateHead =
  | Omit<Follower, Headless> & { readonly log: LogHead }
  | Omit<Candidate, Headless> & { readonly log: LogHead }
  | Omit<Leader, Headless> & { readonly log: LogHead; readonly progress: readonly ProgressHead[] }

/** A state, and how many batches belong to each of its lists: the log, then what was read from the disk for each follower. */
export interface StateRecord {
  readonly state: StateHead
  readonly lists: readonly number[]
}

/** A time that may be "never yet", which JSON cannot say. */
const Since: t.Type<number, unknown> = new t.Type<number, unknown>(
  'Since', (value): value is number => value === Number.NEGATIVE_INFINITY || Time.is(value),
  (value, context) => (value === null ? t.success(Number.NEGATIVE_INFINITY) : Time.validate(value, context)),
  value => (value === Number.NEGATIVE_INFINITY ? null : value),
)

const VotePairs = t.readonlyArray(t.tuple([MemberId, t.boolean]))
/** What was answered so far, by voter. */
const Votes: t.Type<Candidate['votes'], unknown> = through(new t.Type<Candidate['votes'], unknown>(
  'Votes', (value): value is Candidate['votes'] => value instanceof Map,
  (value, context) => {
    const pairs = VotePairs.validate(value, context)
    return isLeft(pairs) ? pairs : t.success(new Map(pairs.right))
  },
  votes => [...votes],
), VotePairs)

const ChunkLength = integer('ChunkLength', 0, MAX_CHUNK_BYTES)
/** A chunk that waits to be sent: its length, and zeros of that length when it is read. */
const BlankChunk: t.Type<Uint8Array, unknown> = new t.Type<Uint8Array, unknown>(
  'BlankChunk', Chunk.is,
  (value, context) => {
    const length = ChunkLength.validate(value, context)
    return isLeft(length) ? length : t.success(zerosOf(length.right))
  },
  chunk => chunk.length,
)

const Settings: t.Type<Settings, unknown> = t.strict({
  id: MemberId, electionTimeoutMs: Millis, heartbeatMs: Millis, stallMs: Millis, maxAppendBytes: Count, maxInflightMessages: Count,
  maxInflightBytes: Count, maxUncommittedBytes: Count, logCacheBytes: Count, maxApplyBytes: Count,
  snapshotKeepEntries: Count, snapshotChunkBytes: Count, snapshotBytesPerSecond: Count, giveWayMs: Millis, maxPendingReads: Count, readLeaseMs: Millis,
}, 'Settings')

const AssemblyRecord = t.strict({ head: BatchHead, held: Count }, 'Assembly')
/** What is here of a batch: the number of its bytes, which are zeros when it is read. */
const Assembly: t.Type<Assembly, unknown> = through(new t.Type<Assembly, unknown>(
  'Assembly', (value): value is Assembly => AssemblyRecord.is(value),
  (value, context) => {
    const record = AssemblyRecord.validate(value, context)
    if (isLeft(record)) return record
    const { head, held } = record.right
    return held < head.body.bytes ? t.success({ head, held, parts: [zerosOf(held)] }) : t.failure(value, context, 'holds more than there is')
  },
  ({ head, held }) => ({ head, held }),
), AssemblyRecord)

const Base: t.Type<LogBase, unknown> = t.strict({ index: Index, term: Term, membership: Membership })
const Run: t.Type<TermRun, unknown> = t.strict({ firstIndex: EntryIndex, term: EntryTerm })
const LogHead: t.Type<LogHead, unknown> = t.strict({
  base: Base, lastIndex: Index, time: Millis, terms: t.readonlyArray(Run),
  memberships: t.readonlyArray(t.strict({ index: Index, membership: Membership })),
}, 'Log')

const maybe = <A>(codec: t.Type<A, unknown>): t.Type<A | undefined, unknown> => t.union([codec, t.undefined])
const MaybeMember = maybe(MemberId)
const Receiving: t.Type<Receiving, unknown> = t.strict({
  snapshot: Snapshot, term: Term, phase: t.keyof({ opening: null, waiting: null, writing: null, restoring: null }), received: Count, expected: Count,
}, 'Receiving')
const Sending: t.Type<Sending, unknown> = t.strict({
  snapshot: Snapshot, received: Count, movedAt: Time, awaited: maybe(Count), read: maybe(t.strict({ offset: Count, chunk: maybe(BlankChunk) })), round: Round, chunkBytes: Count,
}, 'Sending')
const common = {
  settings: Settings, now: Time, wall: Time, turn: Count, random: Checksum, term: Term, votedFor: MaybeMember, isNewcomer: t.boolean, log: LogHead, writtenCommit: Index,
  persistedIndex: Index, pendingWrites: t.readonlyArray(t.strict({ turn: Count, last: Index, since: Time })), writtenAt: Time, commitIndex: Index,
  handedIndex: Index, handed: t.readonlyArray(t.strict({ last: Index, bytes: Count })), appliedIndex: Index, readingToApply: Index, replayTo: Index,
  snapshot: maybe(Snapshot), receiving: maybe(Receiving), leader: MaybeMember, heardAt: Since, promisedUntil: Time, electionDeadline: Time, round: Round,
}
const ProgressHead: t.Type<ProgressHead, unknown> = t.strict({
  id: MemberId, since: Round, mode: t.keyof({ probe: null, replicate: null }), nextIndex: Index, matchIndex: Index, verifiedIndex: Index,
  inflight: t.readonlyArray(t.strict({ lastIndex: Index, bytes: Count, sentAt: Time, sentBytes: Count })), inflightBytes: Count, windowBytes: Count, windowRound: Round, mayBeNewcomer: t.boolean, metRound: maybe(Round),
  contact: Since, promisedUntil: Since, acceptedRound: Round, parts: t.strict({ held: Count, round: Round, bytes: Count }), probeRound: Round, sentCommit: Index, reading: Index, lacks: Index, sending: maybe(Sending), lap: t.strict({ to: Index, since: Time, giveWayMs: Time }),
  arrivedAt: Time, fastestMs: Time, workMs: Time, restsUntil: Time,
}, 'Progress')
const Leaving: t.Type<Leaving, unknown> = t.strict({ id: MemberId, address: Address, index: Index, deadline: Time })
const Head: t.Type<StateHead, unknown> = t.union([
  t.strict({ role: t.literal('follower'), ...common, verified: Index, leaderCommit: Index, assembly: maybe(Assembly), mustHave: Index, leaderRound: Round, reportedDurable: Index, answeredAt: Since, answeredRound: Round }, 'Follower'),
  t.strict({ role: t.literal('candidate'), ...common, phase: t.keyof({ preVote: null, vote: null }), votes: Votes }, 'Candidate'),
  t.strict({
    role: t.literal('leader'), ...common, electedAt: Time, noopIndex: Index, progress: t.readonlyArray(ProgressHead), leaving: t.readonlyArray(Leaving), heartbeatDue: Time,
    trackers: t.array(t.strict({ id: Count, firstIndex: Index, count: Count, bytes: Count })), uncommittedBytes: Count, stamped: t.strict({ time: Time, at: Time }), committedAt: Since, sequels: Count, chunkDue: Time,
    transfer: maybe(t.strict({ to: MaybeMember, deadline: Time, told: MaybeMember })), hasAskedToStand: t.boolean,
    reads: t.array(t.strict({ id: Count, index: Index, after: Round })), readRound: Round,
  }, 'Leader'),
], 'State')

export const StateRecord: t.Type<StateRecord, unknown> = t.strict({ state: Head, lists: t.readonlyArray(Count) })

/** A state as it is recorded: what is left of it without its entries, and the entries, list by list. */
export interface StateParts {
  readonly record: StateRecord
  /** Never more than `counts` of each list belong to the state: the log's array grows on. */
  readonly lists: readonly { readonly batches: readonly EntryBatch[]; readonly start: number; readonly end: number }[]
}

const withoutTail = ({ tail: _, ...log }: Log): LogHead => log
const withoutEntries = ({ fromDisk: _, ...progress }: Progress): ProgressHead => progress
const whole = (batches: readonly EntryBatch[]) => ({ batches, start: 0, end: batches.length })

export const partsOf = (state: RaftState): StateParts => {
  const log = withoutTail(state.log)
  const lists = [state.log.tail, ...(state.role === 'leader' ? state.progress.map(({ fromDisk }) => whole(fromDisk)) : [])]
  const head = state.role === 'leader' ? { ...state, log, progress: state.progress.map(withoutEntries) } : { ...state, log }
  return { record: { state: head, lists: lists.map(({ start, end }) => end - start) }, lists }
}

const faultIn = (lists: readonly (readonly EntryBatch[])[]): string | undefined => {
  const at = lists.findIndex(batches => !EntryBatches.is(batches))
  return at < 0 ? undefined : `the entries of list ${at} do not follow each other`
}

/** The state again, if its parts belong together and it is sound. */
export const stateOf = ({ state: head }: StateRecord, lists: readonly (readonly EntryBatch[])[]): Either<string, RaftState> => {
  const [tail = [], ...fromDisk] = lists
  const last = tail.at(-1)
  const fault = faultIn(lists)
  if (fault !== undefined) return left(fault)
  if (last !== undefined && last.firstIndex + last.count - 1 !== head.log.lastIndex) return left('the newest entries are not the end of the log')
  if (fromDisk.length !== (head.role === 'leader' ? head.progress.length : 0)) return left('there are entries for nobody')
  const log: Log = { ...openLog({ ...head.log, tail }), time: head.log.time }
  const state: RaftState = head.role === 'leader'
    ? { ...head, log, progress: head.progress.map((progress, i) => ({ ...progress, fromDisk: fromDisk[i] ?? [] })) }
    : { ...head, log }
  const broken = brokenIn(state)
  return broken.length > 0 ? left(broken.join('; ')) : right(state)
}
