import { FOLDER_FORMAT } from '../../../codecs/records.js'
import { Damaged } from '../../../lib/errors.js'
import { isLeft, left, right } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { type Act, chain, inOrder, map, orUndo, succeed } from '../../act/act.js'
import type { Disk } from '../disk/disk.js'
import { openFile, readFully, sweep, syncFolder, withFile, writeFully } from '../disk/file-access.js'
import { type CollectedLog, logCollector } from './log-collector.js'
import { type Scanned, judge, judgeSpare, scanFile, tornNote } from './scan-file.js'
import { FIRST_RECORD, segmentKey, segmentName } from './segment.js'
import { type Segment, refill } from './segment-files.js'
import { type SegmentNotes, createSegmentNotes } from './segment-notes.js'
import type { CheckOwner, Failure } from '../files/store-file.js'

/** What the segments of a folder hold. */
export interface RecoveredLog extends CollectedLog {
  readonly segments: SegmentNotes
  readonly commitIndex: Index
  readonly current: Segment
  /** Whether the last record vouches for everything before it. */
  readonly isMarked: boolean
  readonly spare: Segment | undefined
  readonly notes: readonly string[]
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

/** Keeps a segment after the last one that is used if it is as it was prepared, and drops it if it was not finished. */
const settleSpare = (
  disk: Disk, folder: string, number: number, last: Scanned, lastIndex: Index, checkOwner: CheckOwner,
): Act<{ readonly spare: Scanned | undefined; readonly notes: readonly string[] }, Failure> => done => {
  const path = `${folder}/${segmentName(number)}`
  const drop = (...notes: readonly string[]): Act<{ spare: undefined; notes: readonly string[] }, Failure> =>
    map(inOrder(sweep(disk, path), syncFolder(disk, folder)), () => ({ spare: undefined, notes }))
  scanFile(disk, folder, number, checkOwner, () => undefined)(outcome => {
    const verdict = judgeSpare(path, last, lastIndex, outcome)
    if (isLeft(verdict)) done(verdict)
    else if (isLeft(outcome) || verdict.right === 'unfinished') drop(`${path}: a segment that was being prepared was dropped`)(done)
    // A version that knows only an older format would not refuse what is written to an older file.
    else if (outcome.right.header.format < FOLDER_FORMAT) drop()(done)
    else done(right({ spare: outcome.right, notes: [] }))
  })
}

/**
 * Reads the segments `numbers`, ascending, and makes the log ready to be appended to. Refuses as damaged whatever an interrupted
 * write cannot explain, and what `objection` has against the log, before anything of it is written.
 */
export const recoverLog = (
  disk: Disk, folder: string, numbers: readonly number[], tailBytes: number, checkOwner: CheckOwner,
  objection: (log: CollectedLog & { readonly commitIndex: Index }) => string | undefined,
): Act<RecoveredLog, Failure> => done => {
  const segments = createSegmentNotes(numbers[0] ?? 1)
  const collector = logCollector(numbers[0] ?? 1, tailBytes, segments)

  const finish = (last: Scanned, previous: Scanned | undefined, behind: readonly number[]): void => {
    const log = collector.collected()
    if (log === undefined) return done(left(new Damaged(last.path, FIRST_RECORD, undefined, 'the log has no beginning')))
    const reason = objection(log)
    if (reason !== undefined) return done(left(new Damaged(last.path, last.end.tail, log.lastIndex + 1, reason)))
    const unsure = last.end.records === 0 && previous !== undefined ? [previous, last] : [last]
    const { lastIndex } = log
    const spares = map(
      collect(behind, number => settleSpare(disk, folder, number, last, lastIndex, checkOwner)),
      found => ({ spare: found.find(({ spare }) => spare !== undefined)?.spare, notes: found.flatMap(({ notes }) => notes) }),
    )
    const settled = inOrder(...unsure.map(scanned => settle(disk, scanned)))
    const opened = (notes: readonly string[], current: Segment, spare: Segment | undefined): RecoveredLog => ({
      ...log, segments, current, isMarked: last.end.isMarked, spare, notes: [...tornNote(last), ...notes],
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
      else if (outcome.right.end.isSealed) next(i + 1, outcome.right)
      else finish(outcome.right, previous, numbers.slice(i + 1))
    })
  }
  next(0, undefined)
}

const collect = <T, A, E>(items: readonly T[], actOf: (item: T) => Act<A, E>): Act<readonly A[], E> => {
  const [first, ...rest] = items
  return first === undefined ? succeed([]) : chain(actOf(first), a => map(collect(rest, actOf), as => [a, ...as]))
}
