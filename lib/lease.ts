/**
 * Reads without a round of questions (dissertation §6.4.1):
 *
 *     follower hears the leader ──► promises, with its answer, to help elect nobody for so long ──► a quorum has promised ──► nobody else can lead meanwhile
 *
 * The leader counts from when it asked, which is earlier than when it was heard, and trusts four fifths of what was promised: so this is right as long as no clock
 * runs a quarter faster than another. A clock that stands still while others run, as on a machine that is suspended, is wrong by more.
 */
import { quorumReached } from './agreement.js'
import type { AppendAccepted } from './messages.js'
import type { Progress } from './progress.js'
import { dateOf } from './rounds.js'
import type { Follower, Leader, RaftState } from './state.js'
import type { Millis } from './types.js'

/** How much of a promise the leader relies on: clocks may differ by the rest. */
const TRUSTED = 0.8

/** Whoever hears the leader will help nobody else for so long, whatever it learns meanwhile. */
export const givePromise = (follower: Follower): void => {
  follower.promisedUntil = Math.max(follower.promisedUntil, follower.now + follower.settings.readLeaseMs)
}

/** Whether this member has promised not to help elect anyone; after a start it may have done so before. */
export const isBound = ({ now, promisedUntil }: RaftState): boolean => now < promisedUntil

export const takePromise = (progress: Progress, { round, promisedMs }: AppendAccepted): void => {
  if (promisedMs > 0) progress.promisedUntil = Math.max(progress.promisedUntil, dateOf(round) + TRUSTED * promisedMs)
}

const promiseOf = ({ promisedUntil }: Progress): Millis => promisedUntil

/** Whether nobody else can have been elected by now: a quorum has promised so, and this leader has asked nobody to stand. */
export const holdsLease = (leader: Leader): boolean => {
  const { settings: { readLeaseMs }, now, hasAskedToStand } = leader
  if (readLeaseMs === 0 || hasAskedToStand) return false
  return now < quorumReached(leader, Number.POSITIVE_INFINITY, promiseOf)
}
