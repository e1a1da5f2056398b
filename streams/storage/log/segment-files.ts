import { FOLDER_FORMAT } from '../../../codecs/records.js'
import { type Either, isLeft, isRight, left, right } from '../../../lib/prelude.js'
import { type Act, chain, inOrder } from '../../act/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { isAboutSpace, sweep, syncFolder, writeFully } from '../disk/file-access.js'
import { hasNotBegun } from '../disk/guarded-disk.js'
import { type FileHeader, type FoundHeader, SALT_BYTES, encodeFileHeader } from '../files/file-header.js'
import { temporary } from '../files/store-file.js'
import { FILL_BYTES, FIRST_RECORD, SEAL_BYTES, type SegmentKey, segmentKey, segmentName } from './segment.js'

/** How much of the fill pattern goes out in one write. */
const PIECE_BYTES = 256 * 1024
/** How much of a new segment is written before it is synced: little enough that a sync of the log beside it does not wait long. */
const SYNC_EVERY_BYTES = 1024 * 1024

/** A segment that is open for appending. */
export interface Segment {
  readonly header: FoundHeader
  readonly key: SegmentKey
  readonly file: DiskFile
  /** Where the next record goes; everything before it is durable. */
  readonly tail: number
}

/** The fill pattern in `bytes` bytes, without copying it. */
const fillPieces = ({ fill }: SegmentKey, bytes: number): readonly Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes / FILL_BYTES) }, (_, i) => fill.subarray(0, Math.min(FILL_BYTES, bytes - i * FILL_BYTES)))

/** Creates a file that holds a segment's header, `first` as its first record, and the fill pattern, all of it durable but not yet its name. */
export const writeSegment = (disk: Disk, path: string, header: FileHeader, first: Uint8Array, isWanted: () => boolean): Act<DiskFile> => done => {
  const key = segmentKey(header.salt)
  disk.open(path, 'create', opened => {
    if (isLeft(opened)) return done(opened)
    const file = opened.right
    const stop = (outcome: Either<NodeJS.ErrnoException, void>): void =>
      isLeft(outcome) ? file.close(() => done(outcome)) : done(right(file))
    const fillFrom = (at: number): void => {
      if (!isWanted()) return stop(left(Object.assign(new Error('the segment is no longer wanted'), { code: 'ECANCELED' })))
      const end = Math.min(at + PIECE_BYTES, header.capacity)
      const isSynced = end === header.capacity || end % SYNC_EVERY_BYTES < PIECE_BYTES
      inOrder(writeFully(file, fillPieces(key, end - at), at), ...(isSynced ? [file.datasync] : []))(outcome =>
        isLeft(outcome) || end === header.capacity ? stop(outcome) : fillFrom(end))
    }
    writeFully(file, [encodeFileHeader(header), first], 0)(outcome =>
      isLeft(outcome) ? stop(outcome) : fillFrom(FIRST_RECORD + first.length))
  })
}

/** Where new segments come from: the next one is prepared while the current one fills, so that no append waits for it. */
export interface SegmentSupply {
  /** The segment after `current`, durable with its name and with room for records of `bytes` where that is possible. */
  next(current: FileHeader, bytes: number): Act<Segment>
  /** Begins with the segment after `current`, with room for records of `bytes` at least, unless it is there already. */
  prepare(current: FileHeader, bytes: number): void
  /** Waits for what is under way and closes what is ready. */
  close: Act<void>
}

export interface SupplyOptions {
  readonly disk: Disk
  readonly folder: string
  readonly segmentBytes: number
  readonly random: (bytes: number) => Uint8Array
  /** A prepared segment that recovery found. */
  readonly spare: Segment | undefined
  /** Gives back space that the log needs more than whoever holds it. */
  readonly makeRoom: Act<void, never>
}

/** The smallest segment: segments double from here up to `segmentBytes`, so that a small log stays small. */
export const INITIAL_SEGMENT_BYTES = 1024 * 1024

/** The smallest segment that has room for records of so many bytes and for the seal. */
export const leastCapacity = (bytes: number): number => FIRST_RECORD + bytes + SEAL_BYTES

type Outcome = Either<NodeJS.ErrnoException, Segment>

/** Whether another attempt may do better. One that had its name already, which was not synced, is replaced by the next, whose sync follows a change again. */
const mayPass = (error: NodeJS.ErrnoException): boolean => isAboutSpace(error) || hasNotBegun(error)

export const createSegmentSupply = ({ disk, folder, segmentBytes, random, spare, makeRoom }: SupplyOptions): SegmentSupply => {
  let ready: Segment | undefined = spare
  /** The number of the last one that was handed out: whoever asks for that again would have it overwritten. */
  let handed = 0
  let waiting: ((outcome: Outcome) => void)[] | undefined
  let broken: NodeJS.ErrnoException | undefined
  let isClosing = false

  const create = ({ clusterId, number, capacity: size }: FileHeader, bytes: number): Act<Segment> => {
    const capacity = Math.max(Math.min(2 * size, segmentBytes), leastCapacity(bytes))
    const header: FoundHeader = { format: FOLDER_FORMAT, kind: 'segment', clusterId, number: number + 1, capacity, salt: random(SALT_BYTES) }
    const path = `${folder}/${segmentName(header.number)}`
    const name: Act<void> = inOrder(done => disk.rename(temporary(path), path, done), syncFolder(disk, folder))
    return chain(sweep(disk, temporary(path)), () => chain(writeSegment(disk, temporary(path), header, new Uint8Array(0), () => !isClosing), (file): Act<Segment> => done => name(outcome =>
      (isLeft(outcome) ? file.close(() => done(outcome)) : done(right({ header, key: segmentKey(header.salt), file, tail: FIRST_RECORD }))))))
  }
  const finish = (current: FileHeader, outcome: Outcome): void => {
    /** When nothing of the attempt is left to do: the next one has the same temporary file. */
    const over = (): void => {
      const callers = waiting ?? []
      waiting = undefined
      callers.forEach(call => call(outcome))
    }
    if (isRight(outcome)) ready = outcome.right
    else if (!mayPass(outcome.left)) broken = outcome.left
    if (isLeft(outcome)) sweep(disk, temporary(`${folder}/${segmentName(current.number + 1)}`))(over)
    else over()
  }
  const begin = (current: FileHeader, bytes: number, then: ((outcome: Outcome) => void)[]): void => {
    waiting = then
    create(current, bytes)(outcome => finish(current, outcome))
  }

  return {
    prepare: (current, bytes) => {
      if (ready === undefined && waiting === undefined && !isClosing && current.number >= handed) begin(current, bytes, [])
    },
    next: (current, bytes) => done => {
      const hand = (segment: Segment): void => {
        ready = undefined
        handed = segment.header.number
        done(right(segment))
      }
      const fail = (error: NodeJS.ErrnoException): void => done(left(error))
      const attempt = (failed: (error: NodeJS.ErrnoException) => void): void =>
        begin(current, bytes, [outcome => (isLeft(outcome) ? failed(outcome.left) : hand(outcome.right))])
      const attemptTwice = (): void => attempt(error => (isAboutSpace(error) ? makeRoom(() => attempt(fail)) : hasNotBegun(error) ? attempt(fail) : fail(error)))
      if (broken !== undefined) fail(broken)
      else if (ready !== undefined) hand(ready)
      else if (waiting !== undefined) waiting.push(outcome => (isRight(outcome) ? hand(outcome.right) : mayPass(outcome.left) ? attemptTwice() : fail(outcome.left)))
      else attemptTwice()
    },
    close: done => {
      isClosing = true
      const closeReady = (): void => (ready === undefined ? done(right(undefined)) : ready.file.close(done))
      if (waiting === undefined) closeReady()
      else waiting.push(closeReady)
    },
  }
}

/** Overwrites the whole sectors from `from` to `to` with the fill pattern. */
export const refill = (file: DiskFile, key: SegmentKey, from: number, to: number): Act<void> => done => {
  const next = (at: number): void => {
    if (at >= to) return done(right(undefined))
    const end = Math.min(at + PIECE_BYTES, to)
    writeFully(file, fillPieces(key, end - at), at)(outcome => (isLeft(outcome) ? done(outcome) : next(end)))
  }
  next(from)
}

export const isWholeSegment = (capacity: number): boolean => capacity >= leastCapacity(SEAL_BYTES) && capacity % SECTOR_BYTES === 0
