import { Damaged, type StartError } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { type Act, chain, map, settled } from '../../act/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { readFully, sizeOf, withFile } from '../disk/file-access.js'
import type { FoundHeader } from '../files/file-header.js'
import { type CheckOwner, type Failure, checkHeader } from '../files/store-file.js'
import { FIRST_RECORD, segmentName } from './segment.js'
import { isWholeSegment } from './segment-files.js'
import { type ScannedRecord, type SegmentEnd, scanSegment } from './segment-scan.js'

/** A segment that was read from its header to its end. */
export interface Scanned {
  readonly path: string
  readonly header: FoundHeader
  readonly end: SegmentEnd
}

/** Reads one segment, header and records; what its header says must be true of it. */
export const scanFile = (
  disk: Disk, folder: string, number: number, checkOwner: CheckOwner, each: (record: ScannedRecord) => string | undefined,
): Act<Scanned, Failure> => {
  const path = `${folder}/${segmentName(number)}`
  const check = (bytes: Uint8Array, size: number): Either<StartError, FoundHeader> => {
    const header = checkHeader(path, bytes, 'segment', checkOwner)
    if (isLeft(header)) return header
    const { capacity } = header.right
    const fault = header.right.number !== number ? `it is segment ${header.right.number} under another name`
      : size !== capacity || !isWholeSegment(capacity) ? `it has ${size} bytes instead of ${capacity}` : undefined
    return fault === undefined ? header : left(new Damaged(path, Math.min(size, capacity), undefined, fault))
  }
  const scan = (file: DiskFile): Act<Scanned, Failure> => chain(sizeOf(file), size => {
    const bytes = Buffer.alloc(Math.min(SECTOR_BYTES, size))
    return chain(readFully(file, bytes, 0), () => chain(settled(check(bytes, size)), header =>
      map(scanSegment(file, header, each), end => ({ path, header, end }))))
  })
  return withFile(disk, path, 'read', scan)
}

/** Damage is what an honest disk cannot have left by losing what was never synced; an interrupted write is none. `lastIndex` is where the log ends, if that is known. */
export const judge = ({ path, end }: Scanned, lastIndex: Index | undefined): Damaged | undefined => {
  const { isSealed, tail, syncedTo, fault } = end
  if (isSealed) return undefined
  const damaged = (reason: string): Damaged => new Damaged(path, tail, lastIndex === undefined ? undefined : lastIndex + 1, reason)
  if (syncedTo > tail) return damaged(`${fault?.reason ?? 'a record is missing'}, though everything up to ${syncedTo} was durable`)
  return fault === undefined || fault.isTorn ? undefined : damaged(fault.reason)
}

/**
 * A segment after the last one that is used: prepared if it may be written to as it is, unfinished if it was still being prepared and holds nothing.
 * Refused if it holds records, or if what is wrong with it is no damage: nobody knows what a later version, another cluster or a disk that fails keeps there.
 */
export const judgeSpare = (path: string, last: Scanned, lastIndex: Index, outcome: Either<Failure, Scanned>): Either<Failure, 'prepared' | 'unfinished'> => {
  if (isLeft(outcome)) return outcome.left instanceof Damaged ? right('unfinished') : outcome
  const { header, end } = outcome.right
  if (end.records > 0) return left(new Damaged(last.path, last.end.tail, lastIndex + 1, `it does not end as a segment that ${path} follows`))
  return right(end.fault === undefined && end.dirtyTo === FIRST_RECORD && header.number === last.header.number + 1 ? 'prepared' : 'unfinished')
}

/** What there is to say of an interrupted write. */
export const tornNote = ({ path, end }: Scanned): readonly string[] =>
  end.dirtyTo > end.tail ? [`${path}: an interrupted write that was never acknowledged was dropped at offset ${end.tail}`] : []
