/**
 * A packed body, little-endian:
 *
 *     flags u32 | count u32 | end u32 × count | data                                                        flags 0
 *     flags u32 | count u32 | end u32 × count | data | session u64 | name u64 | first u64 | awaited u64     flags 1
 *
 * `end[i]` is where entry i ends in `data`. A body of a session names it after its data, where it is in nobody's way; one of session 0 has a single
 * empty entry, and opens the session of the index at which that comes to stand, under its name. The checksum travels beside the body and covers all of it.
 */
import { type Either, left, right } from '../lib/prelude.js'
import type { CommandBatch, EntryBody, Index } from '../lib/types.js'
import { MAX_POSITION, checksumOf, readPosition, readUint32, writePosition, writeUint32 } from './bytes.js'

/** Whose a body's commands are, and how that proposer counts them: each of its commands has a number of its own, and later ones have higher ones. */
export interface Numbering {
  /** The index of the entry that opened the session. */
  readonly session: Index
  /**
   * Drawn at random by whoever opened it; for the entry with which a term began, the term. An index alone would be another proposer's session in a cluster that
   * has lost its log.
   */
  readonly name: number
  /** The number of the body's first command; those that follow have the next. */
  readonly first: number
  /** The lowest number whose result is still waited for; what came of those below need not be kept. */
  readonly awaited: number
}

/** What a body takes up beside its entries, and its numbering if it has one. */
export const BODY_HEADER_BYTES = 8
/** What an entry takes up in a body beside its own bytes. */
export const ENTRY_OVERHEAD_BYTES = 4
/** What a numbering takes up. */
export const NUMBERING_BYTES = 32
const NUMBERED = 1
/** In place of a session: this body opens one. */
const NO_SESSION = 0
const isNumbered = ({ bytes }: Pick<EntryBody, 'bytes'>): boolean => bytes[0] === NUMBERED
const dataStart = (count: number): number => BODY_HEADER_BYTES + ENTRY_OVERHEAD_BYTES * count

/** Whether `bytes` bytes have room for the ends of `count` entries. */
export const bodyHolds = (bytes: number, count: number): boolean => dataStart(count) <= bytes

const emptyBody = (count: number, dataBytes: number, numbering: Numbering | undefined): Uint8Array => {
  const end = dataStart(count) + dataBytes
  const bytes = new Uint8Array(numbering === undefined ? end : end + NUMBERING_BYTES)
  writeUint32(bytes, 4, count)
  if (numbering === undefined) return bytes
  bytes[0] = NUMBERED
  writePosition(bytes, end, numbering.session)
  writePosition(bytes, end + 8, numbering.name)
  writePosition(bytes, end + 16, numbering.first)
  writePosition(bytes, end + 24, numbering.awaited)
  return bytes
}

const readNumbering = (bytes: Uint8Array): Numbering => {
  const at = bytes.length - NUMBERING_BYTES
  return { session: readPosition(bytes, at), name: readPosition(bytes, at + 8), first: readPosition(bytes, at + 16), awaited: readPosition(bytes, at + 24) }
}

const readEnd = (bytes: Uint8Array, entry: number): number => readUint32(bytes, BODY_HEADER_BYTES + ENTRY_OVERHEAD_BYTES * entry)

const writeEnd = (bytes: Uint8Array, entry: number, end: number): void => writeUint32(bytes, BODY_HEADER_BYTES + ENTRY_OVERHEAD_BYTES * entry, end)

/** Copies entries into one body. Callers keep their buffers. */
export const packEntries = (entries: readonly Uint8Array[], numbering?: Numbering): EntryBody => {
  const count = entries.length
  let size = 0
  for (const entry of entries) size += entry.length
  const bytes = emptyBody(count, size, numbering)
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

/** What opens a session under this name. */
export const packOpening = (name: number): EntryBody => packEntries([new Uint8Array(0)], { session: NO_SESSION, name, first: 0, awaited: 0 })

/** The name of the session that the body opens, if it opens one. */
export const openingOf = (body: EntryBody): number | undefined => {
  const numbering = isNumbered(body) ? readNumbering(body.bytes) : undefined
  return numbering?.session === NO_SESSION ? numbering.name : undefined
}

export const isOpening = (body: EntryBody): boolean => openingOf(body) !== undefined

/** Whose the body's commands are, if they are anybody's who may ask for them again. */
export const numberingOf = (body: EntryBody): Numbering | undefined => {
  const numbering = isNumbered(body) ? readNumbering(body.bytes) : undefined
  return numbering?.session === NO_SESSION ? undefined : numbering
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

/** The entries that belong to the batch, as a body of their own, with the numbers they have: the batch's own body where it is whole, a copy where it is sliced. */
export const bodyOf = ({ body, skip, count }: CommandBatch): EntryBody => {
  if (skip === 0 && count === body.count) return body
  const endOf = (entry: number): number => (entry < 0 ? 0 : readEnd(body.bytes, entry))
  const from = endOf(skip - 1)
  const to = endOf(skip + count - 1)
  const numbering = numberingOf(body)
  const bytes = emptyBody(count, to - from, numbering && { ...numbering, first: numbering.first + skip })
  for (let i = 0; i < count; i++) writeEnd(bytes, i, endOf(skip + i) - from)
  const data = dataStart(body.count)
  bytes.set(body.bytes.subarray(data + from, data + to), dataStart(count))
  return { count, bytes, checksum: checksumOf(bytes) }
}

const numberingFault = ({ session, name, first, awaited }: Numbering, count: number, dataBytes: number): string | undefined => {
  if (Number.isNaN(name)) return 'the body has a name out of range'
  if (session === NO_SESSION) return first === 0 && awaited === 0 && count === 1 && dataBytes === 0 ? undefined : 'what opens a session has something to it'
  return session > 0 && awaited >= 1 && awaited <= first && first + count - 1 <= MAX_POSITION ? undefined : 'the body has numbers out of range'
}

/** One pass over untrusted bytes: checksum, layout, bounds. `bytes` is taken over, not copied. */
export const readBody = (bytes: Uint8Array, checksum: number): Either<string, EntryBody> => {
  if (checksumOf(bytes) !== checksum) return left('the body does not match its checksum')
  if (bytes.length < BODY_HEADER_BYTES) return left('the body is shorter than its header')
  const flags = readUint32(bytes, 0)
  if (flags > NUMBERED) return left('the body has flags of a newer version')
  const end = flags === NUMBERED ? bytes.length - NUMBERING_BYTES : bytes.length
  const count = readUint32(bytes, 4)
  if (count === 0 || !bodyHolds(end, count)) return left(`the body cannot hold ${count} entries`)
  let previous = 0
  for (let i = 0; i < count; i++) {
    const end = readEnd(bytes, i)
    if (end < previous) return left(`entry ${i} of the body ends before it begins`)
    previous = end
  }
  if (dataStart(count) + previous !== end) return left('the body is not as long as its entries')
  const fault = flags === NUMBERED ? numberingFault(readNumbering(bytes), count, previous) : undefined
  return fault === undefined ? right({ count, bytes, checksum }) : left(fault)
}
