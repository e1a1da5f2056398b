/** How each kind of message stands in a frame, all of a kind in one place; `messages.ts` has what they share. */
import type { RefusalReason } from '../lib/events.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { LinkMessage, ProposeRefused } from '../lib/requests.js'
import type { EntryBatch } from '../lib/types.js'
import { decodeBatch, decodeHead, encodeBatch, encodeHead } from './batches.js'
import { checksumOf } from './bytes.js'
import { readBody } from './entries.js'
import { decodeMembership, encodeMembership } from './membership.js'
import { MAX_PLACE_BYTES, decodePlace, encodePlace } from './snapshots.js'
import { decodeFate, decodeWish, encodeFate, encodeWish } from './wishes.js'

export type Kind = LinkMessage['type']
type Of<K extends Kind> = Extract<LinkMessage, { type: K }>

/** What every kind has before its block and its tail. */
export interface Head {
  readonly flags: number
  readonly a: string
  readonly b: string
  readonly numbers: readonly number[]
}

/** The fields of a message under their names, but not yet of proven values: those are the codec's to judge. */
type Unproven<M> = { readonly [Field in keyof M]: Field extends 'type' ? M[Field] : unknown }

/** What the head vouches for, and has no room for itself. */
interface Block<M> {
  write(message: M): Uint8Array
  read(bytes: Uint8Array, numbers: readonly number[]): Either<string, object>
}

/** What has a checksum of its own, and is not copied. */
interface Tail<M> {
  /** Returns the bytes added. */
  write(message: M, out: Uint8Array[]): number
  read(bytes: Uint8Array, numbers: readonly number[]): Either<string, unknown>
}

export interface Layout<M = LinkMessage> {
  /** How many numbers the head has. */
  readonly numbers: number
  /** All flags that are known. */
  readonly flags: number
  readonly isNamed: boolean
  readonly block: Block<M> | undefined
  readonly tail: Tail<M>
  head(message: M): Head
  fields(head: Head, block: object | undefined, tail: unknown): Unproven<M>
}

type Described<M> = Pick<Layout<M>, 'numbers' | 'head' | 'fields'> & Partial<Layout<M>>

const NO_TAIL: Tail<LinkMessage> = {
  write: () => 0,
  read: bytes => bytes.length === 0 ? right(undefined) : left('is longer than its fields'),
}

const layout = <K extends Kind>({ numbers, flags = 0, isNamed = false, block, tail = NO_TAIL, head, fields }: Described<Of<K>>): Layout<Of<K>> =>
  ({ numbers, flags, isNamed, block, tail, head, fields })

/** The head of what has no names. */
const only = (numbers: readonly number[], flags = 0): Head => ({ flags, a: '', b: '', numbers })

const add = (bytes: Uint8Array, out: Uint8Array[]): number => {
  out.push(bytes)
  return bytes.length
}

const summed = (bytes: Uint8Array, checksum: number | undefined, what: string): Either<string, Uint8Array> =>
  checksumOf(bytes) === checksum ? right(bytes) : left(`the ${what} does not match its checksum`)

const readBatches = (bytes: Uint8Array): Either<string, readonly EntryBatch[]> => {
  const batches: EntryBatch[] = []
  for (let offset = 0; offset < bytes.length;) {
    const decoded = decodeBatch(bytes, offset)
    if (isLeft(decoded)) return decoded
    batches.push(decoded.right.batch)
    offset = decoded.right.end
  }
  return right(batches)
}

const REASONS = ['notLeader', 'notReady', 'busy', 'inboxFull', 'stopped', 'invalid', 'afterInvalid'] as const satisfies readonly ProposeRefused['reason'][]
const READ_REASONS = ['notLeader', 'notReady', 'busy', 'inboxFull'] as const satisfies readonly RefusalReason[]

const ASKS = 1
const NEWCOMER = 1
const AWAITED = 2
const PRE_VOTE = 1
const TRANSFER = 2
const GRANTED = 2

const has = (flags: number, flag: number): boolean => (flags & flag) > 0
const flag = (condition: boolean, flag: number): number => condition ? flag : 0

// What members say

const appendEntries = layout<'appendEntries'>({
  isNamed: true, numbers: 5, flags: ASKS,
  head: m => ({ flags: flag(m.asks, ASKS), a: m.from, b: m.to, numbers: [m.term, m.round, m.prevLogIndex, m.prevLogTerm, m.leaderCommit] }),
  tail: { write: ({ batches }, out) => batches.reduce((bytes, batch) => bytes + encodeBatch(batch, out), 0), read: readBatches },
  fields: ({ flags, a, b, numbers: n }, _, batches) => ({
    type: 'appendEntries', from: a, to: b, term: n[0], round: n[1], prevLogIndex: n[2], prevLogTerm: n[3], leaderCommit: n[4], asks: has(flags, ASKS), batches,
  }),
})

const appendPart = layout<'appendPart'>({
  isNamed: true, numbers: 7,
  head: ({ from, to, term, round, prevLogTerm, head, offset, part }) =>
    ({ flags: 0, a: from, b: to, numbers: [term, round, prevLogTerm, head.skip, head.body.count, offset, checksumOf(part)] }),
  block: { write: ({ head }) => encodeHead(head), read: (bytes, n) => decodeHead(bytes, n[3]!, n[4]!) },
  tail: { write: ({ part }, out) => add(part, out), read: (bytes, n) => summed(bytes, n[6], 'part') },
  fields: ({ a, b, numbers: n }, head, part) => ({ type: 'appendPart', from: a, to: b, term: n[0], round: n[1], prevLogTerm: n[2], head, offset: n[5], part }),
})

const appendAccepted = layout<'appendAccepted'>({
  isNamed: true, numbers: 7, flags: NEWCOMER,
  head: m => ({ flags: flag(m.isNewcomer, NEWCOMER), a: m.from, b: m.to, numbers: [m.term, m.round, m.verified, m.durable, m.lacks, m.held, m.promisedMs] }),
  fields: ({ flags, a, b, numbers: n }) => ({
    type: 'appendAccepted', from: a, to: b, term: n[0], round: n[1], verified: n[2], durable: n[3], lacks: n[4], held: n[5], promisedMs: n[6], isNewcomer: has(flags, NEWCOMER),
  }),
})

const appendRefused = layout<'appendRefused'>({
  isNamed: true, numbers: 5, flags: NEWCOMER,
  head: m => ({ flags: flag(m.isNewcomer, NEWCOMER), a: m.from, b: m.to, numbers: [m.term, m.round, m.prevLogIndex, m.hintIndex, m.hintTerm] }),
  fields: ({ flags, a, b, numbers: n }) =>
    ({ type: 'appendRefused', from: a, to: b, term: n[0], round: n[1], prevLogIndex: n[2], hintIndex: n[3], hintTerm: n[4], isNewcomer: has(flags, NEWCOMER) }),
})

const requestVote = layout<'requestVote'>({
  isNamed: true, numbers: 4, flags: PRE_VOTE | TRANSFER,
  head: m => ({ flags: flag(m.preVote, PRE_VOTE) | flag(m.transfer, TRANSFER), a: m.from, b: m.to, numbers: [m.term, m.round, m.lastLogIndex, m.lastLogTerm] }),
  fields: ({ flags, a, b, numbers: n }) => ({
    type: 'requestVote', from: a, to: b, term: n[0], round: n[1], preVote: has(flags, PRE_VOTE), transfer: has(flags, TRANSFER), lastLogIndex: n[2], lastLogTerm: n[3],
  }),
})

const requestVoteReply = layout<'requestVoteReply'>({
  isNamed: true, numbers: 2, flags: PRE_VOTE | GRANTED,
  head: m => ({ flags: flag(m.preVote, PRE_VOTE) | flag(m.voteGranted, GRANTED), a: m.from, b: m.to, numbers: [m.term, m.round] }),
  fields: ({ flags, a, b, numbers: n }) =>
    ({ type: 'requestVoteReply', from: a, to: b, term: n[0], round: n[1], preVote: has(flags, PRE_VOTE), voteGranted: has(flags, GRANTED) }),
})

const timeoutNow = layout<'timeoutNow'>({
  isNamed: true, numbers: 3,
  head: m => ({ flags: 0, a: m.from, b: m.to, numbers: [m.term, m.round, m.lastIndex] }),
  fields: ({ a, b, numbers: n }) => ({ type: 'timeoutNow', from: a, to: b, term: n[0], round: n[1], lastIndex: n[2] }),
})

const installSnapshot = layout<'installSnapshot'>({
  isNamed: true, numbers: 6,
  head: ({ from, to, term, round, snapshot: { bytes, checksum }, offset, chunk }) => ({ flags: 0, a: from, b: to, numbers: [term, round, bytes, checksum, offset, checksumOf(chunk)] }),
  block: { write: ({ snapshot }) => encodePlace(snapshot), read: decodePlace },
  tail: { write: ({ chunk }, out) => chunk.length > 0 ? add(chunk, out) : 0, read: (bytes, n) => summed(bytes, n[5], 'chunk') },
  fields: ({ a, b, numbers: n }, place, chunk) =>
    ({ type: 'installSnapshot', from: a, to: b, term: n[0], round: n[1], snapshot: { ...place, bytes: n[2], checksum: n[3] }, offset: n[4], chunk }),
})

const chunkAccepted = layout<'chunkAccepted'>({
  isNamed: true, numbers: 7, flags: AWAITED | NEWCOMER,
  head: ({ from, to, term, round, snapshot, received, awaited, isNewcomer }) => ({
    flags: flag(awaited, AWAITED) | flag(isNewcomer, NEWCOMER), a: from, b: to,
    numbers: [term, round, snapshot.index, snapshot.term, snapshot.bytes, snapshot.checksum, received],
  }),
  fields: ({ flags, a, b, numbers: n }) => ({
    type: 'chunkAccepted', from: a, to: b, term: n[0], round: n[1], snapshot: { index: n[2], term: n[3], bytes: n[4], checksum: n[5] }, received: n[6],
    awaited: has(flags, AWAITED), isNewcomer: has(flags, NEWCOMER),
  }),
})

// What is proposed, read and wished

const propose = layout<'propose'>({
  numbers: 4,
  head: m => only([m.id, m.epoch, m.term, m.body.checksum]),
  tail: { write: ({ body }, out) => add(body.bytes, out), read: (bytes, n) => readBody(bytes, n[3]!) },
  fields: ({ numbers: n }, _, body) => ({ type: 'propose', id: n[0], epoch: n[1], term: n[2], body }),
})

const committed = layout<'committed'>({
  numbers: 4,
  head: m => only([m.id, m.firstIndex, m.term, m.results.checksum]),
  tail: { write: ({ results }, out) => add(results.bytes, out), read: (bytes, n) => readBody(bytes, n[3]!) },
  fields: ({ numbers: n }, _, results) => ({ type: 'committed', id: n[0], firstIndex: n[1], term: n[2], results }),
})

/** Its names are those of the leader, where that is known. */
const refused = layout<'refused'>({
  isNamed: true, numbers: 3, flags: REASONS.length - 1,
  head: ({ id, reason, place, leader }) => ({ flags: REASONS.indexOf(reason), a: leader?.id ?? '', b: leader?.address ?? '', numbers: [id, leader?.term ?? 0, place ?? 0] }),
  fields: ({ flags, a, b, numbers: n }) =>
    ({ type: 'refused', id: n[0], reason: REASONS[flags], place: n[2] === 0 ? undefined : n[2], leader: a === '' && b === '' && n[1] === 0 ? undefined : { id: a, address: b, term: n[1] } }),
})

const lost = layout<'lost'>({ numbers: 1, head: m => only([m.id]), fields: ({ numbers: n }) => ({ type: 'lost', id: n[0] }) })

const readIndex = layout<'readIndex'>({ numbers: 1, head: m => only([m.id]), fields: ({ numbers: n }) => ({ type: 'readIndex', id: n[0] }) })

const readable = layout<'readable'>({ numbers: 2, head: m => only([m.id, m.index]), fields: ({ numbers: n }) => ({ type: 'readable', id: n[0], index: n[1] }) })

const readRefused = layout<'readRefused'>({
  numbers: 1, flags: READ_REASONS.length - 1,
  head: m => only([m.id], READ_REASONS.indexOf(m.reason)),
  fields: ({ flags, numbers: n }) => ({ type: 'readRefused', id: n[0], reason: READ_REASONS[flags] }),
})

const wish = layout<'wish'>({
  numbers: 2,
  head: m => only([m.id, m.term]),
  block: { write: m => encodeWish(m.wish), read: decodeWish },
  fields: ({ numbers: n }, wish) => ({ type: 'wish', id: n[0], term: n[1], wish }),
})

const wishReply = layout<'wishReply'>({
  numbers: 1,
  head: m => only([m.id]),
  block: { write: m => encodeFate(m.fate), read: decodeFate },
  fields: ({ numbers: n }, fate) => ({ type: 'wishReply', id: n[0], fate }),
})

const members = layout<'members'>({
  numbers: 1,
  head: m => only([m.index]),
  block: { write: m => encodeMembership(m.membership), read: bytes => bytes.length > MAX_PLACE_BYTES ? left('a membership is longer than any') : decodeMembership(bytes) },
  fields: ({ numbers: n }, membership) => ({ type: 'members', index: n[0], membership }),
})

/** The byte that stands for each kind is its place here, the first of which nobody has. */
export const KINDS = [
  undefined, 'appendEntries', 'appendAccepted', 'appendRefused', 'requestVote', 'requestVoteReply', 'propose', 'committed', 'refused', 'lost',
  'installSnapshot', 'chunkAccepted', 'appendPart', 'timeoutNow', 'readIndex', 'readable', 'readRefused', 'wish', 'wishReply', 'members',
] as const satisfies readonly (Kind | undefined)[]

export const LAYOUTS: { readonly [K in Kind]: Layout<Of<K>> } = {
  appendEntries, appendPart, appendAccepted, appendRefused, requestVote, requestVoteReply, timeoutNow, installSnapshot, chunkAccepted,
  propose, committed, refused, lost, readIndex, readable, readRefused, wish, wishReply, members,
}
