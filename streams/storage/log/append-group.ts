import { encodeBatch } from '../../../codecs/batches.js'
import { lastIndexOf } from '../../../lib/batch.js'
import { FOLDER_FORMAT } from '../../../codecs/records.js'
import { type Recycled, roomIn } from '../../../codecs/recycled.js'
import type { EntryBatch, HardState, Index, LogBase, Turn } from '../../../lib/types.js'
import { type AppendedRun, type LogEnd, baseOf, endAfter, endAt } from './log-end.js'
import { FIRST_RECORD, RECORD_HEADER_BYTES, type RecordHeader, SEAL_BYTES, baseRecordBytes, encodeBase, encodeRecordHeader, recordBytes } from './segment.js'
import type { Segment } from './segment-files.js'

/** A batch in the bytes that go to disk. */
export interface EncodedBatch extends AppendedRun {
  readonly type: 'batch'
  readonly turn: Turn
  readonly pieces: readonly Uint8Array[]
  readonly bytes: number
}

/** What waits to be written, in its order. */
export type Queued =
  | EncodedBatch
  /** A new term or vote: nothing after it is written before it is durable. */
  | { readonly type: 'vote'; readonly turn: Turn; readonly hardState: HardState }
  /** Only the commitIndex changed: it travels in the next record of the log. */
  | { readonly type: 'commit'; readonly turn: Turn; readonly commitIndex: Index }
  /** The log begins anew, as the first record of a segment: nothing after it is written before the segment before is sealed. */
  | { readonly type: 'install'; readonly turn: Turn; readonly base: LogBase }
  /** Entries up to `index` may go; nothing is written for that. */
  | { readonly type: 'compact'; readonly turn: Turn; readonly index: Index }
  | { readonly type: 'mark'; readonly turn: Turn }
  | { readonly type: 'end'; readonly turn: Turn }
  | { readonly type: 'then'; readonly turn: Turn; readonly work: () => void }

/** A record as it will stand in the segment. */
export interface PlannedRecord {
  readonly header: RecordHeader
  readonly lastIndex: Index
  readonly pieces: readonly Uint8Array[]
}

/** What one write and one sync take care of. */
export interface Group {
  /** How many items of the queue are done with it. */
  readonly taken: number
  readonly records: readonly PlannedRecord[]
  /** Where the segment's tail is after it. */
  readonly tail: number
  readonly commitIndex: Index
  /** Where the log ends after it. */
  readonly end: LogEnd
  /** The segment is full: the next group goes to the next one, which must have room for records of so many bytes after its base. */
  readonly next: { readonly bytes: number } | undefined
}

/** What groups follow on: the segment as it is, the commitIndex that it has, and the log's end. */
export interface Written {
  readonly segment: Segment
  readonly commitIndex: Index
  readonly end: LogEnd
}

/** No record has a larger payload, unless it is a single batch: what a read has to load at once. */
const MAX_RECORD_BYTES = 1024 * 1024
/** No group is larger, unless it is a single batch: what one sync has to carry, and what a start writes once more. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024

export const encodeItem = (turn: Turn, batch: EntryBatch): EncodedBatch => {
  const pieces: Uint8Array[] = []
  const bytes = encodeBatch(batch, pieces)
  const membership = batch.kind === 'membership' ? batch.membership : undefined
  return { type: 'batch', turn, firstIndex: batch.firstIndex, lastIndex: lastIndexOf(batch), term: batch.term, membership, pieces, bytes }
}

interface Run {
  readonly batches: EncodedBatch[]
  payloadBytes: number
}

const joins = (run: Run | undefined, batch: EncodedBatch): run is Run =>
  run !== undefined && run.batches.at(-1)!.lastIndex + 1 === batch.firstIndex && run.payloadBytes + batch.bytes <= MAX_RECORD_BYTES

/** The record that a segment begins with. */
interface Opening {
  readonly type: 'base' | 'install'
  readonly base: LogBase
  readonly payload: Uint8Array
}

const openingOf = (type: Opening['type'], base: LogBase): Opening => ({ type, base, payload: encodeBase(base) })

/**
 * What this segment still has to begin with, where there is room for it. Behind other records, or in a file that older versions read,
 * there is none: such a segment can never be the first one.
 */
const openingIn = ({ segment: { tail, header }, end }: Written, install: LogBase | undefined): Opening | undefined => {
  if (tail !== FIRST_RECORD || header.format !== FOLDER_FORMAT) return undefined
  const opening = install === undefined ? openingOf('base', baseOf(end)) : openingOf('install', install)
  return tail + recordBytes(opening.payload.length) + SEAL_BYTES > header.capacity ? undefined : opening
}

/** What of a queue goes into one group. */
interface Taken {
  readonly runs: readonly Run[]
  /** How many items of the queue they and what lies between them are. */
  readonly count: number
  readonly commitIndex: Index
  readonly isMarked: boolean
  /** The batch for which the segment has no room. */
  readonly rest: EncodedBatch | undefined
}

/** Takes from the front of the queue, as much as the segment has room for after `tail`. */
const takeRuns = (queue: readonly Queued[], from: number, tail: number, capacity: number, commitBefore: Index): Taken => {
  const runs: Run[] = []
  let commitIndex = commitBefore
  let isMarked = false
  let used = 0
  let at = from
  let rest: EncodedBatch | undefined
  for (; at < queue.length; at++) {
    const item = queue[at]!
    if (item.type === 'vote' || item.type === 'install') break
    if (item.type === 'commit') commitIndex = item.commitIndex
    if (item.type === 'mark') isMarked = true
    if (item.type !== 'batch') continue
    const run = runs.at(-1)
    const joined = joins(run, item)
    const added = joined ? recordBytes(run.payloadBytes + item.bytes) - recordBytes(run.payloadBytes) : recordBytes(item.bytes)
    if (tail + used + added + SEAL_BYTES > capacity) {
      rest = item
      break
    }
    if (used > 0 && used + added > MAX_GROUP_BYTES) break
    if (joined) {
      run.batches.push(item)
      run.payloadBytes += item.bytes
    } else runs.push({ batches: [item], payloadBytes: item.bytes })
    used += added
  }
  return { runs, count: at - from, commitIndex, isMarked, rest }
}

/**
 * Takes from the front of the queue what goes out together; stops before a vote and before an install, at the bounds, and where the
 * segment is full. The first group of a segment begins with the segment's base.
 */
export const planGroup = (queue: readonly Queued[], from: number, written: Written): Group => {
  const { segment: { tail, header: { capacity } }, commitIndex: commitBefore, end: before } = written
  const first = queue[from]
  const install = first?.type === 'install' ? first.base : undefined
  const opening = openingIn(written, install)
  if (install !== undefined && opening === undefined) {
    const sealed = placeRecords({ from: tail, commitBefore, commitIndex: commitBefore }, [], 'seal', undefined)
    return { ...sealed, taken: 0, commitIndex: commitBefore, end: before, next: { bytes: baseRecordBytes(install) } }
  }
  const skipped = install === undefined ? 0 : 1
  const begin = opening === undefined ? tail : tail + recordBytes(opening.payload.length)
  const { runs, count, commitIndex, isMarked, rest } = takeRuns(queue, from + skipped, begin, capacity, commitBefore)
  let end = install === undefined ? before : endAt(install)
  for (const { batches } of runs) end = batches.reduce(endAfter, end)
  const needsMark = runs.length === 0 && install === undefined && (isMarked || commitIndex !== commitBefore)
  const appended = runs.reduce((at, run) => at + recordBytes(run.payloadBytes), begin)
  const isFull = rest !== undefined || (needsMark && appended + 2 * SEAL_BYTES > capacity)
  const closing = isFull ? 'seal' : needsMark ? 'mark' : undefined
  const isWritten = runs.length > 0 || install !== undefined || closing !== undefined
  const placed = placeRecords({ from: tail, commitBefore, commitIndex }, runs, closing, isWritten ? opening : undefined)
  // Field by field, as in all that is made for every write: a spread costs more than the planning.
  return {
    records: placed.records, tail: placed.tail, taken: count + skipped, commitIndex, end,
    next: isFull ? { bytes: baseRecordBytes(baseOf(end)) + (rest === undefined ? 0 : recordBytes(rest.bytes)) } : undefined,
  }
}

/** Where a group's records begin, and the commitIndex before and after it. */
interface Frame {
  readonly from: number
  readonly commitBefore: Index
  readonly commitIndex: Index
}

/** The last record carries the new commitIndex: it must not be durable before what it counts. */
const placeRecords = (
  { from, commitBefore, commitIndex }: Frame, runs: readonly Run[], closing: 'seal' | 'mark' | undefined, opening: Opening | undefined,
): Pick<Group, 'records' | 'tail'> => {
  const records: PlannedRecord[] = []
  const count = runs.length + (opening === undefined ? 0 : 1) + (closing === undefined ? 0 : 1)
  let tail = from
  const place = (type: RecordHeader['type'], payloadBytes: number, pieces: readonly Uint8Array[], firstIndex: Index, lastIndex: Index): void => {
    const isLast = records.length === count - 1
    const header = { type, offset: tail, syncedTo: from, firstIndex, commitIndex: isLast ? commitIndex : commitBefore, payloadBytes }
    records.push({ header, lastIndex, pieces })
    tail += recordBytes(payloadBytes)
  }
  if (opening !== undefined) place(opening.type, opening.payload.length, [opening.payload], 0, opening.base.index)
  for (const { payloadBytes, batches } of runs) {
    const pieces = batches.length === 1 ? batches[0]!.pieces : batches.flatMap(batch => batch.pieces)
    place('append', payloadBytes, pieces, batches[0]!.firstIndex, batches.at(-1)!.lastIndex)
  }
  if (closing !== undefined) place(closing, 0, [], 0, 0)
  return { records, tail }
}

/** Pieces below this are copied together: one long write costs less than many short ones. */
const COPY_BELOW_BYTES = 16 * 1024

const isLarge = (piece: Uint8Array): boolean => piece.length >= COPY_BELOW_BYTES

/** The group in the buffers of one gathered write; large bodies are not copied. What is copied stands in `room` until the next group does. */
export const encodeGroup = ({ records, tail }: Group, from: number, seed: number, room: Recycled): readonly Uint8Array[] => {
  let staged = tail - from
  for (const { pieces } of records) for (const piece of pieces) if (isLarge(piece)) staged -= piece.length
  const staging = roomIn(room, staged)
  const out: Uint8Array[] = []
  let start = 0
  let at = 0
  const flush = (): void => {
    if (at > start) out.push(staging.subarray(start, at))
    start = at
  }
  for (const { header, pieces } of records) {
    encodeRecordHeader(header, seed, staging, at)
    at += RECORD_HEADER_BYTES
    for (const piece of pieces) {
      if (isLarge(piece)) {
        flush()
        out.push(piece)
      } else {
        staging.set(piece, at)
        at += piece.length
      }
    }
    const end = at + recordBytes(header.payloadBytes) - RECORD_HEADER_BYTES - header.payloadBytes
    staging.fill(0, at, end)
    at = end
  }
  flush()
  return out
}
