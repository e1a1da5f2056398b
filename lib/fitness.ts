/** Whether a member is fit to lead. */
import { membershipsFrom } from './log.js'
import { isAlone, isVoter } from './membership.js'
import { type RaftState, isLacking, membership } from './state.js'
import type { Millis } from './types.js'

/** How long the disk has been at work on what it has made nothing durable of: what waits for its turn in a queue that moves does not count. */
export const stuckMs = (state: RaftState): Millis => {
  const oldest = state.pendingWrites[0]
  return oldest === undefined ? 0 : state.now - Math.max(oldest.since, state.writtenAt)
}

/** Whether the disk is too slow for this member to lead, where another could. */
export const isDiskSlow = (state: RaftState): boolean =>
  stuckMs(state) > state.settings.electionTimeoutMs && !isAlone(membership(state), state.settings.id)

/** Whether the machine has yet to apply what was committed when this member started, or to take in a snapshot: it could not serve as leader. */
export const isReplaying = (state: RaftState): boolean => state.appliedIndex < state.replayTo || state.receiving?.phase === 'restoring'

/**
 * Whether it votes by any membership from the one on that is known to be committed. Until the newest is committed, perhaps only members that it
 * leaves out hold it, and those that it keeps cannot win against their logs (dissertation §4.2.2). One between the two may have been committed,
 * though nobody may know that any more.
 */
export const mayBeVoter = ({ log, commitIndex, settings: { id } }: RaftState): boolean =>
  membershipsFrom(log, commitIndex).some(membership => isVoter(membership, id))

/** Whether this member could serve as leader, and so may stand for election when its wait is over. */
export const mayStand = (state: RaftState): boolean =>
  mayBeVoter(state) && !isDiskSlow(state) && !isReplaying(state) && !isLacking(state) && !state.isNewcomer
