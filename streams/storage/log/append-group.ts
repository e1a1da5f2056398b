import { encodeBatch } from '../../../codecs/batches.js'
import { lastIndexOf } from '../../../lib/batch.js'
import type { EntryBatch, HardState, Index, Turn } from '../../../lib/types.js'
import { RECORD_HEADER_BYTES, type RecordHeader, SEAL_BYTES, encodeRecordHeader, recordBytes } from './segment.js'
import type { Segment } from './segment-files.js'

/** A batch in the bytes that go to disk. */
export interface EncodedBatch {
  readonly type: 'batch'
  readonly turn: Turn
  readonly firstIndex: Index
  readonly lastIndex: Index
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
  | { readonly type: 'mark'; readonly turn: Turn }
  | { readonly type: 'end'; readonly turn: Turn }
  | { readonly type: 'then'; readonly turn: Turn; readonly work: () => void }

/** A record as it will stand in the segment. */
export interface PlannedRecord {
  readonly header: RecordHeader
  readonly lastIndex: Index
  readonly batches: readonly EncodedBatch[]
}

/** What one write and one sync take care of. */
export interface Group {
  /** How many items of the queue are done with it. */
  readonly taken: number
  readonly records: readonly PlannedRecord[]
  /** Where the segment's tail is after it. */
  readonly tail: number
  readonly commitIndex: Index
  /** The segment is full: the next group goes to the next one, which must have room for this payload. */
  readonly next: { readonly payloadBytes: number } | undefined
}

/** No record has a larger payload, unless it is a single batch: what a read has to load at once. */
const MAX_RECORD_BYTES = 1024 * 1024
/** No group is larger, unless it is a single batch: what one sync has to carry, and what a start writes once more. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024

export const encodeItem = (turn: Turn, batch: EntryBatch): EncodedBatch => {
  const pieces: Uint8Array[] = []
  const bytes = encodeBatch(batch, pieces)
  return { type: 'batch', turn, firstIndex: batch.firstIndex, lastIndex: lastIndexOf(batch), pieces, bytes }
}

interface Run {
  readonly batches: EncodedBatch[]
  payloadBytes: number
}

const joins = (run: Run | undefined, batch: EncodedBatch): run is Run =>
  run !== undefined && run.batches.at(-1)!.lastIndex + 1 === batch.firstIndex && run.payloadBytes + batch.bytes <= MAX_RECORD_BYTES

/** Takes from the front of the queue what goes out together; stops before a vote, at the bounds, and where the segment is full. */
export const planGroup = (queue: readonly Queued[], from: number, { tail, header: { capacity } }: Segment, commitBefore: Index): Group => {
  const runs: Run[] = []
  let commitIndex = commitBefore
  let isMarked = false
  let used = 0
  let taken = from
  let next: Group['next']
  for (; taken < queue.length; taken++) {
    const item = queue[taken]!
    if (item.type === 'vote') break
    if (item.type === 'commit') commitIndex = item.commitIndex
    if (item.type === 'mark') isMarked = true
    if (item.type !== 'batch') continue
    const run = runs.at(-1)
    const joined = joins(run, item)
    const added = joined ? recordBytes(run.payloadBytes + item.bytes) - recordBytes(run.payloadBytes) : recordBytes(item.bytes)
    if (tail + used + added + SEAL_BYTES > capacity) {
      next = { payloadBytes: item.bytes }
      break
    }
    if (used > 0 && used + added > MAX_GROUP_BYTES) break
    if (joined) {
      run.batches.push(item)
      run.payloadBytes += item.bytes
    } else runs.push({ batches: [item], payloadBytes: item.bytes })
    used += added
  }
  const needsMark = runs.length === 0 && (isMarked || commitIndex !== commitBefore)
  return { taken: taken - from, commitIndex, ...placeRecords(runs, needsMark, next, tail, capacity, commitBefore, commitIndex) }
}

/** The last record carries the new commitIndex: it must not be durable before what it counts. */
const placeRecords = (
  runs: readonly Run[], needsMark: boolean, next: Group['next'], from: number, capacity: number, commitBefore: Index, commitIndex: Index,
): Pick<Group, 'records' | 'tail' | 'next'> => {
  const appended = runs.reduce((tail, run) => tail + recordBytes(run.payloadBytes), from)
  const isFull = next !== undefined || (needsMark && appended + 2 * SEAL_BYTES > capacity)
  const closing = isFull ? 'seal' : needsMark ? 'mark' : undefined
  const records: PlannedRecord[] = []
  let tail = from
  const place = (type: RecordHeader['type'], payloadBytes: number, batches: readonly EncodedBatch[]): void => {
    const isLast = records.length === runs.length - (closing === undefined ? 1 : 0)
    const header = { type, offset: tail, syncedTo: from, firstIndex: batches[0]?.firstIndex ?? 0, commitIndex: isLast ? commitIndex : commitBefore, payloadBytes }
    records.push({ header, lastIndex: batches.at(-1)?.lastIndex ?? 0, batches })
    tail += recordBytes(payloadBytes)
  }
  for (const { payloadBytes, batches } of runs) place('append', payloadBytes, batches)
  if (closing !== undefined) place(closing, 0, [])
  return { records, tail, next: isFull ? next ?? { payloadBytes: 0 } : undefined }
}

/** Pieces below this are copied together: one long write costs less than many short ones. */
const COPY_BELOW_BYTES = 16 * 1024

const isLarge = (piece: Uint8Array): boolean => piece.length >= COPY_BELOW_BYTES

/** The group in the buffers of one gathered write; large bodies are not copied. */
export const encodeGroup = ({ records, tail }: Group, from: number, seed: number): readonly Uint8Array[] => {
  const pieces = records.flatMap(({ batches }) => batches.flatMap(batch => batch.pieces))
  const staging = new Uint8Array(pieces.reduce((rest, piece) => (isLarge(piece) ? rest - piece.length : rest), tail - from))
  const out: Uint8Array[] = []
  let start = 0
  let at = 0
  const flush = (): void => {
    if (at > start) out.push(staging.subarray(start, at))
    start = at
  }
  for (const { header, batches } of records) {
    encodeRecordHeader(header, seed, staging, at)
    at += RECORD_HEADER_BYTES
    for (const { pieces } of batches) {
      for (const piece of pieces) {
        if (isLarge(piece)) {
          flush()
          out.push(piece)
        } else {
          staging.set(piece, at)
          at += piece.length
        }
      }
    }
    at += recordBytes(header.payloadBytes) - RECORD_HEADER_BYTES - header.payloadBytes
  }
  flush()
  return out
}
