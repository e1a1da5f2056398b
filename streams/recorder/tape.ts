import { randomBytes } from 'node:crypto'
import type { RunEnd } from '../../codecs/recording/segment.js'
import type { Batch } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'
import type { CheckedRecorderOptions } from './options.js'
import type { RecordedMember } from './port.js'
import { createSegmentRing } from './segment-ring.js'
import { createSegmentWriter } from './segment-writer.js'

/** So many segments share the room: when a new one begins, a quarter of the recording goes at most. */
const SEGMENTS = 4
/** How much of a segment is for its state and turns, and half of it for the state; the rest is for what ends it. */
const FILLED = 0.8
const STATE = FILLED / 2
/** What was recorded is handed to the disk after so long at the latest, by the clock of the turns: a member ticks more often. */
const FLUSH_MS = 200

/** The recording of one run on its way to the disk: turns go into a segment until it is full, then into the next. */
export interface Tape {
  /** Begins the next segment with this state, `dropped` turns after the last one. Returns why that cannot be, if it cannot. */
  begin(state: RaftState, batch: Batch, dropped: number): string | undefined
  /** Adds a turn, in a new segment when it has to be. Returns why that cannot be, if it cannot. */
  add(state: RaftState, batch: Batch): string | undefined
  /** Hands to the disk what there is. */
  flush(): void
  /** Bytes that wait: for the disk, or to be handed to it. */
  waiting(): number
  /** Ends the recording with `end`, where it is sound up to here. */
  close(end: RunEnd | undefined, done: () => void): void
}

export const createTape = ({ disk, folder, maxBytes }: CheckedRecorderOptions, member: RecordedMember, failed: (reason: string) => void): Tape => {
  const segmentBytes = Math.floor(maxBytes / SEGMENTS)
  const run = randomBytes(8).toString('hex')
  const writer = createSegmentWriter({ maxBytes: segmentBytes * FILLED, maxStateBytes: segmentBytes * STATE })
  const ring = createSegmentRing({
    disk, folder, maxBytes, segmentBytes, failed: error => failed(error.message),
    // Until all of its state is there a segment cannot be replayed: it goes on as fast as the disk takes it, turn or no turn.
    rested: () => {
      if (writer.isComplete()) return
      writer.more()
      flush()
    },
  })
  let segment = 0
  let flushedAt = 0

  const stateTooLarge = `the state of this member takes more than a tenth of maxBytes = ${maxBytes}`
  const turnTooLarge = `a turn of this member takes more than a tenth of maxBytes = ${maxBytes}`
  const flush = (): void => {
    if (writer.length() > 0) ring.append(writer.take())
  }
  const begin: Tape['begin'] = (state, { wall, now }, dropped) => {
    flush()
    const fits = writer.begin({ ...member, run, segment: ++segment, turn: state.turn, wall, dropped }, state)
    ring.begin()
    flushedAt = now
    return fits ? undefined : stateTooLarge
  }
  const fit: Tape['add'] = (state, batch) => {
    if (writer.turn(state, batch)) return undefined
    if (!writer.isComplete()) return stateTooLarge
    return begin(state, batch, 0) ?? (writer.turn(state, batch) ? undefined : turnTooLarge)
  }
  return {
    begin, flush,
    add: (state, batch) => {
      const fault = fit(state, batch)
      if (fault === undefined && (writer.isPieceFull() || batch.now - flushedAt >= FLUSH_MS)) {
        flush()
        flushedAt = batch.now
      }
      return fault
    },
    waiting: () => ring.held() + writer.length(),
    close: (end, done) => {
      if (end !== undefined) {
        writer.finish(end)
        flush()
      }
      ring.close(done)
    },
  }
}
