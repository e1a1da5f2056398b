import { checksumOf, joinedChecksum } from '../../../codecs/bytes.js'
import { type Recycled, roomIn, unwritten } from '../../../codecs/recycled.js'
import { decodePlace } from '../../../codecs/snapshots.js'
import { Damaged } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryId, Snapshot, SnapshotPlace } from '../../../lib/types.js'
import { type Act, chain, fail, map, orUndo, succeed } from '../disk/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { openFile, readFully, sizeOf } from '../disk/file-access.js'
import { type FileHeader, decodeFileHeader } from '../files/file-header.js'
import { type CheckOwner, type Failure, headerError } from '../files/store-file.js'
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

export const read = (file: DiskFile, offset: number, length: number, buffers?: Recycled): Act<Uint8Array> => {
  const bytes = buffers === undefined ? unwritten(length) : roomIn(buffers, length)
  return map(readFully(file, bytes, offset), () => bytes)
}

const demand = <A>(path: string, offset: number, outcome: Either<string, A>): Act<A, Damaged> =>
  isLeft(outcome) ? fail(new Damaged(path, offset, undefined, outcome.left)) : succeed(outcome.right)

/** The payload of the place record, if the record is whole. */
const placeOf = (header: Uint8Array, payload: Uint8Array, seed: number, id: EntryId): Either<string, SnapshotPlace> => {
  if (!isIntact(header, payload, seed)) return left('its place does not match its checksum')
  const place = decodePlace(payload)
  if (isLeft(place)) return place
  return place.right.index === id.index && place.right.term === id.term ? place : left('it stands for another place than its name says')
}

export const readHeader = (path: string, file: DiskFile, checkOwner: CheckOwner): Act<FileHeader, Failure> =>
  chain(read(file, 0, SECTOR_BYTES), (bytes): Act<FileHeader, Failure> => {
    const header = decodeFileHeader(bytes, 'snapshot')
    if (isLeft(header)) return fail(headerError(path, header.left))
    const stranger = checkOwner(header.right)
    return stranger === undefined ? succeed(header.right) : fail(stranger)
  })

/** The place, and what the chunks behind it begin from. */
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

/** Reads chunk after chunk, each with the header of the record behind it, into `buffers` where they are given; undefined once all of them together match the end record. */
export const chunksOf = ({ path, file, offset, seed, end }: SnapshotFile, buffers?: Recycled): Act<Uint8Array | undefined, Error> => {
  let at = offset
  let before = seed
  let bytes = 0
  let checksum = 0
  let ahead: Uint8Array | undefined
  const damaged = (reason: string): Act<never, Damaged> => fail(new Damaged(path, at, undefined, reason))

  const take = (header: Uint8Array): Act<Uint8Array, Error> => {
    const decoded = decodeRecordHeader(header)
    if (isLeft(decoded)) return damaged(decoded.left)
    const { type, payloadBytes } = decoded.right
    const length = RECORD_HEADER_BYTES + payloadBytes
    if (type !== 'chunk' || payloadBytes === 0 || at + length > end.offset) return damaged('a record of another kind or length stands where a chunk should')
    return chain(read(file, at + RECORD_HEADER_BYTES, length, buffers), (found): Act<Uint8Array, Error> => {
      const chunk = found.subarray(0, payloadBytes)
      const sum = checksumOf(chunk)
      if (!isIntact(header, chunk, before, sum)) return damaged('a chunk does not match its checksum')
      at += length
      before = checksumIn(header)
      bytes += payloadBytes
      checksum = joinedChecksum(checksum, sum, payloadBytes)
      // Who gives buffers may have the next chunk read over it.
      ahead = found.slice(payloadBytes)
      return succeed(chunk)
    })
  }
  return done => {
    if (at < end.offset) return chain(ahead === undefined ? read(file, at, RECORD_HEADER_BYTES) : succeed(ahead), take)(done)
    if (bytes !== end.bytes || checksum !== end.checksum) return damaged('the chunks together do not match their checksum')(done)
    done(right(undefined))
  }
}
