import { randomBytes } from 'node:crypto'
import { messageOf } from '../../codecs/report.js'
import { isLeft, right } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { Batch } from '../../lib/events.js'
import { type CheckedRecorderOptions, type FlightRecorderOptions, checkRecorderOptions } from './options.js'
import type { RecordedMember, Recorder, RecorderNotice, Recording } from './port.js'
import { createSegmentRing } from './segment-ring.js'
import { createSegmentWriter } from './segment-writer.js'

/** So many segments share the room: when a new one begins, a quarter of the recording goes at most. */
const SEGMENTS = 4
/** What was recorded is handed to the disk after so long at the latest, by the clock of the turns: a member ticks more often. */
const FLUSH_MS = 200
/** How much of a segment is for its state and turns; the rest is for what ends it. */
const FILLED = 0.75

/**
 *     idle ── first turn ──► recording ── the buffer is full ──► behind
 *                             │  ▲                                 │
 *                             │  └─── all is written: new segment ─┘
 *                             └── a failure ──► stopped
 */
type Phase = 'idle' | 'recording' | 'behind' | 'stopped'

const record = (options: CheckedRecorderOptions, member: RecordedMember, notice: (notice: RecorderNotice) => void): Recording => {
  const { disk, folder, maxBytes, maxBufferBytes } = options
  const segmentBytes = Math.floor(maxBytes / SEGMENTS)
  const run = randomBytes(8).toString('hex')
  let phase: Phase = 'idle'
  let segment = 0
  let dropped = 0
  let flushedAt = 0

  const stop = (reason: string): void => {
    if (phase === 'stopped') return
    phase = 'stopped'
    notice({ type: 'recorderStopped', reason })
  }
  const writer = createSegmentWriter(Math.floor(segmentBytes * FILLED))
  const ring = createSegmentRing({ disk, folder, maxBytes, segmentBytes, failed: error => stop(error.message) })

  const flush = (): void => {
    if (writer.length() > 0) ring.append(writer.take())
  }
  const tooLarge = (what: string): void => stop(`a ${what} of this member does not fit into a segment, a quarter of maxBytes = ${maxBytes}`)
  const begin = (state: RaftState, { wall, now }: Batch): void => {
    flush()
    ring.begin()
    if (!writer.begin({ ...member, run, segment: ++segment, turn: state.turn, wall, dropped }, state)) return tooLarge('state')
    if (phase === 'behind') notice({ type: 'recorderResumed', dropped })
    dropped = 0
    flushedAt = now
    phase = 'recording'
  }
  /** Turns are left out from here on, this one included. */
  const fallBehind = (): void => {
    flush()
    dropped++
    phase = 'behind'
    notice({ type: 'recorderBehind', bound: 'maxBufferBytes' })
  }
  const write = (state: RaftState, batch: Batch): void => {
    if (writer.turn(state, batch)) return
    if (!writer.isComplete()) return tooLarge('state')
    begin(state, batch)
    if (phase === 'recording' && !writer.turn(state, batch)) tooLarge('turn')
  }
  const take = (state: RaftState, batch: Batch): void => {
    if (phase === 'behind' && ring.held() > 0) {
      dropped++
      return
    }
    if (ring.held() + writer.length() > maxBufferBytes) return fallBehind()
    if (phase !== 'recording') begin(state, batch)
    if (phase === 'recording') write(state, batch)
    if (phase !== 'recording' || !writer.isPieceFull() && batch.now - flushedAt < FLUSH_MS) return
    flush()
    flushedAt = batch.now
  }

  return {
    record: (state, batch) => {
      if (phase === 'stopped') return
      try {
        take(state, batch)
      } catch (thrown) {
        stop(messageOf(thrown))
      }
    },
    close: (end, done) => {
      if (phase === 'recording') {
        try {
          writer.finish(end)
          flush()
        } catch (thrown) {
          stop(messageOf(thrown))
        }
      }
      if (phase === 'behind') stop(`the disk did not catch up: the last ${dropped} turns are in no segment`)
      ring.close(done)
    },
  }
}

/**
 * Keeps the latest turns of a member in `folder`, which is its alone: every input with its time and the state to begin with, without the
 * bytes of commands. `npx rxraft replay` makes the same steps again. Costs a few microseconds a turn, never a wait and never a
 * sync; whatever befalls the recording, the member runs on.
 */
export const flightRecorder = (folder: string, options: FlightRecorderOptions = {}): Recorder => ({
  open: (member, notice) => {
    const checked = checkRecorderOptions(folder, options)
    return isLeft(checked) ? checked : right(record(checked.right, member, notice))
  },
})
