import { quorumReached } from './agreement.js'
import { termAt } from './log.js'
import type { Progress } from './progress.js'
import type { Leader } from './state.js'
import type { Index } from './types.js'

/** The last entry that a follower is known to have on its disk. */
export const matchIndexOf = ({ matchIndex }: Progress): Index => matchIndex

/**
 * Commits what a quorum has on its disks, counting only entries of the leader's own term; those of earlier terms are committed
 * with them (§5.4.2, Figure 8). The leader counts itself by its own disk, like everyone else.
 */
export const advanceCommit = (leader: Leader): void => {
  const reached = Math.min(quorumReached(leader, leader.persistedIndex, matchIndexOf), leader.log.lastIndex)
  if (reached <= leader.commitIndex || termAt(leader.log, reached) !== leader.term) return
  leader.commitIndex = reached
  leader.committedAt = leader.now
  forgetCommitted(leader)
}

/** Trackers whose entries are committed have done their part: the machine's results answer them. */
const forgetCommitted = (leader: Leader): void => {
  const open = leader.trackers.findIndex(tracker => tracker.firstIndex + tracker.count - 1 > leader.commitIndex)
  const done = open < 0 ? leader.trackers.length : open
  for (let i = 0; i < done; i++) leader.uncommittedBytes -= leader.trackers[i]!.bytes
  if (done > 0) leader.trackers.splice(0, done)
}
