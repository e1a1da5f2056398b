/**
 * A batch as it stands on disk and in frames: a header of 48 bytes, then its body.
 *
 *     firstIndex u64 | term u64 | time f64 | kind u8, 3 × 0 | count u32 | body bytes u32 | body checksum u32 | 0 u32 | header checksum u32
 *
 * A noop has no body; a membership's body is its JSON.
 */
import { MAX_POSITION, isTime } from '../lib/bounds.js'
import { type Either, isLeft, left, right, unreachable } from '../lib/prelude.js'
import type { BatchHead, EntryBatch, EntryBody, Membership } from '../lib/types.js'
import { checksumBetween, checksumOf, readFloat64, readPosition, readUint32, writeFloat64, writePosition, writeUint32 } from './bytes.js'
import { bodyOf, readBody } from './entries.js'
import { decodeMembership, encodeMembership } from './membership.js'

/** What precedes a batch's body. */
export const BATCH_HEADER_BYTES = 48
const CHECKED = 44
const KINDS = ['command', 'noop', 'membership'] as const
const NO_BODY: EntryBody = { count: 1, bytes: new Uint8Array(0), checksum: 0 }

const payloadOf = (batch: EntryBatch): EntryBody => {
  switch (batch.kind) {
    case 'command': return bodyOf(batch)
    case 'noop': return NO_BODY
    case 'membership': {
      const bytes = encodeMembership(batch.membership)
      return { count: 1, bytes, checksum: checksumOf(bytes) }
    }
    default: return unreachable(batch)
  }
}

/** What every batch that is written or read keeps to. */
const isPlaced = ({ firstIndex, term, time, count }: Placed): boolean =>
  firstIndex >= 1 && count >= 1 && firstIndex + count - 1 <= MAX_POSITION && term >= 1 && isTime(time)

/** Whether four bytes hold it. */
const isUint32 = (value: number): boolean => value >>> 0 === value

const headerOf = ({ kind, ...placed }: Placed & Pick<EntryBatch, 'kind'>, bodyBytes: number, checksum: number): Uint8Array => {
  const { firstIndex, term, time, count } = placed
  if (!isPlaced(placed) || !isUint32(count) || !isUint32(bodyBytes) || !isUint32(checksum)) {
    throw new RangeError(`a batch of ${count} at ${firstIndex} in term ${term}, at time ${time} and with ${bodyBytes} bytes of checksum ${checksum}, could not be read again`)
  }
  const header = new Uint8Array(BATCH_HEADER_BYTES)
  writePosition(header, 0, firstIndex)
  writePosition(header, 8, term)
  writeFloat64(header, 16, time)
  header[24] = KINDS.indexOf(kind)
  writeUint32(header, 28, count)
  writeUint32(header, 32, bodyBytes)
  writeUint32(header, 36, checksum)
  writeUint32(header, CHECKED, checksumBetween(header, 0, CHECKED))
  return header
}

/** The header that precedes the batch's body, where the bytes of that come later. */
export const encodeHead = (head: BatchHead): Uint8Array => headerOf(head, head.body.bytes, head.body.checksum)

/** Appends the batch to `out` as buffers, header first; a whole body is not copied. Returns the bytes added. */
export const encodeBatch = (batch: EntryBatch, out: Uint8Array[]): number => {
  const payload = payloadOf(batch)
  out.push(headerOf(batch, payload.bytes.length, payload.checksum))
  if (payload.bytes.length > 0) out.push(payload.bytes)
  return BATCH_HEADER_BYTES + payload.bytes.length
}

type Placed = Pick<EntryBatch, 'firstIndex' | 'term' | 'time' | 'count'>

interface Header extends Placed {
  readonly kind: EntryBatch['kind']
  readonly bodyBytes: number
  readonly checksum: number
}

const readHeader = (bytes: Uint8Array, offset: number): Either<string, Header> => {
  if (bytes.length - offset < BATCH_HEADER_BYTES) return left('a batch is shorter than its header')
  if (readUint32(bytes, offset + CHECKED) !== checksumBetween(bytes, offset, offset + CHECKED)) {
    return left('a batch header does not match its checksum')
  }
  const firstIndex = readPosition(bytes, offset)
  const term = readPosition(bytes, offset + 8)
  const time = readFloat64(bytes, offset + 16)
  const kind = KINDS[bytes[offset + 24]!]
  const count = readUint32(bytes, offset + 28)
  if (!isPlaced({ firstIndex, term, time, count })) {
    return left('a batch header has a position out of range')
  }
  if ((readUint32(bytes, offset + 24) >>> 8) + readUint32(bytes, offset + 40) > 0) return left('a batch header has fields of a newer version')
  if (kind === undefined) return left('a batch is of an unknown kind')
  return right({ firstIndex, term, count, time, kind, bodyBytes: readUint32(bytes, offset + 32), checksum: readUint32(bytes, offset + 36) })
}

/** The header of a batch of commands, as `encodeHead` wrote it: of the whole batch, however much of its body it takes. */
export const decodeHead = (bytes: Uint8Array, skip: number, bodyCount: number): Either<string, BatchHead> => {
  const header = readHeader(bytes, 0)
  if (isLeft(header)) return header
  const { firstIndex, term, count, time, kind, bodyBytes, checksum } = header.right
  return kind === 'command'
    ? right({ kind, firstIndex, term, count, time, skip, body: { count: bodyCount, bytes: bodyBytes, checksum } })
    : left(`a ${kind} does not come in parts`)
}

/** Reads one batch at `offset` of `bytes`. Its body is a view: whoever keeps it must own `bytes`. */
export const decodeBatch = (bytes: Uint8Array, offset: number): Either<string, { readonly batch: EntryBatch; readonly end: number }> => {
  const header = readHeader(bytes, offset)
  if (isLeft(header)) return header
  const { kind, firstIndex, term, count, time, bodyBytes, checksum } = header.right
  const start = offset + BATCH_HEADER_BYTES
  const end = start + bodyBytes
  if (end > bytes.length) return left('a batch is longer than what holds it')
  switch (kind) {
    case 'command': {
      const body = readBody(bytes.subarray(start, end), checksum)
      if (isLeft(body)) return body
      if (body.right.count !== count) return left('a batch header and its body disagree on the count')
      return right({ batch: { kind, firstIndex, term, count, time, body: body.right, skip: 0 }, end })
    }
    case 'noop': return count === 1 && end === start ? right({ batch: { kind, firstIndex, term, count, time }, end }) : left('a noop has a body')
    case 'membership': return readMembership(bytes.subarray(start, end), checksum, { firstIndex, term, count, time }, end)
    default: return unreachable(kind)
  }
}

const readMembership = (bytes: Uint8Array, checksum: number, placed: Placed, end: number): ReturnType<typeof decodeBatch> => {
  if (checksumOf(bytes) !== checksum) return left('a membership does not match its checksum')
  if (placed.count !== 1) return left('a membership is not alone in its batch')
  const membership: Either<string, Membership> = decodeMembership(bytes)
  return isLeft(membership) ? membership : right({ batch: { kind: 'membership', ...placed, membership: membership.right }, end })
}
