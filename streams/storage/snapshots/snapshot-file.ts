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
 *     place    as in `codecs/snapshots`
 *     chunk    contents, 1 to 1048576 bytes
 *     end      where this record begins u64 | bytes of all contents u64 | checksum of all contents u32
 *
 * The checksums of place and end continue from the file's salt, so that a start can judge both without the contents, and no contents
 * pass for an end. A chunk's continues from the record before it, so that none is missed, doubled or out of place.
 */
import { checksumOf, joinedChecksum, readPosition, readUint32, writePosition, writeUint32 } from '../../../codecs/bytes.js'
import { MAX_CHUNK_BYTES, encodePlace } from '../../../codecs/snapshots.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { SnapshotId } from '../../../lib/snapshot-id.js'
import type { EntryId, SnapshotPlace } from '../../../lib/types.js'

export const RECORD_HEADER_BYTES = 12
const CHECKED = 8
const END_PAYLOAD_BYTES = 20
export const END_BYTES = RECORD_HEADER_BYTES + END_PAYLOAD_BYTES
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

/** The newest first. */
const byAge = (a: EntryId, b: EntryId): number => b.index - a.index || b.term - a.term

/** The snapshots among these names, the newest first. */
export const snapshotsIn = (names: readonly string[]): readonly EntryId[] => names.map(snapshotNamed).filter(id => id !== undefined).sort(byAge)

/** Those that are being received, the newest first. */
export const incomingIn = (names: readonly string[]): readonly SnapshotId[] => names.map(incomingNamed).filter(id => id !== undefined).sort(byAge)

export const isSamePlace = (a: SnapshotPlace, b: SnapshotPlace): boolean => Buffer.compare(encodePlace(a), encodePlace(b)) === 0

/** A chunk's own checksum goes into its record's and into that of the whole: its bytes are summed once. */
const recordChecksum = (header: Uint8Array, payload: Uint8Array, seed: number, checksum: number): number =>
  joinedChecksum(checksumOf(header.subarray(0, CHECKED), seed), checksum, payload.length)

export const encodeRecordHeader = (type: RecordHeader['type'], payload: Uint8Array, seed: number, checksum = checksumOf(payload)): Uint8Array => {
  const header = new Uint8Array(RECORD_HEADER_BYTES)
  writeUint32(header, 0, TYPES.indexOf(type))
  writeUint32(header, 4, payload.length)
  writeUint32(header, CHECKED, recordChecksum(header, payload, seed, checksum))
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

export const isIntact = (header: Uint8Array, payload: Uint8Array, seed: number, checksum = checksumOf(payload)): boolean =>
  checksumIn(header) === recordChecksum(header, payload, seed, checksum)

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
