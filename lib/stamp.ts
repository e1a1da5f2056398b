import { MAX_TIME } from './bounds.js'
import type { Leader } from './state.js'
import type { Millis } from './types.js'

/**
 * When a leader appends an entry, by the log: its wall clock says so, but never less than what is in the log. Where that is ahead, since a clock was set back or another
 * leader's is fast, the log's time goes on at half the pace of this machine's own clock: what expires by it does so late, and not only once the wall clock has caught up.
 */
export const stamp = (leader: Leader): Millis => {
  const { wall, now, stamped } = leader
  const time = Math.min(MAX_TIME, stamped.time + Math.floor((now - stamped.at) / 2))
  if (wall < time || wall > MAX_TIME) return time
  leader.stamped = { time: wall, at: now }
  return wall
}
