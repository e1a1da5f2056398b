/**
 * A message as it stands in a frame, little-endian:
 *
 *     kind u8 | flags u8 | bytes of name a u8 | bytes of name b u8 | numbers u64 × n | a | b | block | tail
 *
 * The tail is what has a checksum of its own: an AppendEntries' batches, a part of a batch, a chunk of a snapshot, a proposal's commands or
 * its results. How many numbers there are depends on the kind, and so does whether there is a block, its length the last of the numbers: a
 * batch's header, a snapshot's place, an operator's wish or what became of it, a membership.
 * What precedes the tail is the message's head, which the frame vouches for.
 */
import { type Either, isLeft, left, right, unreachable } from '../lib/prelude.js'
import type { RefusalReason } from '../lib/events.js'
import type { LeaderWish, LinkMessage, ProposeRefused, WishFate } from '../lib/requests.js'
import type { BatchHead, EntryBatch, Membership, SnapshotPlace } from '../lib/types.js'
import { decodeBatch, decodeHead, encodeBatch, encodeHead } from './batches.js'
import { checksumOf, readPosition, writePosition } from './bytes.js'
import { readBody } from './entries.js'
import { decodeMembership, encodeMembership } from './membership.js'
import { decodeWith } from './report.js'
import { MESSAGES } from './shapes.js'
import { MAX_PLACE_BYTES, decodePlace, encodePlace } from './snapshots.js'
import { decodeFate, decodeWish, encodeFate, encodeWish } from './wishes.js'

const FIXED = 4
const KINDS = [
  undefined, 'appendEntries', 'appendAccepted', 'appendRefused', 'requestVote', 'requestVoteReply', 'propose', 'committed', 'refused', 'lost',
  'installSnapshot', 'chunkAccepted', 'appendPart', 'timeoutNow', 'readIndex', 'readable', 'readRefused', 'wish', 'wishReply', 'members',
] as const satisfies readonly (LinkMessage['type'] | undefined)[]
const REASONS = ['notLeader', 'notReady', 'busy', 'inboxFull', 'stopped', 'invalid'] as const satisfies readonly ProposeRefused['reason'][]
const READ_REASONS = ['notLeader', 'notReady', 'busy', 'inboxFull'] as const satisfies readonly RefusalReason[]
const PRE_VOTE = 1
const GRANTED = 2
const TRANSFER = 2
const AWAITED = 2
const ASKS = 1
const NEWCOMER = 1

/** How many numbers each kind has, the flags it knows, and whether it has names and a block. */
const LAYOUTS: Record<LinkMessage['type'], { readonly numbers: number; readonly flags: number; readonly named: boolean; readonly hasBlock?: true }> = {
  appendEntries: { numbers: 5, flags: ASKS, named: true },
  appendPart: { numbers: 8, flags: 0, named: true, hasBlock: true },
  appendAccepted: { numbers: 7, flags: NEWCOMER, named: true },
  appendRefused: { numbers: 5, flags: NEWCOMER, named: true },
  requestVote: { numbers: 4, flags: PRE_VOTE | TRANSFER, named: true },
  requestVoteReply: { numbers: 2, flags: PRE_VOTE | GRANTED, named: true },
  timeoutNow: { numbers: 3, flags: 0, named: true },
  installSnapshot: { numbers: 7, flags: 0, named: true, hasBlock: true },
  chunkAccepted: { numbers: 7, flags: AWAITED | NEWCOMER, named: true },
  propose: { numbers: 4, flags: 0, named: false },
  committed: { numbers: 4, flags: 0, named: false },
  refused: { numbers: 2, flags: REASONS.length - 1, named: true },
  lost: { numbers: 1, flags: 0, named: false },
  readIndex: { numbers: 1, flags: 0, named: false },
  readable: { numbers: 2, flags: 0, named: false },
  readRefused: { numbers: 1, flags: READ_REASONS.length - 1, named: false },
  wish: { numbers: 3, flags: 0, named: false, hasBlock: true },
  wishReply: { numbers: 2, flags: 0, named: false, hasBlock: true },
  members: { numbers: 2, flags: 0, named: false, hasBlock: true },
}

/** What the blocks of messages say. */
type Block = BatchHead | SnapshotPlace | LeaderWish | WishFate | Membership

/** A head, its block as bytes or as what they say. */
interface Head<B> {
  readonly flags: number
  readonly a: string
  readonly b: string
  readonly numbers: readonly number[]
  readonly block?: B | undefined
}

const newcomerFlag = ({ isNewcomer }: { readonly isNewcomer: boolean }): number => isNewcomer ? NEWCOMER : 0

const headOf = (m: LinkMessage): Head<Uint8Array> => {
  switch (m.type) {
    case 'appendEntries': return { flags: m.asks ? ASKS : 0, a: m.from, b: m.to, numbers: [m.term, m.round, m.prevLogIndex, m.prevLogTerm, m.leaderCommit] }
    case 'appendPart': {
      const block = encodeHead(m.head)
      const { skip, body } = m.head
      return { flags: 0, a: m.from, b: m.to, numbers: [m.term, m.round, m.prevLogTerm, skip, body.count, m.offset, checksumOf(m.part), block.length], block }
    }
    case 'appendAccepted': return { flags: newcomerFlag(m), a: m.from, b: m.to, numbers: [m.term, m.round, m.verified, m.durable, m.lacks, m.held, m.promisedMs] }
    case 'appendRefused': return { flags: newcomerFlag(m), a: m.from, b: m.to, numbers: [m.term, m.round, m.prevLogIndex, m.hintIndex, m.hintTerm] }
    case 'requestVote': return { flags: (m.preVote ? PRE_VOTE : 0) | (m.transfer ? TRANSFER : 0), a: m.from, b: m.to, numbers: [m.term, m.round, m.lastLogIndex, m.lastLogTerm] }
    case 'requestVoteReply': {
      return { flags: (m.preVote ? PRE_VOTE : 0) | (m.voteGranted ? GRANTED : 0), a: m.from, b: m.to, numbers: [m.term, m.round] }
    }
    case 'timeoutNow': return { flags: 0, a: m.from, b: m.to, numbers: [m.term, m.round, m.lastIndex] }
    case 'installSnapshot': {
      const block = encodePlace(m.snapshot)
      const { bytes, checksum } = m.snapshot
      return { flags: 0, a: m.from, b: m.to, numbers: [m.term, m.round, bytes, checksum, m.offset, checksumOf(m.chunk), block.length], block }
    }
    case 'chunkAccepted': {
      const { index, term, bytes, checksum } = m.snapshot
      return { flags: (m.awaited ? AWAITED : 0) | newcomerFlag(m), a: m.from, b: m.to, numbers: [m.term, m.round, index, term, bytes, checksum, m.received] }
    }
    case 'propose': return { flags: 0, a: '', b: '', numbers: [m.id, m.epoch, m.term, m.body.checksum] }
    case 'committed': return { flags: 0, a: '', b: '', numbers: [m.id, m.firstIndex, m.term, m.results.checksum] }
    case 'refused': return { flags: REASONS.indexOf(m.reason), a: m.leader?.id ?? '', b: m.leader?.address ?? '', numbers: [m.id, m.leader?.term ?? 0] }
    case 'lost': return { flags: 0, a: '', b: '', numbers: [m.id] }
    case 'readIndex': return { flags: 0, a: '', b: '', numbers: [m.id] }
    case 'readable': return { flags: 0, a: '', b: '', numbers: [m.id, m.index] }
    case 'readRefused': return { flags: READ_REASONS.indexOf(m.reason), a: '', b: '', numbers: [m.id] }
    case 'wish': {
      const block = encodeWish(m.wish)
      return { flags: 0, a: '', b: '', numbers: [m.id, m.term, block.length], block }
    }
    case 'wishReply': {
      const block = encodeFate(m.fate)
      return { flags: 0, a: '', b: '', numbers: [m.id, block.length], block }
    }
    case 'members': {
      const block = encodeMembership(m.membership)
      return { flags: 0, a: '', b: '', numbers: [m.index, block.length], block }
    }
    default: return unreachable(m)
  }
}

const encodeTail = (message: LinkMessage, out: Uint8Array[]): number => {
  switch (message.type) {
    case 'appendEntries': return message.batches.reduce((bytes, batch) => bytes + encodeBatch(batch, out), 0)
    case 'appendPart': return add(message.part, out)
    case 'installSnapshot': return message.chunk.length > 0 ? add(message.chunk, out) : 0
    case 'propose': return add(message.body.bytes, out)
    case 'committed': return add(message.results.bytes, out)
    default: return 0
  }
}

/** Whether there is more to it than its head: entries or bytes, which may be kept as they came. */
export const hasTail = (message: LinkMessage): boolean => encodeTail(message, []) > 0

const add = (bytes: Uint8Array, out: Uint8Array[]): number => {
  out.push(bytes)
  return bytes.length
}

// Ids and addresses are ASCII, and short: a loop is done before a native call has begun.
const writeName = (name: string, into: Uint8Array, offset: number): void => {
  for (let i = 0; i < name.length; i++) into[offset + i] = name.charCodeAt(i)
}

/** A byte beyond ASCII becomes a character that the codecs of names refuse. */
const readName = (bytes: Uint8Array, from: number, to: number): string => {
  let name = ''
  for (let at = from; at < to; at++) name += String.fromCharCode(bytes[at]!)
  return name
}

/**
 * Appends the message to `out` as buffers, its head first; bodies and chunks are not copied. Returns the bytes added. The first
 * `reserved` bytes of the head's buffer are left to the caller and not counted.
 */
export const encodeMessage = (message: LinkMessage, out: Uint8Array[], reserved = 0): number => {
  const { flags, a, b, numbers, block } = headOf(message)
  const names = reserved + FIXED + 8 * numbers.length
  const end = names + a.length + b.length
  // Every byte is written. One of its own, of more than 64 bytes, would take seven times as long as a part of what Node keeps for small ones.
  const head = Buffer.allocUnsafe(block === undefined ? end : end + block.length)
  head[reserved] = KINDS.indexOf(message.type)
  head[reserved + 1] = flags
  head[reserved + 2] = a.length
  head[reserved + 3] = b.length
  for (let i = 0; i < numbers.length; i++) writePosition(head, reserved + FIXED + 8 * i, numbers[i]!)
  writeName(a, head, names)
  writeName(b, head, names + a.length)
  if (block !== undefined) head.set(block, end)
  out.push(head)
  return head.length - reserved + encodeTail(message, out)
}

const decodeBatches = (bytes: Uint8Array): Either<string, readonly EntryBatch[]> => {
  const batches: EntryBatch[] = []
  for (let offset = 0; offset < bytes.length;) {
    const decoded = decodeBatch(bytes, offset)
    if (isLeft(decoded)) return decoded
    batches.push(decoded.right.batch)
    offset = decoded.right.end
  }
  return right(batches)
}

const NO_BLOCK: Either<string, undefined> = right(undefined)
const NO_BYTES = new Uint8Array(0)

const decodeBlock = (kind: LinkMessage['type'], numbers: readonly number[], bytes: Uint8Array): Either<string, Block | undefined> => {
  switch (kind) {
    case 'appendPart': return decodeHead(bytes, numbers[3]!, numbers[4]!)
    case 'installSnapshot': return decodePlace(bytes)
    case 'wish': return decodeWish(bytes)
    case 'wishReply': return decodeFate(bytes)
    case 'members': return bytes.length > MAX_PLACE_BYTES ? left('a membership is longer than any') : decodeMembership(bytes)
    default: return NO_BLOCK
  }
}

const decodeTail = (kind: LinkMessage['type'], numbers: readonly number[], bytes: Uint8Array): Either<string, unknown> => {
  switch (kind) {
    case 'appendEntries': return decodeBatches(bytes)
    case 'appendPart': return checksumOf(bytes) === numbers[6] ? right(bytes) : left('the part does not match its checksum')
    case 'installSnapshot': return checksumOf(bytes) === numbers[5] ? right(bytes) : left('the chunk does not match its checksum')
    case 'propose': return readBody(bytes, numbers[3]!)
    case 'committed': return readBody(bytes, numbers[3]!)
    default: return bytes.length === 0 ? right(undefined) : left('is longer than its fields')
  }
}

/** The fields of a message, of the right names but not yet of proven values: those are the codec's to judge. */
const fieldsOf = (kind: LinkMessage['type'], { flags, a, b, numbers: n, block }: Head<Block>, tail: unknown): unknown => {
  switch (kind) {
    case 'appendEntries': {
      return { type: kind, from: a, to: b, term: n[0], round: n[1], prevLogIndex: n[2], prevLogTerm: n[3], leaderCommit: n[4], asks: flags === ASKS, batches: tail }
    }
    case 'appendPart': return { type: kind, from: a, to: b, term: n[0], round: n[1], prevLogTerm: n[2], head: block, offset: n[5], part: tail }
    case 'appendAccepted': {
      return { type: kind, from: a, to: b, term: n[0], round: n[1], verified: n[2], durable: n[3], lacks: n[4], held: n[5], promisedMs: n[6], isNewcomer: flags === NEWCOMER }
    }
    case 'appendRefused': return { type: kind, from: a, to: b, term: n[0], round: n[1], prevLogIndex: n[2], hintIndex: n[3], hintTerm: n[4], isNewcomer: flags === NEWCOMER }
    case 'requestVote': {
      const asked = { preVote: (flags & PRE_VOTE) > 0, transfer: (flags & TRANSFER) > 0 }
      return { type: kind, from: a, to: b, term: n[0], round: n[1], ...asked, lastLogIndex: n[2], lastLogTerm: n[3] }
    }
    case 'requestVoteReply': {
      return { type: kind, from: a, to: b, term: n[0], round: n[1], preVote: (flags & PRE_VOTE) > 0, voteGranted: (flags & GRANTED) > 0 }
    }
    case 'timeoutNow': return { type: kind, from: a, to: b, term: n[0], round: n[1], lastIndex: n[2] }
    case 'installSnapshot': {
      return {
        type: kind, from: a, to: b, term: n[0], round: n[1], snapshot: { ...block, bytes: n[2], checksum: n[3] }, offset: n[4], chunk: tail,
      }
    }
    case 'chunkAccepted': {
      const snapshot = { index: n[2], term: n[3], bytes: n[4], checksum: n[5] }
      return { type: kind, from: a, to: b, term: n[0], round: n[1], snapshot, received: n[6], awaited: (flags & AWAITED) > 0, isNewcomer: (flags & NEWCOMER) > 0 }
    }
    case 'propose': return { type: kind, id: n[0], epoch: n[1], term: n[2], body: tail }
    case 'committed': return { type: kind, id: n[0], firstIndex: n[1], term: n[2], results: tail }
    case 'refused': {
      const leader = a === '' && b === '' && n[1] === 0 ? undefined : { id: a, address: b, term: n[1] }
      return { type: kind, id: n[0], reason: REASONS[flags], leader }
    }
    case 'lost': return { type: kind, id: n[0] }
    case 'readIndex': return { type: kind, id: n[0] }
    case 'readable': return { type: kind, id: n[0], index: n[1] }
    case 'readRefused': return { type: kind, id: n[0], reason: READ_REASONS[flags] }
    case 'wish': return { type: kind, id: n[0], term: n[1], wish: block }
    case 'wishReply': return { type: kind, id: n[0], fate: block }
    case 'members': return { type: kind, index: n[0], membership: block }
    default: return unreachable(kind)
  }
}

/** Reads one message from bytes that nobody vouches for. Its bodies and its chunk are views of `bytes`: nobody may write them again. */
export const decodeMessage = (bytes: Uint8Array): Either<string, LinkMessage> => {
  if (bytes.length < FIXED) return left('a message is shorter than its kind')
  const kind = KINDS[bytes[0]!]
  if (kind === undefined) return left(`a message is of the unknown kind ${bytes[0]}`)
  const layout = LAYOUTS[kind]
  const flags = bytes[1]!
  if (flags > layout.flags) return left(`${kind}: has flags of a newer version`)
  const names = FIXED + 8 * layout.numbers
  const between = names + bytes[2]!
  const end = between + bytes[3]!
  if (end > bytes.length) return left(`${kind}: is shorter than its fields`)
  if (end > names && !layout.named) return left(`${kind}: has names where none belong`)
  const numbers: number[] = []
  for (let at = FIXED; at < names; at += 8) numbers.push(readPosition(bytes, at))
  const headEnd = layout.hasBlock ? end + numbers.at(-1)! : end
  if (!(headEnd <= bytes.length)) return left(`${kind}: is shorter than its fields`)
  const block = layout.hasBlock ? decodeBlock(kind, numbers, bytes.subarray(end, headEnd)) : NO_BLOCK
  if (isLeft(block)) return left(`${kind}: ${block.left}`)
  const tail = decodeTail(kind, numbers, headEnd === bytes.length ? NO_BYTES : bytes.subarray(headEnd))
  if (isLeft(tail)) return left(`${kind}: ${tail.left}`)
  const head = { flags, a: readName(bytes, names, between), b: readName(bytes, between, end), numbers, block: block.right }
  return judged(kind, fieldsOf(kind, head, tail.right))
}

/** The codec's word on a message: `is` costs an eighth of `decode`, which is asked only for the reasons of a refusal. */
const judged = (kind: LinkMessage['type'], fields: unknown): Either<string, LinkMessage> => {
  const codec = MESSAGES[kind]
  if (codec.is(fields)) return right(fields)
  const decoded = decodeWith<LinkMessage>(codec, fields)
  return isLeft(decoded) ? left(`${kind}: ${decoded.left.join('; ')}`) : decoded
}
