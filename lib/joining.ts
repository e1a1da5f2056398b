/**
 * A member that joins with an empty folder may be what came back of a voter that has left, and has forgotten what it voted and acknowledged in that life. Those who were
 * left out behind its back, and never met it, still take it for that voter, and with it could be a majority of a membership that is long gone. So it is a newcomer
 *
 *     joined ──── a leader tells it what is committed ────► it knows how far it must get ──── it has that on its disk ────► its vote counts
 *
 * until its log has all that was committed when it came: from then on no log without that finds its vote, and what it acknowledges it has not forgotten.
 */
import { membershipAt, termAt } from './log.js'
import { type Follower, NOT_YET } from './state.js'
import type { Index } from './types.js'

/**
 * Learns from what `leaderCommit` says where the vote of this newcomer begins to count; whether it did. A leader knows how much is committed once it has committed something of its own term (§5.4.2);
 * and one that lets a newcomer in counts on it for nothing, as a learner: where it were a voter it would be taken for somebody else.
 */
export const learnFromWhere = (follower: Follower, leaderCommit: Index): boolean => {
  const { log, term, verified, votesFrom, settings: { id } } = follower
  if (votesFrom !== NOT_YET || leaderCommit > verified || termAt(log, leaderCommit) !== term || !membershipAt(log, leaderCommit).learners.includes(id)) return false
  follower.votesFrom = leaderCommit
  return true
}
