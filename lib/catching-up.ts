/**
 * How a new voter catches up (dissertation §4.2.1): in laps, each over what the log held when the lap began. One that takes an election timeout at
 * most is the last.
 */
import { isActive } from './contact.js'
import { NO_LAP, type Progress } from './progress.js'
import type { Leader } from './state.js'

const hasRun = (leader: Leader, progress: Progress): boolean => progress.matchIndex >= progress.lap.to && isActive(leader, progress)

/** Whether it has what the log held within the last election timeout, so that nothing waits longer than that for it once it decides. */
export const hasCaughtUp = (leader: Leader, progress: Progress): boolean => {
  const { now, settings: { electionTimeoutMs } } = leader
  return progress.lap.to > 0 && now - progress.lap.since <= electionTimeoutMs && hasRun(leader, progress)
}

/** A lap that took longer is followed by another, over what was appended meanwhile. In the first it may give way for `giveWayMs`. */
export const runLap = (leader: Leader, progress: Progress): void => {
  if (!hasRun(leader, progress) || hasCaughtUp(leader, progress)) return
  const { log, now, settings: { giveWayMs } } = leader
  const { lap } = progress
  progress.lap = { to: log.lastIndex, since: now, giveWayMs: lap.to === 0 ? giveWayMs : Math.min(lap.giveWayMs, now - lap.since) / 2 }
}

/** Nobody waits for it any more. */
export const endLaps = (progress: Progress): void => { progress.lap = NO_LAP }
