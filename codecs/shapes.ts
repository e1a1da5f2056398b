import * as t from 'io-ts'
import type * as core from '../lib/messages.js'
import type * as requests from '../lib/requests.js'
import type * as log from '../lib/types.js'
import { bodyHolds } from './entries.js'
import { mayLack } from './judging.js'
import { Membership } from './membership.js'
import { Address, Checksum, Count, EntryIndex, EntryTerm, Index, MemberId, Millis, Round, Term, checked, guard } from './primitives.js'
import { Chunk, Snapshot, SnapshotId } from './snapshots.js'
import { LeaderWish, WishFate } from './wishes.js'

/** The messages of one kind. */
type Of<Kind extends requests.LinkMessage['type']> = Extract<requests.LinkMessage, { type: Kind }>

const Bytes: t.Type<Uint8Array, unknown> = guard<Uint8Array>('Bytes', value => (value instanceof Uint8Array ? undefined : 'must be bytes'))

/** A body's outside; its inside is checked once, by `readBody`, where its bytes come in. */
export const EntryBody: t.Type<log.EntryBody, unknown> = checked(
  t.strict({ count: EntryIndex, bytes: Bytes, checksum: Checksum }, 'EntryBody'),
  ({ count, bytes }) => (bodyHolds(bytes.length, count) ? undefined : `must have room for its ${count} entries`),
)

const placed = { firstIndex: EntryIndex, term: EntryTerm, count: EntryIndex, time: Millis }
const CommandBatch: t.Type<log.CommandBatch, unknown> = checked(
  t.strict({ kind: t.literal('command'), ...placed, body: EntryBody, skip: Count }, 'CommandBatch'),
  ({ skip, count, body }) => (skip + count <= body.count ? undefined : 'must not reach beyond its body'),
)
const NoopBatch: t.Type<log.NoopBatch, unknown> = t.strict({ kind: t.literal('noop'), ...placed }, 'NoopBatch')
const MembershipBatch: t.Type<log.MembershipBatch, unknown> =
  t.strict({ kind: t.literal('membership'), ...placed, membership: Membership }, 'MembershipBatch')

const isBatch = (value: unknown): value is log.EntryBatch =>
  CommandBatch.is(value) || ((NoopBatch.is(value) || MembershipBatch.is(value)) && value.count === 1)

/** What forbids that `next` follows `previous` in a log, if anything does. */
const gapBetween = (previous: log.EntryBatch, next: log.EntryBatch): string | undefined => {
  const expected = previous.firstIndex + previous.count
  if (next.firstIndex !== expected) return `begins at ${next.firstIndex} where ${expected} follows`
  // Times decide nothing: a member that refused entries for theirs could never catch up.
  return next.term < previous.term ? 'falls back to an earlier term' : undefined
}

const batchesFault = (value: unknown): string | undefined => {
  if (!Array.isArray(value)) return 'must be a list of batches'
  let previous: log.EntryBatch | undefined
  for (let i = 0; i < value.length; i++) {
    const next: unknown = value[i]
    if (!isBatch(next)) return `batch ${i} is malformed`
    const gap = previous && gapBetween(previous, next)
    if (gap !== undefined) return `batch ${i} ${gap}`
    previous = next
  }
  return undefined
}

/** A run of the log, checked in one pass with one fault at most: indices contiguous, terms never falling. */
export const EntryBatches: t.Type<readonly log.EntryBatch[], unknown> = guard<readonly log.EntryBatch[]>('EntryBatches', batchesFault)

/** Index 0 and term 0 both mean "nothing there": one never comes without the other. */
const isHalfPlace = (index: number, term: number): boolean => (index === 0) !== (term === 0)

const envelope = { from: MemberId, to: MemberId, term: Term }

const reply = { ...envelope, round: Round, isNewcomer: t.boolean }

const followsPrevious = (request: core.AppendEntries): string | undefined => {
  const { term, prevLogIndex, prevLogTerm, batches } = request
  if (isHalfPlace(prevLogIndex, prevLogTerm)) return 'must name an entry or none as its previous one'
  const first = batches[0]
  const lastTerm = batches.at(-1)?.term ?? prevLogTerm
  if (lastTerm > term) return 'must not carry entries of a later term than its own'
  if (first === undefined) return term > 0 ? undefined : 'must have a term'
  if (first.firstIndex !== prevLogIndex + 1) return `must begin at ${prevLogIndex + 1}, after its previous entry`
  return first.term < prevLogTerm ? 'must not fall back to an earlier term than its previous entry' : undefined
}

/** Its batches follow its previous entry, and nothing in it is of a later term than its own. */
export const AppendEntries: t.Type<core.AppendEntries, unknown> = checked(t.strict({
  type: t.literal('appendEntries'), ...envelope,
  prevLogIndex: Index, prevLogTerm: Term, batches: EntryBatches, leaderCommit: Index, asks: t.boolean, round: Round,
}, 'AppendEntries'), followsPrevious)

/** A batch without its bytes. */
export const BatchHead: t.Type<log.BatchHead, unknown> = checked(
  t.strict({ kind: t.literal('command'), ...placed, skip: Count, body: t.strict({ count: EntryIndex, bytes: Count, checksum: Checksum }) }, 'BatchHead'),
  ({ skip, count, body }) => (skip + count > body.count ? 'must not reach beyond its body' : bodyHolds(body.bytes, body.count) ? undefined : `must have room for its ${body.count} entries`),
)

/** Its batch follows an entry or none, and nothing in it is of a later term than its own. Whether the part lies within the body is the core's to judge. */
export const AppendPart: t.Type<core.AppendPart, unknown> = checked(t.strict({
  type: t.literal('appendPart'), ...envelope, prevLogTerm: Term, head: BatchHead, offset: Count, part: Bytes, round: Round,
}, 'AppendPart'), ({ term, prevLogTerm, head, part }) => {
  if (part.length === 0) return 'must bring something'
  if (isHalfPlace(head.firstIndex - 1, prevLogTerm)) return 'must name an entry or none as its previous one'
  return prevLogTerm <= head.term && head.term <= term ? undefined : 'must not fall back to an earlier term, nor be of a later one than its own'
})

/** What is durable has been verified. */
export const AppendAccepted: t.Type<core.AppendAccepted, unknown> = checked(t.strict({
  type: t.literal('appendAccepted'), ...reply, verified: Index, durable: Index, lacks: Index, held: Count, promisedMs: Count,
}, 'AppendAccepted'), ({ durable, verified }) => (durable <= verified ? undefined : 'must not have more durable than verified'))

/** The hint lies at or before the refused entry, or nowhere. */
export const AppendRefused: t.Type<core.AppendRefused, unknown> = checked(t.strict({
  type: t.literal('appendRefused'), ...reply, prevLogIndex: Index, hintIndex: Index, hintTerm: Term,
}, 'AppendRefused'), ({ prevLogIndex, hintIndex, hintTerm }) => {
  if (isHalfPlace(hintIndex, hintTerm)) return 'must hint at an entry or at none'
  return hintIndex <= prevLogIndex ? undefined : 'must not hint beyond the refused entry'
})

/** The candidate's last entry is of no later term than the candidate. */
export const RequestVote: t.Type<core.RequestVote, unknown> = checked(t.strict({
  type: t.literal('requestVote'), ...envelope, preVote: t.boolean, transfer: t.boolean, lastLogIndex: Index, lastLogTerm: Term, round: Round,
}, 'RequestVote'), ({ term, preVote, transfer, lastLogIndex, lastLogTerm }) => {
  if (preVote && transfer) return 'must not ask before an election that the leader asked for'
  if (isHalfPlace(lastLogIndex, lastLogTerm)) return 'must name an entry or none as its last one'
  return lastLogTerm <= term ? undefined : 'must not have an entry of a later term than its own'
})

/** A vote, or a word on one, always with the round of the question. */
export const RequestVoteReply: t.Type<core.RequestVoteReply, unknown> = t.strict({
  type: t.literal('requestVoteReply'), ...envelope, preVote: t.boolean, voteGranted: t.boolean, round: Round,
}, 'RequestVoteReply')

/** The leader of a term, which is never 0. */
export const TimeoutNow: t.Type<core.TimeoutNow, unknown> =
  t.strict({ type: t.literal('timeoutNow'), ...envelope, term: EntryTerm, lastIndex: Index, round: Round }, 'TimeoutNow')

/** What it stands for is of no later term than its own. Whether the chunk lies within the contents is the core's to judge. */
export const InstallSnapshot: t.Type<core.InstallSnapshot, unknown> = checked(t.strict({
  type: t.literal('installSnapshot'), ...envelope, snapshot: Snapshot, offset: Count, chunk: Chunk, round: Round,
}, 'InstallSnapshot'), ({ term, snapshot }) => snapshot.term > term ? 'must not carry a snapshot of a later term than its own' : undefined)

/** Names its snapshot, as the leader may have begun to send another. */
export const ChunkAccepted: t.Type<core.ChunkAccepted, unknown> = t.strict({
  type: t.literal('chunkAccepted'), ...reply, snapshot: SnapshotId, received: Count, awaited: t.boolean,
}, 'ChunkAccepted')

/** The commands are checked as bytes; what they say is for the machine's codec. */
export const ProposeRequest: t.Type<requests.ProposeRequest, unknown> =
  t.strict({ type: t.literal('propose'), id: Count, epoch: Count, term: Term, body: EntryBody }, 'ProposeRequest')

/** Where the commands stand, so index and term are those of an entry. */
export const ProposeCommitted: t.Type<requests.ProposeCommitted, unknown> = t.strict({
  type: t.literal('committed'), id: Count, firstIndex: EntryIndex, term: EntryTerm, results: EntryBody,
}, 'ProposeCommitted')

/** The leader, where one is known, always with an address, and the place of a command, where it is one that is invalid. */
export const ProposeRefused: t.Type<requests.ProposeRefused, unknown> = mayLack(t.strict({
  type: t.literal('refused'),
  id: Count,
  reason: t.keyof({ notLeader: null, notReady: null, busy: null, inboxFull: null, stopped: null, invalid: null, afterInvalid: null }, 'Reason'),
  place: t.union([EntryIndex, t.undefined]),
  leader: t.union([t.strict({ id: MemberId, address: Address, term: EntryTerm }, 'Leader'), t.undefined]),
}, 'ProposeRefused'), 'place', 'leader')

/** Names its request and nothing else, because nothing else is known. */
export const ProposeLost: t.Type<requests.ProposeLost, unknown> = t.strict({ type: t.literal('lost'), id: Count }, 'ProposeLost')

export const ReadIndexRequest: t.Type<requests.ReadIndexRequest, unknown> = t.strict({ type: t.literal('readIndex'), id: Count }, 'ReadIndexRequest')

/** Whoever leads has an entry of its own committed, so there is one to name. */
export const Readable: t.Type<Of<'readable'>, unknown> = t.strict({ type: t.literal('readable'), id: Count, index: EntryIndex }, 'Readable')

export const ReadRefused: t.Type<Of<'readRefused'>, unknown> = t.strict({
  type: t.literal('readRefused'), id: Count, reason: t.keyof({ notLeader: null, notReady: null, busy: null, inboxFull: null }, 'Reason'),
}, 'ReadRefused')

export const WishRequest: t.Type<requests.WishRequest, unknown> = t.strict({ type: t.literal('wish'), id: Count, term: EntryTerm, wish: LeaderWish }, 'WishRequest')
export const WishReply: t.Type<requests.WishReply, unknown> = t.strict({ type: t.literal('wishReply'), id: Count, fate: WishFate }, 'WishReply')

/** Whoever lets clients in may have yet to be added, and tells nothing until then; the first membership of a cluster stands before its log. */
export const MembersNews: t.Type<requests.MembersNews, unknown> = checked(
  t.strict({ type: t.literal('members'), index: Index, membership: Membership }, 'MembersNews'),
  ({ membership }) => membership.voters.length > 0 ? undefined : 'must name a voter',
)

/** The codec of each kind of message. */
export const MESSAGES: { readonly [Kind in requests.LinkMessage['type']]: t.Type<Of<Kind>, unknown> } = {
  appendEntries: AppendEntries,
  appendPart: AppendPart,
  appendAccepted: AppendAccepted,
  appendRefused: AppendRefused,
  requestVote: RequestVote,
  requestVoteReply: RequestVoteReply,
  timeoutNow: TimeoutNow,
  installSnapshot: InstallSnapshot,
  chunkAccepted: ChunkAccepted,
  propose: ProposeRequest,
  committed: ProposeCommitted,
  refused: ProposeRefused,
  lost: ProposeLost,
  readIndex: ReadIndexRequest,
  readable: Readable,
  readRefused: ReadRefused,
  wish: WishRequest,
  wishReply: WishReply,
  members: MembersNews,
}
