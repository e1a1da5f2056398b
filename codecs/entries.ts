/**
 * A packed body, little-endian:
 *
 *     flags u32 | count u32 | end u32 × count | data
 *
 * `end[i]` is where entry i ends in `data`. Flags are 0 in this version; bit 0 is kept for a column of client sessions and
 * sequence numbers between ends and data. The checksum travels beside the body and covers all of it.
 */
import { type Either, left, right } from '../lib/prelude.js'
import type { CommandBatch, EntryBody } from '../lib/types.js'
import { checksumOf, readUint32, writeUint32 } from './bytes.js'

/** What a body takes up beside its entries. */
export const BODY_HEADER_BYTES = 8
/** What an entry takes up in a body beside its own bytes. */
export const ENTRY_OVERHEAD_BYTES = 4
const dataStart = (count: number): number => BODY_HEADER_BYTES + ENTRY_OVERHEAD_BYTES * count

/** Whether `bytes` bytes have room for the ends of `count` entries. */
export const bodyHolds = (bytes: number, count: number): boolean => dataStart(count) <= bytes

const emptyBody = (count: number, dataBytes: number): Uint8Array => {
  const bytes = new Uint8Array(dataStart(count) + dataBytes)
  writeUint32(bytes, 4, count)
  return bytes
}

const readEnd = (bytes: Uint8Array, entry: number): number => readUint32(bytes, BODY_HEADER_BYTES + ENTRY_OVERHEAD_BYTES * entry)

const writeEnd = (bytes: Uint8Array, entry: number, end: number): void => writeUint32(bytes, BODY_HEADER_BYTES + ENTRY_OVERHEAD_BYTES * entry, end)

/** Copies entries into one body. Callers keep their buffers. */
export const packEntries = (entries: readonly Uint8Array[]): EntryBody => {
  const count = entries.length
  let size = 0
  for (const entry of entries) size += entry.length
  const bytes = emptyBody(count, size)
  const start = dataStart(count)
  let end = 0
  for (let i = 0; i < count; i++) {
    const entry = entries[i]!
    bytes.set(entry, start + end)
    end += entry.length
    writeEnd(bytes, i, end)
  }
  return { count, bytes, checksum: checksumOf(bytes) }
}

/** Where entry `position` begins in the body's bytes; where the last one ends, for the number of entries. */
export const placeOf = ({ bytes, count }: EntryBody, position: number): number => dataStart(count) + (position === 0 ? 0 : readEnd(bytes, position - 1))

/** Calls `each` with a view of every entry from `first` up to `last`, exclusive, until it returns false; the views must not be kept or written. */
export const forEachEntry = (
  body: EntryBody, first: number, last: number, each: (entry: Uint8Array, position: number) => unknown,
): void => {
  let from = placeOf(body, first)
  for (let i = first; i < last; i++) {
    const to = placeOf(body, i + 1)
    if (each(body.bytes.subarray(from, to), i) === false) return
    from = to
  }
}

/** The entries that belong to the batch, as a body of their own: the batch's own body where it is whole, a copy where it is sliced. */
export const bodyOf = ({ body, skip, count }: CommandBatch): EntryBody => {
  if (skip === 0 && count === body.count) return body
  const endOf = (entry: number): number => (entry < 0 ? 0 : readEnd(body.bytes, entry))
  const from = endOf(skip - 1)
  const to = endOf(skip + count - 1)
  const bytes = emptyBody(count, to - from)
  for (let i = 0; i < count; i++) writeEnd(bytes, i, endOf(skip + i) - from)
  const data = dataStart(body.count)
  bytes.set(body.bytes.subarray(data + from, data + to), dataStart(count))
  return { count, bytes, checksum: checksumOf(bytes) }
}

/** One pass over untrusted bytes: checksum, layout, bounds. `bytes` is taken over, not copied. */
export const readBody = (bytes: Uint8Array, checksum: number): Either<string, EntryBody> => {
  if (checksumOf(bytes) !== checksum) return left('the body does not match its checksum')
  if (bytes.length < BODY_HEADER_BYTES) return left('the body is shorter than its header')
  if (readUint32(bytes, 0) !== 0) return left('the body has flags of a newer version')
  const count = readUint32(bytes, 4)
  if (count === 0 || !bodyHolds(bytes.length, count)) return left(`the body cannot hold ${count} entries`)
  let previous = 0
  for (let i = 0; i < count; i++) {
    const end = readEnd(bytes, i)
    if (end < previous) return left(`entry ${i} of the body ends before it begins`)
    previous = end
  }
  if (dataStart(count) + previous !== bytes.length) return left('the body is not as long as its entries')
  return right({ count, bytes, checksum })
}
