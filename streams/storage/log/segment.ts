/**
 * A segment of the log: a file of fixed size, filled with a pattern of its own before it is used.
 *
 *     file header, one sector | records, each in whole sectors | fill pattern | …
 *
 * A record begins at a sector, so that a torn one never touches one that is durable:
 *
 *     magic u32 | type u8, 3 × 0 | offset u64 | syncedTo u64 | firstIndex u64 | commitIndex u64 | payload bytes u32 | checksum u32
 *     payload | zeros to the end of the sector
 *
 * `syncedTo` is the offset up to which this segment was durable when the record was written. The checksum continues from the
 * segment's salt, so nothing that was ever sent in as a command can pass for a record. The payload has checksums of its own.
 */
import { checksumBetween, checksumOf, readPosition, readUint32, writePosition, writeUint32 } from '../../../codecs/bytes.js'
import { decodeMembership, encodeMembership } from '../../../codecs/membership.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { Index, LogBase } from '../../../lib/types.js'
import { SALT_BYTES } from '../files/file-header.js'
import { SECTOR_BYTES } from '../disk/disk.js'

export const RECORD_HEADER_BYTES = 48
/** Where a segment's first record stands. */
export const FIRST_RECORD = SECTOR_BYTES

const MAGIC = 0x63655272
const CHECKED = 44
/**
 * `append` replaces everything at or above its first index; `base` is a segment's first record and says where the log stands there, so
 * that the segments before it can go; `mark` is empty and vouches for what precedes it; `seal` does the same and says that the log goes
 * on in the next segment; `install` is a base that begins the log anew, whatever stands in the segments before it.
 */
const TYPES = ['append', 'base', 'mark', 'seal', 'install'] as const

export interface RecordHeader {
  readonly type: (typeof TYPES)[number]
  readonly offset: number
  readonly syncedTo: number
  /** Of an append: its first entry. */
  readonly firstIndex: Index
  /** The newest commitIndex that was to be remembered when the record was written. */
  readonly commitIndex: Index
  readonly payloadBytes: number
}

export const toSectors = (bytes: number): number => Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES

/** What a record with this payload occupies in its segment. */
export const recordBytes = (payloadBytes: number): number => toSectors(RECORD_HEADER_BYTES + payloadBytes)

/** The one record that every segment has room for beside what is appended. */
export const SEAL_BYTES = recordBytes(0)

/** What is derived from a segment's salt: the pattern that fills it and the seed of its checksums. */
export interface SegmentKey {
  readonly seed: number
  /** `FILL_BYTES` of the pattern, as it looks from the start of any sector on. */
  readonly fill: Buffer
}

export const FILL_BYTES = 16 * 1024

export const segmentSeed = (salt: Uint8Array): number => checksumOf(salt)

export const segmentKey = (salt: Uint8Array): SegmentKey => ({ seed: segmentSeed(salt), fill: Buffer.alloc(FILL_BYTES, salt.subarray(0, SALT_BYTES)) })

/** Whether the whole sectors from `from` to `to` of `bytes` show the fill pattern. */
export const isFill = (key: SegmentKey, bytes: Buffer, from: number, to: number): boolean => {
  for (let at = from; at < to; at += FILL_BYTES) {
    const length = Math.min(FILL_BYTES, to - at)
    if (bytes.compare(key.fill, 0, length, at, at + length) !== 0) return false
  }
  return true
}

export const encodeRecordHeader = (record: RecordHeader, seed: number, into: Uint8Array, at: number): void => {
  writeUint32(into, at, MAGIC)
  writeUint32(into, at + 4, TYPES.indexOf(record.type))
  writePosition(into, at + 8, record.offset)
  writePosition(into, at + 16, record.syncedTo)
  writePosition(into, at + 24, record.firstIndex)
  writePosition(into, at + 32, record.commitIndex)
  writeUint32(into, at + 40, record.payloadBytes)
  writeUint32(into, at + CHECKED, checksumBetween(into, at, at + CHECKED, seed))
}

/** The record header at `at`, if there is a valid one that was written for `offset`. */
export const decodeRecordHeader = (bytes: Uint8Array, at: number, seed: number, offset: number): RecordHeader | undefined => {
  if (bytes.length - at < RECORD_HEADER_BYTES) return undefined
  if (readUint32(bytes, at) !== MAGIC || readPosition(bytes, at + 8) !== offset) return undefined
  if (readUint32(bytes, at + CHECKED) !== checksumBetween(bytes, at, at + CHECKED, seed)) return undefined
  const type = TYPES[readUint32(bytes, at + 4)]
  return type && {
    type, offset,
    syncedTo: readPosition(bytes, at + 16), firstIndex: readPosition(bytes, at + 24), commitIndex: readPosition(bytes, at + 32), payloadBytes: readUint32(bytes, at + 40),
  }
}

/** Base payload: index u64 | term u64 | membership as JSON | checksum of all before it u32. */
export const encodeBase = ({ index, term, membership }: LogBase): Uint8Array => {
  const members = encodeMembership(membership)
  const bytes = new Uint8Array(16 + members.length + 4)
  writePosition(bytes, 0, index)
  writePosition(bytes, 8, term)
  bytes.set(members, 16)
  writeUint32(bytes, 16 + members.length, checksumOf(bytes.subarray(0, 16 + members.length)))
  return bytes
}

/** What a base takes up as a record. */
export const baseRecordBytes = (base: LogBase): number => recordBytes(encodeBase(base).length)

export const decodeBase = (bytes: Uint8Array): Either<string, LogBase> => {
  const end = bytes.length - 4
  if (end < 16) return left('a base is shorter than its header')
  if (readUint32(bytes, end) !== checksumOf(bytes.subarray(0, end))) return left('a base does not match its checksum')
  const membership = decodeMembership(bytes.subarray(16, end))
  return isLeft(membership) ? membership : right({ index: readPosition(bytes, 0), term: readPosition(bytes, 8), membership: membership.right })
}

/** Segments are numbered from 1 without a gap, in the order in which they were written. */
export const segmentName = (number: number): string => `segment-${String(number).padStart(10, '0')}`

export const segmentNumberOf = (name: string): number | undefined => {
  const match = /^segment-(\d{10,})$/.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** The numbers of all segments among these names, ascending. */
export const segmentNumbersIn = (names: readonly string[]): readonly number[] =>
  names.map(segmentNumberOf).filter(number => number !== undefined).sort((a, b) => a - b)
