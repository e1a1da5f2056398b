import { byteSink } from '../../codecs/byte-sink.js'
import { type RunEnd, type SegmentHeader, writeEnd, writeEntries, writeRecord, writeSegmentStart } from '../../codecs/recording/segment.js'
import { type StateParts, partsOf } from '../../codecs/recording/state.js'
import { writeTurn } from '../../codecs/recording/turns.js'
import type { Batch } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'

/** What is handed to the disk at once, but for a record that is larger, and what of a state is written at once: a long log delays no turn for long. */
const PIECE_BYTES = 64 * 1024
/** Batches of the state's entries in one record. */
const BATCHES_PER_RECORD = 512

/** The entries of a state of which some are still to be written. */
interface Remaining {
  readonly lists: StateParts['lists']
  list: number
  next: number
}

/** Turns into bytes, segment after segment, each with the state from which its turns are folded. */
export interface SegmentWriter {
  /** Whether the state, but for its entries, fits into a segment. */
  begin(header: SegmentHeader, state: RaftState): boolean
  /** Whether it has been written; it has not when the segment has no room for it. */
  turn(state: RaftState, batch: Batch): boolean
  /** Writes the next piece of the state with which the segment began. */
  more(): void
  /** Whether all of the state with which the segment began is written. */
  isComplete(): boolean
  /** What is still missing of that state, as far as it fits, and how the run ended. */
  finish(end: RunEnd): void
  /** Bytes that wait to be taken. */
  length(): number
  isPieceFull(): boolean
  take(): Uint8Array
}

/** How large a segment may become. */
export interface SegmentBounds {
  /** State and turns together. */
  readonly maxBytes: number
  /** The state alone, at most half of it: turns never outrun the state that is written beside them. */
  readonly maxStateBytes: number
}

export const createSegmentWriter = ({ maxBytes, maxStateBytes }: SegmentBounds): SegmentWriter => {
  const sink = byteSink(PIECE_BYTES + PIECE_BYTES / 4)
  let remaining: Remaining | undefined
  let written = 0
  let stateBytes = 0

  /** Writes a record of the state's entries, and returns its bytes. */
  const writeSome = (rest: Remaining): number => {
    const list = rest.lists[rest.list]!
    const end = Math.min(list.end, rest.next + BATCHES_PER_RECORD)
    const bytes = end > rest.next ? writeEntries(sink, rest.list, list.batches, rest.next, end) : 0
    rest.next = end
    if (end === list.end) {
      rest.list++
      rest.next = rest.lists[rest.list]?.start ?? 0
      if (rest.list === rest.lists.length) remaining = undefined
    }
    written += bytes
    stateBytes += bytes
    return bytes
  }
  const writeUpTo = (most: number): void => {
    for (let bytes = 0; remaining !== undefined && bytes < most && stateBytes <= maxStateBytes;) bytes += writeSome(remaining)
  }
  return {
    begin: (header, state) => {
      const { record, lists } = partsOf(state)
      written = writeSegmentStart(sink, header, record)
      stateBytes = written
      remaining = { lists, list: 0, next: lists[0]?.start ?? 0 }
      return stateBytes <= maxStateBytes
    },
    turn: (state, batch) => {
      const start = sink.length()
      const bytes = writeRecord(sink, 'turn', () => writeTurn(sink, state, batch))
      const fits = written + bytes <= maxBytes && stateBytes <= maxStateBytes
      if (fits) {
        written += bytes
        writeUpTo(Math.max(bytes, PIECE_BYTES))
      } else sink.truncate(start)
      return fits
    },
    more: () => writeUpTo(PIECE_BYTES),
    isComplete: () => remaining === undefined,
    finish: end => {
      writeUpTo(Number.POSITIVE_INFINITY)
      writeEnd(sink, end)
    },
    length: sink.length,
    isPieceFull: () => sink.length() >= PIECE_BYTES,
    take: sink.take,
  }
}
