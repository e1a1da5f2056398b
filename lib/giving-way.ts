/**
 * Whoever is to become a voter gives way to commands while it catches up: after each thing that it is sent it rests, so that the writers keep
 * most of what they had.
 *
 *     sent ──── on its way, then worked on ────► answered
 *     └──────────── five times as long as it was worked on ────────────► the next is sent
 *
 * In each lap it may do so for half as long as in the one before, so it catches up under any load under which it would at full speed.
 */
import { isVoter } from './membership.js'
import type { Progress } from './progress.js'
import { type Leader, membership } from './state.js'
import type { Arrival } from './window.js'

/** So much of the time is the new voter's. */
const TIME_SHARE = 0.2
/** So much of what a message may hold it gets in one: entries take longer to apply than to send. */
const BYTES_SHARE = 0.25

/** Whether somebody waits for a command, or did a moment ago. */
const isBusy = ({ uncommittedBytes, committedAt, now, settings: { heartbeatMs } }: Leader): boolean => uncommittedBytes > 0 || now - committedAt < heartbeatMs

/** Whether it does so now: it catches up, its time for that is not over, and there is somebody to give way to. */
const givesWay = (leader: Leader, { id, lap }: Progress): boolean =>
  lap.to > 0 && leader.now - lap.since < lap.giveWayMs && isBusy(leader) && !isVoter(membership(leader), id)

/** Something has arrived: how long that kept it at work. */
export const noteWork = ({ now }: Leader, progress: Progress, { since }: Arrival): void => {
  progress.workMs = Math.max(0, now - since)
}

/** Something was sent to it. No rest is longer than a heartbeat: what takes longer takes the link's time, and not that of the writers. */
export const rest = (leader: Leader, progress: Progress): void => {
  const { now, settings: { heartbeatMs } } = leader
  if (givesWay(leader, progress)) progress.restsUntil = now + Math.min(progress.workMs / TIME_SHARE, heartbeatMs)
}

/** While it rests, nothing but life signs goes to it. */
export const isResting = (leader: Leader, progress: Progress): boolean => leader.now < progress.restsUntil && givesWay(leader, progress)

/** How many bytes of entries it gets in one message at most. */
export const appendBytes = (leader: Leader, progress: Progress): number => {
  const { maxAppendBytes } = leader.settings
  return givesWay(leader, progress) ? maxAppendBytes * BYTES_SHARE : maxAppendBytes
}
