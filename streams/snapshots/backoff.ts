import type { Limits } from '../../codecs/options.js'
import type { Millis } from '../../lib/types.js'
import type { Cancel, Clock } from '../time/clock.js'

/** The wait before what has failed is tried again: twice as long each time, up to the longest. */
export interface Backoff {
  /** Calls `again` after the wait, in place of whatever waits; tells how long it is. */
  wait(again: () => void): Millis
  isWaiting(): boolean
  /** Calls off what waits. */
  cancel(): void
  /** It went well: the next wait is the shortest. */
  reset(): void
}

export type BackoffLimits = Pick<Limits, 'snapshotRetryMs' | 'snapshotRetryMaxMs'>

export const createBackoff = ({ snapshotRetryMs, snapshotRetryMaxMs }: BackoffLimits, clock: Pick<Clock, 'after'>): Backoff => {
  let next = snapshotRetryMs
  let waiting: Cancel | undefined
  const cancel = (): void => {
    waiting?.()
    waiting = undefined
  }
  return {
    wait: again => {
      const ms = next
      next = Math.min(2 * ms, snapshotRetryMaxMs)
      cancel()
      waiting = clock.after(ms, () => {
        waiting = undefined
        again()
      })
      return ms
    },
    isWaiting: () => waiting !== undefined,
    cancel,
    reset: () => { next = snapshotRetryMs },
  }
}
