import { byteSink } from '../../codecs/recording/byte-sink.js'
import { type RunEnd, type SegmentHeader, writeEnd, writeEntries, writeRecord, writeSegmentStart } from '../../codecs/recording/segment.js'
import { type Parts, partsOf } from '../../codecs/recording/state.js'
import { writeTurn } from '../../codecs/recording/turns.js'
import type { Batch } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'

/** What is handed to the disk at once, but for a record that is larger. */
const PIECE_BYTES = 64 * 1024
/** Batches of the state's entries that are written beside one turn: a long log delays no turn for long. */
const BATCHES_PER_TURN = 512

/** The entries of a state of which some are still to be written. */
interface Remaining {
  readonly lists: Parts['lists']
  list: number
  next: number
}

/** Turns into bytes, segment after segment, each with the state from which its turns are folded. */
export interface SegmentWriter {
  /** Whether the state, but for its entries, fits into a segment. */
  begin(header: SegmentHeader, state: RaftState): boolean
  /** Whether it has been written; it has not when the segment has no room for it. */
  turn(state: RaftState, batch: Batch): boolean
  /** Whether all of the state with which the segment began is written. */
  isComplete(): boolean
  /** What is still missing of that state, as far as it fits, and how the run ended. */
  finish(end: RunEnd): void
  /** Bytes that wait to be taken. */
  length(): number
  isPieceFull(): boolean
  take(): Uint8Array
}

/** A segment takes state and turns up to `maxBytes`; the piece that reaches it and the end may go a little beyond. */
export const createSegmentWriter = (maxBytes: number): SegmentWriter => {
  const sink = byteSink(PIECE_BYTES + PIECE_BYTES / 4)
  let remaining: Remaining | undefined
  let written = 0

  const writeSome = (rest: Remaining): void => {
    const list = rest.lists[rest.list]
    if (list === undefined) return void (remaining = undefined)
    const end = Math.min(list.end, rest.next + BATCHES_PER_TURN)
    if (end > rest.next) written += writeEntries(sink, rest.list, list.batches, rest.next, end)
    rest.next = end
    if (end < list.end) return
    rest.list++
    rest.next = rest.lists[rest.list]?.start ?? 0
    if (rest.list === rest.lists.length) remaining = undefined
  }
  return {
    begin: (header, state) => {
      const { record, lists } = partsOf(state)
      written = writeSegmentStart(sink, header, record)
      remaining = { lists, list: 0, next: lists[0]?.start ?? 0 }
      return written <= maxBytes
    },
    turn: (state, batch) => {
      if (remaining !== undefined) writeSome(remaining)
      const start = sink.length()
      const bytes = writeRecord(sink, 'turn', () => writeTurn(sink, state, batch))
      const fits = written + bytes <= maxBytes
      if (fits) written += bytes
      else sink.truncate(start)
      return fits
    },
    isComplete: () => remaining === undefined,
    finish: end => {
      while (remaining !== undefined && written <= maxBytes) writeSome(remaining)
      writeEnd(sink, end)
    },
    length: sink.length,
    isPieceFull: () => sink.length() >= PIECE_BYTES,
    take: sink.take,
  }
}
