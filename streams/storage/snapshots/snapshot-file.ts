/**
 * A snapshot in a file of its own, `snapshot-<index>-<term>`, which is called `incoming-<index>-<term>-<bytes>-<checksum>` while it is
 * being received, and has a temporary name while it is being taken:
 *
 *     file header, one sector | place | chunk | chunk | … | end
 *
 * All after the file header are records:
 *
 *     type u32 | payload bytes u32 | checksum of type, length and payload u32 | payload
 *
 *     place    index u64 | term u64 | time f64 | membership, JSON
 *     chunk    contents, 1 to 1048576 bytes
 *     end      where this record begins u64 | bytes of all contents u64 | checksum of all contents u32
 *
 * The checksums of place and end continue from the file's salt, so that a start can judge both without the contents, and no contents
 * pass for an end. A chunk's continues from the record before it, so that none is missed, doubled or out of place.
 */
import { MAX_POSITION, checksumOf, readFloat64, readPosition, readUint32, writeFloat64, writePosition, writeUint32 } from '../../../codecs/bytes.js'
import { decodeMembership, encodeMembership } from '../../../codecs/membership.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryId, Snapshot, SnapshotPlace } from '../../../lib/types.js'

/** No chunk of a snapshot's contents is longer, on the disk or where it is read. */
export const MAX_CHUNK_BYTES = 1024 * 1024
export const RECORD_HEADER_BYTES = 12
const CHECKED = 8
const END_PAYLOAD_BYTES = 20
export const END_BYTES = RECORD_HEADER_BYTES + END_PAYLOAD_BYTES
const MEMBERSHIP_AT = 24
const TYPES = ['place', 'chunk', 'end'] as const

export interface RecordHeader {
  readonly type: (typeof TYPES)[number]
  readonly payloadBytes: number
}

/** What the end record says. */
export interface SnapshotEnd {
  readonly offset: number
  readonly bytes: number
  readonly checksum: number
}

/** What tells a snapshot from every other by its name. */
export type SnapshotId = Pick<Snapshot, 'index' | 'term' | 'bytes' | 'checksum'>

/** Padded, so that names are in the order of the log; the largest index has 16 digits. */
export const snapshotName = ({ index, term }: EntryId): string => `snapshot-${String(index).padStart(16, '0')}-${term}`

/** What a file of this name stands for, if it is the name of a snapshot. */
export const snapshotNamed = (name: string): EntryId | undefined => {
  const [, index, term] = /^snapshot-(\d{16})-(\d{1,16})$/.exec(name) ?? []
  const id = { index: Number(index), term: Number(term) }
  return index !== undefined && snapshotName(id) === name ? id : undefined
}

/** One that is being received is called by all that tells it from every other: it is taken up again by whoever receives this very one. */
export const incomingName = ({ index, term, bytes, checksum }: SnapshotId): string =>
  `incoming-${String(index).padStart(16, '0')}-${term}-${bytes}-${checksum.toString(16).padStart(8, '0')}`

/** What a file of this name is a part of, if it is the name of a snapshot that is being received. */
export const incomingNamed = (name: string): SnapshotId | undefined => {
  const [, index, term, bytes, checksum] = /^incoming-(\d{16})-(\d{1,16})-(\d{1,16})-([0-9a-f]{8})$/.exec(name) ?? []
  const id = { index: Number(index), term: Number(term), bytes: Number(bytes), checksum: Number(`0x${checksum}`) }
  return index !== undefined && incomingName(id) === name ? id : undefined
}

const recordChecksum = (header: Uint8Array, payload: Uint8Array, seed: number): number =>
  checksumOf(payload, checksumOf(header.subarray(0, CHECKED), seed))

export const encodeRecordHeader = (type: RecordHeader['type'], payload: Uint8Array, seed: number): Uint8Array => {
  const header = new Uint8Array(RECORD_HEADER_BYTES)
  writeUint32(header, 0, TYPES.indexOf(type))
  writeUint32(header, 4, payload.length)
  writeUint32(header, CHECKED, recordChecksum(header, payload, seed))
  return header
}

/** What a record's header says, before its checksum has been looked at. */
export const decodeRecordHeader = (header: Uint8Array): Either<string, RecordHeader> => {
  const type = TYPES[readUint32(header, 0)]
  const payloadBytes = readUint32(header, 4)
  if (type === undefined || payloadBytes > MAX_CHUNK_BYTES) return left('a record header makes no sense')
  return right({ type, payloadBytes })
}

/** The checksum in a record's header: where the next chunk's continues. */
export const checksumIn = (header: Uint8Array): number => readUint32(header, CHECKED)

export const isIntact = (header: Uint8Array, payload: Uint8Array, seed: number): boolean =>
  checksumIn(header) === recordChecksum(header, payload, seed)

export const encodePlace = ({ index, term, time, membership }: SnapshotPlace): Uint8Array => {
  const json = encodeMembership(membership)
  const payload = new Uint8Array(MEMBERSHIP_AT + json.length)
  writePosition(payload, 0, index)
  writePosition(payload, 8, term)
  writeFloat64(payload, 16, time)
  payload.set(json, MEMBERSHIP_AT)
  return payload
}

/** Whether two are one: equal in place, size and checksum. */
export const isSameSnapshot = (a: Snapshot, b: Snapshot): boolean =>
  a.bytes === b.bytes && a.checksum === b.checksum && Buffer.compare(encodePlace(a), encodePlace(b)) === 0

export const decodePlace = (payload: Uint8Array): Either<string, SnapshotPlace> => {
  if (payload.length < MEMBERSHIP_AT) return left('the place is shorter than its fields')
  const place = { index: readPosition(payload, 0), term: readPosition(payload, 8), time: readFloat64(payload, 16) }
  if (!(place.index >= 0 && place.term >= 0 && place.time >= 0 && place.time <= MAX_POSITION)) return left('the place is out of range')
  const membership = decodeMembership(payload.subarray(MEMBERSHIP_AT))
  return isLeft(membership) ? membership : right({ ...place, membership: membership.right })
}

export const encodeEnd = ({ offset, bytes, checksum }: SnapshotEnd): Uint8Array => {
  const payload = new Uint8Array(END_PAYLOAD_BYTES)
  writePosition(payload, 0, offset)
  writePosition(payload, 8, bytes)
  writeUint32(payload, 16, checksum)
  return payload
}

/** The end record in `record`, which is read from `offset`. */
export const decodeEnd = (record: Uint8Array, offset: number, seed: number): Either<string, SnapshotEnd> => {
  const header = record.subarray(0, RECORD_HEADER_BYTES)
  const payload = record.subarray(RECORD_HEADER_BYTES)
  const decoded = decodeRecordHeader(header)
  if (isLeft(decoded) || decoded.right.type !== 'end' || decoded.right.payloadBytes !== payload.length || !isIntact(header, payload, seed)) {
    return left('it does not end with an end record that matches its checksum')
  }
  const end = { offset: readPosition(payload, 0), bytes: readPosition(payload, 8), checksum: readUint32(payload, 16) }
  return end.offset === offset && end.bytes >= 0 ? right(end) : left('its end record stands in another place than it says')
}
