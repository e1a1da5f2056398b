import type { Millis } from '../../../lib/types.js'
import { type Clock, systemClock } from '../../../streams/time/clock.js'

/** This machine's time, as told by clocks that somebody turns. */
export interface SteeredClock extends Clock {
  /** From now on the wall clock is so far ahead, and the monotonic one runs at this rate. */
  steer(wallAheadMs: Millis, rate: number): void
}

export const steeredClock = (): SteeredClock => {
  let wallAhead = 0
  let speed = 1
  let since = systemClock.now()
  let shown = since
  const now = (): Millis => shown + (systemClock.now() - since) * speed
  return {
    ...systemClock,
    now,
    wall: () => systemClock.wall() + wallAhead,
    after: (ms, work) => systemClock.after(ms / speed, work),
    steer: (wallAheadMs, rate) => {
      // Monotonic for good: what was shown stays.
      shown = now()
      since = systemClock.now()
      wallAhead = wallAheadMs
      speed = rate
    },
  }
}
