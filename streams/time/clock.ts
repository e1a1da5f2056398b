import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import type { Millis } from '../../lib/types.js'

/** Takes back what was to happen later; without effect once it has happened. */
export type Cancel = () => void

/** All that a member knows of time. A parameter everywhere, so that the same code runs in virtual time. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; everything is decided by it. */
  now(): Millis
  /** Milliseconds since 1970, stamped on entries and never compared. */
  wall(): Millis
  /** Calls `work` once, no sooner than `ms` from now. */
  after(ms: Millis, work: () => void): Cancel
  /** Calls `work` once what the sockets delivered in this turn of the event loop has been heard. */
  endOfTurn(work: () => void): Cancel
}

const after = (ms: Millis, work: () => void): Cancel => {
  let timer: NodeJS.Timeout
  const wait = (left: Millis): void => {
    timer = setTimeout(left > MAX_TIMER_MS ? () => wait(left - MAX_TIMER_MS) : work, Math.min(left, MAX_TIMER_MS))
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** This machine's time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after,
  endOfTurn: work => {
    const immediate = setImmediate(work)
    return () => clearImmediate(immediate)
  },
}
