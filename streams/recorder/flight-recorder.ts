import { resolve } from 'node:path'
import { messageOf } from '../../codecs/report.js'
import type { Batch } from '../../lib/events.js'
import { isLeft, right } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import { type CheckedRecorderOptions, type FlightRecorderOptions, checkRecorderOptions } from './options.js'
import type { RecordedMember, Recorder, RecorderNotice, Recording } from './port.js'
import { createTape } from './tape.js'

/**
 *     idle ── first turn ──► recording ── the buffer is full ──► behind
 *                             │  ▲                                 │
 *                             │  └─── all is written: new segment ─┘
 *                             └── a failure ──► stopped
 */
type Phase = 'idle' | 'recording' | 'behind' | 'stopped'

const record = (options: CheckedRecorderOptions, member: RecordedMember, notice: (notice: RecorderNotice) => void): Recording => {
  let phase: Phase = 'idle'
  let dropped = 0

  const stop = (reason: string): void => {
    if (phase === 'stopped') return
    phase = 'stopped'
    notice({ type: 'recorderStopped', reason })
  }
  const tape = createTape(options, member, stop)

  /** Turns are left out from here on, this one included. */
  const fallBehind = (): void => {
    tape.flush()
    dropped = 1
    phase = 'behind'
    notice({ type: 'recorderBehind', bound: 'maxBufferBytes' })
  }
  const begin = (state: RaftState, batch: Batch): string | undefined => {
    const fault = tape.begin(state, batch, dropped)
    if (fault === undefined && phase === 'behind') notice({ type: 'recorderResumed', dropped })
    phase = 'recording'
    dropped = 0
    return fault
  }
  const take = (state: RaftState, batch: Batch): void => {
    const waiting = tape.waiting()
    if (phase === 'behind' && waiting > 0) return void dropped++
    if (waiting > options.maxBufferBytes) return fallBehind()
    const fault = (phase === 'recording' ? undefined : begin(state, batch)) ?? tape.add(state, batch)
    if (fault !== undefined) stop(fault)
  }
  /** Whatever goes wrong in here is the recording's end and nobody else's. */
  const safely = (act: () => void): void => {
    try {
      act()
    } catch (thrown) {
      stop(messageOf(thrown))
    }
  }

  return {
    record: (state, batch) => {
      if (phase !== 'stopped') safely(() => take(state, batch))
    },
    close: (end, done) => {
      if (phase === 'behind') stop(`the disk did not catch up: the last ${dropped} turns are in no segment`)
      let isClosing = false
      safely(() => {
        tape.close(phase === 'recording' ? end : undefined, done)
        isClosing = true
      })
      if (!isClosing) tape.close(undefined, done)
    },
  }
}

/**
 * Keeps the latest turns of a member in `folder`, which is its alone: every input with its time and the state to begin with, without the
 * bytes of commands. `npx rxraft replay` makes the same steps again. Costs a few microseconds a turn, never a wait and never a
 * sync; whatever befalls the recording, the member runs on.
 */
export const flightRecorder = (given: string, options: FlightRecorderOptions = {}): Recorder => {
  // Now, for the process may work in another folder later.
  const folder = typeof given === 'string' && given !== '' ? resolve(given) : given
  return {
    open: (member, notice) => {
      const checked = checkRecorderOptions(folder, options)
      return isLeft(checked) ? checked : right(record(checked.right, member, notice))
    },
  }
}
