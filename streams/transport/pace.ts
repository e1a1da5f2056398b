/**
 * How much of what may be large is on its way over one link. What lies in the buffers of two systems nothing overtakes; so only as much leaves as the link
 * has been seen to carry without delaying what cores say behind it.
 *
 *     frames that leave whole ─► half a window of them: the next is a part ─► its receipt: all up to here has arrived
 *                                        more leave behind it, up to the window ─┘
 */
import type { Millis } from '../../lib/types.js'
import { type Arrival, LEAST_PART_BYTES, LEAST_WINDOW_BYTES, arrivesInTime, narrowed, widened } from '../../lib/window.js'
import type { Clock } from '../time/clock.js'

export interface Pace {
  /** Whether so many bytes may leave now, without anything that asks for a receipt. */
  fits(bytes: number): boolean
  /** How large a part may leave now; 0 while a receipt is awaited. */
  partBytes(): number
  /** So many bytes left. */
  left(bytes: number): void
  /** So many bytes left as a part, and ask for a receipt. */
  asked(bytes: number): void
  /** Whether a receipt was awaited. */
  arrived(): boolean
}

/** What is late by more than `promptMs` is too much at a time. */
export const createPace = ({ now }: Pick<Clock, 'now'>, promptMs: Millis): Pace => {
  let windowBytes = LEAST_WINDOW_BYTES
  /** What left and is not known to have arrived, up to the part that asks where there is one; and since when it arrives. */
  let ahead: Arrival = { bytes: 0, since: 0 }
  /** When that part left. */
  let askedAt: Millis | undefined
  /** What left after it: it arrives from the receipt on. */
  let behind = 0

  /** Half a window or more has left, and at this rate a whole one arrives in time. */
  const isFast = (at: Millis): boolean => ahead.bytes > windowBytes / 2 && arrivesInTime(windowBytes, ahead, at, promptMs)
  const leaves = (bytes: number): void => { ahead = { bytes: ahead.bytes + bytes, since: ahead.bytes === 0 ? now() : ahead.since } }
  return {
    fits: bytes => askedAt === undefined ? ahead.bytes + bytes <= windowBytes / 2 : ahead.bytes + behind + bytes <= windowBytes,
    partBytes: () => askedAt === undefined ? Math.max(LEAST_PART_BYTES, windowBytes - ahead.bytes) : 0,
    left: bytes => {
      if (askedAt === undefined) leaves(bytes)
      else behind += bytes
    },
    asked: bytes => {
      leaves(bytes)
      askedAt = now()
    },
    arrived: () => {
      if (askedAt === undefined) return false
      const at = now()
      if (at - askedAt > promptMs) windowBytes = narrowed(windowBytes)
      else if (isFast(at)) windowBytes = widened(windowBytes)
      ahead = { bytes: behind, since: at }
      behind = 0
      askedAt = undefined
      return true
    },
  }
}
