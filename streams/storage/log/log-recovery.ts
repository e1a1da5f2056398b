import { bytesOf, lastIndexOf } from '../../../lib/batch.js'
import { Damaged } from '../../../lib/errors.js'
import type { LogBase, PlacedMembership, StoredLog } from '../../../lib/log.js'
import { isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryBatch, Index } from '../../../lib/types.js'
import { type Act, chain, inOrder, map, orUndo, succeed } from '../disk/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { type FileHeader, decodeFileHeader } from '../files/file-header.js'
import { openFile, readFully, sizeOf, sweep, syncFolder, withFile, writeFully } from '../disk/file-access.js'
import { type LogIndex, createLogIndex } from './log-index.js'
import { FIRST_RECORD, segmentKey, segmentName } from './segment.js'
import { type Segment, isWholeSegment, refill } from './segment-files.js'
import { type ScannedRecord, type SegmentEnd, scanSegment } from './segment-scan.js'
import { type CheckOwner, type Failure, headerError } from '../files/store-file.js'

/** What the segments of a folder hold. */
export interface RecoveredLog extends Omit<StoredLog, 'tail'> {
  readonly index: LogIndex
  readonly commitIndex: Index
  /** The first index of the newest batches, about `tailBytes` of them. */
  readonly tailFrom: Index
  readonly current: Segment
  /** Whether the last record vouches for everything before it. */
  readonly marked: boolean
  readonly spare: Segment | undefined
  readonly notes: readonly string[]
}

/** Where the newest batches begin, however they are replaced: at least one, then up to `tailBytes` of them. */
const tailWindow = (tailBytes: number) => {
  const recent: { readonly first: Index; readonly bytes: number }[] = []
  let start = 0
  let total = 0
  return {
    cut: (from: Index): void => {
      while (recent.length > start && recent.at(-1)!.first >= from) total -= recent.pop()!.bytes
    },
    add: (batch: EntryBatch): void => {
      recent.push({ first: batch.firstIndex, bytes: bytesOf(batch) })
      total += bytesOf(batch)
      while (total > tailBytes && start < recent.length - 1) total -= recent[start++]!.bytes
      if (start < 1024 || start * 2 < recent.length) return
      recent.splice(0, start)
      start = 0
    },
    from: (): Index | undefined => recent[start]?.first,
  }
}

/** Folds records in their order into what a member needs to know of its log. */
const logCollector = (tailBytes: number) => {
  const terms: { firstIndex: Index; term: number }[] = []
  const memberships: PlacedMembership[] = []
  const tail = tailWindow(tailBytes)
  let log: { readonly base: LogBase; readonly index: LogIndex } | undefined
  let commitIndex = 0

  const cut = (from: Index): void => {
    while (terms.length > 0 && terms.at(-1)!.firstIndex >= from) terms.pop()
    while (memberships.length > 0 && memberships.at(-1)!.index >= from) memberships.pop()
    tail.cut(from)
  }
  const add = (batch: EntryBatch): void => {
    if (terms.at(-1)?.term !== batch.term) terms.push({ firstIndex: batch.firstIndex, term: batch.term })
    if (batch.kind === 'membership') memberships.push({ index: batch.firstIndex, membership: batch.membership })
    tail.add(batch)
  }
  const each = (segment: number) => ({ header, batches, base }: ScannedRecord): string | undefined => {
    if (base !== undefined && log === undefined) log = { base, index: createLogIndex(base.index) }
    if (log === undefined) return 'the log does not begin with its base'
    commitIndex = Math.max(commitIndex, header.commitIndex)
    const last = batches.at(-1)
    if (last === undefined) return undefined
    const { firstIndex, offset, payloadBytes } = header
    if (firstIndex <= log.base.index || firstIndex > log.index.lastIndex() + 1) return `index ${firstIndex} does not follow ${log.index.lastIndex()}`
    cut(firstIndex)
    for (const batch of batches) add(batch)
    log.index.add(firstIndex, lastIndexOf(last), { segment, offset }, payloadBytes)
    return undefined
  }
  return {
    each,
    lastIndex: () => log?.index.lastIndex() ?? 0,
    collected: () => log && { ...log, terms, memberships, commitIndex, tailFrom: tail.from() },
  }
}

interface Scanned {
  readonly path: string
  readonly header: FileHeader
  readonly end: SegmentEnd
}

/** Reads one segment, header and records; what its header says must be true of it. */
const scanFile = (
  disk: Disk, folder: string, number: number, checkOwner: CheckOwner, each: (record: ScannedRecord) => string | undefined,
): Act<Scanned, Failure> => {
  const path = `${folder}/${segmentName(number)}`
  const check = (bytes: Uint8Array, size: number): Act<FileHeader, Failure> => {
    const header = decodeFileHeader(bytes, 'segment')
    if (isLeft(header)) return done => done(left(headerError(path, header.left)))
    const stranger = checkOwner(header.right)
    if (stranger !== undefined) return done => done(left(stranger))
    const { capacity } = header.right
    const fault = header.right.number !== number ? `it is segment ${header.right.number} under another name`
      : size !== capacity || !isWholeSegment(capacity) ? `it has ${size} bytes instead of ${capacity}` : undefined
    return done => done(fault === undefined ? right(header.right) : left(new Damaged(path, Math.min(size, capacity), undefined, fault)))
  }
  const scan = (file: DiskFile): Act<Scanned, Failure> => chain(sizeOf(file), size => {
    const bytes = Buffer.alloc(Math.min(SECTOR_BYTES, size))
    return chain(readFully(file, bytes, 0), () => chain(check(bytes, size), header =>
      map(scanSegment(file, header, each), end => ({ path, header, end }))))
  })
  return withFile(disk, path, 'read', scan)
}

/** Damage is what an honest disk cannot have left by losing what was never synced; an interrupted write is none. */
const judge = ({ path, end }: Scanned, lastIndex: Index): Damaged | undefined => {
  const { sealed, tail, syncedTo, fault } = end
  if (sealed) return undefined
  const damaged = (reason: string): Damaged => new Damaged(path, tail, lastIndex + 1, reason)
  if (syncedTo > tail) return damaged(`${fault?.reason ?? 'a record is missing'}, though everything up to ${syncedTo} was durable`)
  return fault === undefined || fault.torn ? undefined : damaged(fault.reason)
}

const openSegment = (disk: Disk, { path, header, end }: Scanned): Act<Segment> => map(
  openFile(disk, path, 'write'),
  file => ({ header, key: segmentKey(header.salt), file, tail: end.tail }),
)

/**
 * Makes durable what was read: the last group may have been read from a cache that a failed sync left behind, so it is written
 * once more; what was torn is overwritten with the fill pattern, so that it never comes back.
 */
const settle = (disk: Disk, { path, header, end }: Scanned): Act<void, Failure> => withFile(disk, path, 'write', file => {
  const last = Buffer.alloc(end.tail - end.syncedTo)
  return inOrder(
    readFully(file, last, end.syncedTo),
    writeFully(file, [last], end.syncedTo),
    refill(file, segmentKey(header.salt), end.tail, end.dirtyTo),
    file.datasync,
  )
})

/** A segment behind the last one that is used: kept if it is as it was prepared, dropped if it holds nothing, refused if it holds records. */
const judgeSpare = (
  disk: Disk, folder: string, number: number, last: Scanned, lastIndex: Index, checkOwner: CheckOwner,
): Act<{ readonly spare: Scanned | undefined; readonly notes: readonly string[] }, Failure> => done => {
  const path = `${folder}/${segmentName(number)}`
  const drop: Act<{ spare: undefined; notes: readonly string[] }, Failure> = map(
    inOrder(sweep(disk, path), syncFolder(disk, folder)),
    () => ({ spare: undefined, notes: [`${path}: a segment that was being prepared was dropped`] }),
  )
  let holdsRecords = false
  const seen = (): undefined => void (holdsRecords = true)
  scanFile(disk, folder, number, checkOwner, seen)(outcome => {
    if (isLeft(outcome)) return outcome.left instanceof Damaged ? drop(done) : done(outcome)
    const { end } = outcome.right
    if (holdsRecords) done(left(new Damaged(last.path, last.end.tail, lastIndex + 1, `it does not end as a segment that ${path} follows`)))
    else if (end.fault === undefined && end.dirtyTo === FIRST_RECORD && number === last.header.number + 1) {
      done(right({ spare: outcome.right, notes: [] }))
    } else drop(done)
  })
}

const tornNote = ({ path, end }: Scanned): readonly string[] =>
  end.dirtyTo > end.tail ? [`${path}: an interrupted write that was never acknowledged was dropped at offset ${end.tail}`] : []

/**
 * Reads the segments `numbers`, ascending, and makes the log ready to be appended to. Refuses as damaged whatever an interrupted
 * write cannot explain.
 */
export const recoverLog = (
  disk: Disk, folder: string, numbers: readonly number[], tailBytes: number, checkOwner: CheckOwner,
): Act<RecoveredLog, Failure> => done => {
  const collector = logCollector(tailBytes)

  const finish = (last: Scanned, previous: Scanned | undefined, behind: readonly number[]): void => {
    const log = collector.collected()
    if (log === undefined) return done(left(new Damaged(last.path, FIRST_RECORD, undefined, 'the log has no beginning')))
    const unsure = last.end.records === 0 && previous !== undefined ? [previous, last] : [last]
    const lastIndex = log.index.lastIndex()
    const spares = map(
      collect(behind, number => judgeSpare(disk, folder, number, last, lastIndex, checkOwner)),
      found => ({ spare: found.find(({ spare }) => spare !== undefined)?.spare, notes: found.flatMap(({ notes }) => notes) }),
    )
    const settled = inOrder(...unsure.map(scanned => settle(disk, scanned)))
    const opened = (notes: readonly string[], current: Segment, spare: Segment | undefined): RecoveredLog => ({
      ...log, lastIndex, current, marked: last.end.marked, spare, notes: [...tornNote(last), ...notes], tailFrom: log.tailFrom ?? lastIndex + 1,
    })
    chain(spares, ({ spare, notes }) => chain(settled, () => chain(openSegment(disk, last), (current): Act<RecoveredLog, Failure> =>
      spare === undefined ? succeed(opened(notes, current, undefined))
        : map(orUndo(openSegment(disk, spare), current.file.close), found => opened(notes, current, found)))))(done)
  }
  const next = (i: number, previous: Scanned | undefined): void => {
    const number = numbers[i]
    const expected = previous === undefined ? number : previous.header.number + 1
    if (number === undefined || number !== expected) {
      return done(left(new Damaged(`${folder}/${segmentName(expected ?? 1)}`, 0, collector.lastIndex() + 1, 'the file is missing')))
    }
    scanFile(disk, folder, number, checkOwner, collector.each(number))(outcome => {
      if (isLeft(outcome)) return done(outcome)
      const damage = judge(outcome.right, collector.lastIndex())
      if (damage !== undefined) done(left(damage))
      else if (outcome.right.end.sealed) next(i + 1, outcome.right)
      else finish(outcome.right, previous, numbers.slice(i + 1))
    })
  }
  next(0, undefined)
}

const collect = <T, A, E>(items: readonly T[], actOf: (item: T) => Act<A, E>): Act<readonly A[], E> => {
  const [first, ...rest] = items
  return first === undefined ? done => done(right([])) : chain(actOf(first), a => map(collect(rest, actOf), as => [a, ...as]))
}
