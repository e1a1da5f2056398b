/**
 * A batch as it stands on disk and in frames: a header of 48 bytes, then its body.
 *
 *     firstIndex u64 | term u64 | time f64 | kind u8, 3 × 0 | count u32 | body bytes u32 | body checksum u32 | 0 u32 | header checksum u32
 *
 * A noop has no body; a membership's body is its JSON.
 */
import { type Either, isLeft, left, right, unreachable } from '../lib/prelude.js'
import type { EntryBatch, EntryBody, Membership } from '../lib/types.js'
import { MAX_POSITION, checksumOf, readFloat64, readPosition, readUint32, writeFloat64, writePosition, writeUint32 } from './bytes.js'
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

/** Appends the batch to `out` as buffers, header first; a whole body is not copied. Returns the bytes added. */
export const encodeBatch = (batch: EntryBatch, out: Uint8Array[]): number => {
  const payload = payloadOf(batch)
  const header = new Uint8Array(BATCH_HEADER_BYTES)
  writePosition(header, 0, batch.firstIndex)
  writePosition(header, 8, batch.term)
  writeFloat64(header, 16, batch.time)
  header[24] = KINDS.indexOf(batch.kind)
  writeUint32(header, 28, batch.count)
  writeUint32(header, 32, payload.bytes.length)
  writeUint32(header, 36, payload.checksum)
  writeUint32(header, CHECKED, checksumOf(header.subarray(0, CHECKED)))
  out.push(header)
  if (payload.bytes.length > 0) out.push(payload.bytes)
  return BATCH_HEADER_BYTES + payload.bytes.length
}

/** Reads one batch at `offset` of `bytes`. Its body is a view: whoever keeps it must own `bytes`. */
export const decodeBatch = (bytes: Uint8Array, offset: number): Either<string, { readonly batch: EntryBatch; readonly end: number }> => {
  if (bytes.length - offset < BATCH_HEADER_BYTES) return left('a batch is shorter than its header')
  if (readUint32(bytes, offset + CHECKED) !== checksumOf(bytes.subarray(offset, offset + CHECKED))) {
    return left('a batch header does not match its checksum')
  }
  const firstIndex = readPosition(bytes, offset)
  const term = readPosition(bytes, offset + 8)
  const time = readFloat64(bytes, offset + 16)
  const kind = KINDS[bytes[offset + 24]!]
  const count = readUint32(bytes, offset + 28)
  const start = offset + BATCH_HEADER_BYTES
  const end = start + readUint32(bytes, offset + 32)
  if (!(firstIndex >= 1 && firstIndex + count - 1 <= MAX_POSITION && term >= 1 && time >= 0 && time <= MAX_POSITION) || count === 0) {
    return left('a batch header has a position out of range')
  }
  if ((readUint32(bytes, offset + 24) >>> 8) + readUint32(bytes, offset + 40) > 0) return left('a batch header has fields of a newer version')
  if (end > bytes.length) return left('a batch is longer than what holds it')
  const checksum = readUint32(bytes, offset + 36)
  switch (kind) {
    case 'command': {
      const body = readBody(bytes.subarray(start, end), checksum)
      if (isLeft(body)) return body
      if (body.right.count !== count) return left('a batch header and its body disagree on the count')
      return right({ batch: { kind, firstIndex, term, count, time, body: body.right, skip: 0 }, end })
    }
    case 'noop': return count === 1 && end === start ? right({ batch: { kind, firstIndex, term, count, time }, end }) : left('a noop has a body')
    case 'membership': return readMembership(bytes.subarray(start, end), checksum, { firstIndex, term, count, time }, end)
    case undefined: return left('a batch is of an unknown kind')
    default: return unreachable(kind)
  }
}

type Placed = Pick<EntryBatch, 'firstIndex' | 'term' | 'time' | 'count'>

const readMembership = (bytes: Uint8Array, checksum: number, placed: Placed, end: number): ReturnType<typeof decodeBatch> => {
  if (checksumOf(bytes) !== checksum) return left('a membership does not match its checksum')
  if (placed.count !== 1) return left('a membership is not alone in its batch')
  const membership: Either<string, Membership> = decodeMembership(bytes)
  return isLeft(membership) ? membership : right({ batch: { kind: 'membership', ...placed, membership: membership.right }, end })
}
