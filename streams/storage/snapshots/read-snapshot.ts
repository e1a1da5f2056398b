import { checksumOf, joinedChecksum } from '../../../codecs/bytes.js'
import { type Recycled, recycled, roomIn, unwritten } from '../../../codecs/recycled.js'
import { decodePlace } from '../../../codecs/snapshots.js'
import { Damaged } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryId, Snapshot, SnapshotPlace } from '../../../lib/types.js'
import { type Act, chain, fail, map, orUndo, readingAhead, settled, succeed } from '../../act/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { openFile, readFully, sizeOf } from '../disk/file-access.js'
import type { FileHeader } from '../files/file-header.js'
import { type CheckOwner, type Failure, checkHeader } from '../files/store-file.js'
import {
  END_BYTES, RECORD_HEADER_BYTES, type SnapshotEnd, checksumIn, decodeEnd, decodeRecordHeader, isIntact, snapshotName,
} from './snapshot-file.js'

const PLACE_AT = SECTOR_BYTES
const PLACE_PAYLOAD_AT = PLACE_AT + RECORD_HEADER_BYTES
/** A file without contents, and without a membership. */
const LEAST_BYTES = PLACE_PAYLOAD_AT + END_BYTES

/** An open file whose header, place and end are whole; of its contents nothing has been read. */
export interface SnapshotFile {
  readonly path: string
  readonly file: DiskFile
  readonly snapshot: Snapshot
  /** Where the chunks begin, and what the first one's checksum continues from. */
  readonly offset: number
  readonly seed: number
  readonly end: SnapshotEnd
}

export const read = (file: DiskFile, offset: number, length: number): Act<Uint8Array> => {
  const bytes = unwritten(length)
  return map(readFully(file, bytes, offset), () => bytes)
}

const demand = <A>(path: string, offset: number, outcome: Either<string, A>): Act<A, Damaged> =>
  settled(isLeft(outcome) ? left(new Damaged(path, offset, undefined, outcome.left)) : outcome)

/** The payload of the place record, if the record is whole. */
const placeOf = (header: Uint8Array, payload: Uint8Array, seed: number, id: EntryId): Either<string, SnapshotPlace> => {
  if (!isIntact(header, payload, seed)) return left('its place does not match its checksum')
  const place = decodePlace(payload)
  if (isLeft(place)) return place
  return place.right.index === id.index && place.right.term === id.term ? place : left('it stands for another place than its name says')
}

export const readHeader = (path: string, file: DiskFile, checkOwner: CheckOwner): Act<FileHeader, Failure> =>
  chain(read(file, 0, SECTOR_BYTES), bytes => settled(checkHeader(path, bytes, 'snapshot', checkOwner)))

/** The place, and what the chunks after it begin from. */
interface PlaceRead extends Pick<SnapshotFile, 'offset' | 'seed'> {
  readonly place: SnapshotPlace
}

/** Reads the place of a file whose contents end before `limit`. */
export const readPlace = (path: string, file: DiskFile, limit: number, seed: number, id: EntryId): Act<PlaceRead, Failure> =>
  chain(read(file, PLACE_AT, RECORD_HEADER_BYTES), bytes => {
    const header = decodeRecordHeader(bytes)
    const offset = PLACE_PAYLOAD_AT + (isLeft(header) ? 0 : header.right.payloadBytes)
    if (isLeft(header) || header.right.type !== 'place' || offset > limit) {
      return fail(new Damaged(path, PLACE_AT, undefined, 'it has no place'))
    }
    return chain(read(file, PLACE_PAYLOAD_AT, header.right.payloadBytes), payload =>
      map(demand(path, PLACE_AT, placeOf(bytes, payload, seed, id)), place => ({ place, offset, seed: checksumIn(bytes) })))
  })

const judge = (path: string, file: DiskFile, id: EntryId, checkOwner: CheckOwner): Act<SnapshotFile, Failure> =>
  chain(sizeOf(file), (size): Act<SnapshotFile, Failure> => {
    if (size < LEAST_BYTES) return fail(new Damaged(path, size, undefined, 'it ends before its place'))
    const endAt = size - END_BYTES
    return chain(readHeader(path, file, checkOwner), ({ salt }) =>
      chain(readPlace(path, file, endAt, checksumOf(salt), id), ({ place, offset, seed }) =>
        chain(read(file, endAt, END_BYTES), record =>
          map(demand(path, endAt, decodeEnd(record, endAt, checksumOf(salt))), (end): SnapshotFile =>
            ({ path, file, snapshot: { ...place, bytes: end.bytes, checksum: end.checksum }, offset, seed, end })))))
  })

/** Opens the file of a snapshot and looks at everything but its contents. */
export const openSnapshot = (disk: Disk, folder: string, id: EntryId, checkOwner: CheckOwner): Act<SnapshotFile, Failure> => {
  const path = `${folder}/${snapshotName(id)}`
  return chain(openFile(disk, path, 'read'), file => orUndo(judge(path, file, id, checkOwner), file.close))
}

/** A chunk as it stands in the file, of which nothing but its kind and length has been looked at. */
interface ReadChunk {
  readonly at: number
  readonly header: Uint8Array
  readonly chunk: Uint8Array
}

/** Reads chunk after chunk, each with the header of the record after it; undefined at the end. */
const recordsOf = ({ path, file, offset, end }: SnapshotFile, roomFor: (bytes: number) => Uint8Array): Act<ReadChunk | undefined, Error> => {
  let at = offset
  let ahead: Uint8Array | undefined
  const take = (header: Uint8Array): Act<ReadChunk, Error> => {
    const decoded = decodeRecordHeader(header)
    if (isLeft(decoded)) return fail(new Damaged(path, at, undefined, decoded.left))
    const { type, payloadBytes } = decoded.right
    const length = RECORD_HEADER_BYTES + payloadBytes
    if (type !== 'chunk' || payloadBytes === 0 || at + length > end.offset) return fail(new Damaged(path, at, undefined, 'a record of another kind or length stands where a chunk should'))
    const room = roomFor(length)
    return map(readFully(file, room, at + RECORD_HEADER_BYTES), () => {
      const found = { at, header, chunk: room.subarray(0, payloadBytes) }
      at += length
      // The next chunk may be read over it.
      ahead = room.slice(payloadBytes)
      return found
    })
  }
  return done => {
    if (at < end.offset) chain(ahead === undefined ? read(file, at, RECORD_HEADER_BYTES) : succeed(ahead), take)(done)
    else done(right(undefined))
  }
}

/** Verifies chunk after chunk; undefined once all of them together match the end record. */
const checked = ({ path, seed, end }: SnapshotFile, next: Act<ReadChunk | undefined, Error>): Act<Uint8Array | undefined, Error> => {
  let before = seed
  let bytes = 0
  let checksum = 0
  return chain(next, (found): Act<Uint8Array | undefined, Error> => {
    if (found === undefined) {
      return bytes === end.bytes && checksum === end.checksum ? succeed(undefined)
        : fail(new Damaged(path, end.offset, undefined, 'the chunks together do not match their checksum'))
    }
    const { at, header, chunk } = found
    const sum = checksumOf(chunk)
    if (!isIntact(header, chunk, before, sum)) return fail(new Damaged(path, at, undefined, 'a chunk does not match its checksum'))
    before = checksumIn(header)
    bytes += chunk.length
    checksum = joinedChecksum(checksum, sum, chunk.length)
    return succeed(chunk)
  })
}

/** The reading of a snapshot's contents. */
interface ReadingChunks {
  readonly next: Act<Uint8Array | undefined, Error>
  /** Waits until nothing is being read any more. */
  readonly rest: Act<void, never>
  /** Closes the file, once nothing is being read from it. */
  readonly close: Act<void>
}

/** One chunk is in use while the other is read. */
const LENT_CHUNKS = 2

/** The next one's turn begins when it is asked for. */
const inTurns = (buffers: Recycled) => (bytes: number): Uint8Array => {
  buffers.pass()
  return roomIn(buffers, bytes)
}

/**
 * The contents from their beginning, chunk by chunk, into `buffers` that the caller passes on. Without them a chunk lasts until the next one is asked for, which the disk reads
 * while this one is summed and used.
 */
export const chunksOf = (found: SnapshotFile, buffers?: Recycled): ReadingChunks => {
  const { file } = found
  if (buffers !== undefined) return { next: checked(found, recordsOf(found, bytes => roomIn(buffers, bytes))), rest: succeed(undefined), close: file.close }
  const { next, rest } = readingAhead(recordsOf(found, inTurns(recycled(LENT_CHUNKS))))
  return { next: checked(found, next), rest, close: chain(rest, () => file.close) }
}
