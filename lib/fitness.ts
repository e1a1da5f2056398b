/** Whether a member is fit to lead. */
import { membershipsFrom } from './log.js'
import { isAlone, isVoter } from './membership.js'
import { type RaftState, isLacking, membership } from './state.js'
import type { Millis } from './types.js'

/** How long the oldest write has been on its way to the disk. */
export const oldestWriteMs = (state: RaftState): Millis => {
  const oldest = state.pendingWrites[0]
  return oldest === undefined ? 0 : state.now - oldest.since
}

/** Whether the disk is too slow for this member to lead, where another could. */
export const isDiskSlow = (state: RaftState): boolean =>
  oldestWriteMs(state) > state.settings.electionTimeoutMs && !isAlone(membership(state), state.settings.id)

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
