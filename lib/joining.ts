/**
 * A member that joins with an empty folder may be what came back of a voter that has left, and has forgotten what it voted and acknowledged in that life. Those who were
 * left out behind its back, and never met it, still take it for that voter, and with it could be a majority of a membership that is long gone. So it is a newcomer
 *
 *     joined ──── a leader tells it what is committed ────► it knows how far it must get ──── it has that on its disk ────► its vote counts
 *
 * until its log has all that was committed when it came: from then on no log without that finds its vote, and what it acknowledges it has not forgotten.
 */
import { quorumAnswered } from './contact.js'
import { membershipAt, termAt } from './log.js'
import type { Outbox } from './outbox.js'
import type { Progress } from './progress.js'
import { type Follower, type Leader, type RaftState, dateOf } from './state.js'
import type { Index } from './types.js'

/**
 * How much of what is committed a leader may tell it. To a newcomer nothing before a quorum has answered what was asked behind its first word: a leader that stood still while
 * it was left out would tell it of what its former life had not outlived.
 */
export const commitFor = (leader: Leader, { isNewcomer, metRound }: Progress): Index =>
  !isNewcomer || (metRound !== undefined && quorumAnswered(leader) > dateOf(metRound)) ? leader.commitIndex : 0

/** Notes how far a newcomer must get: the first that it is told, since what is committed runs on before it. */
export const hearCommit = (follower: Follower, leaderCommit: Index): void => {
  if (follower.isNewcomer && follower.mustHave === 0) follower.mustHave = leaderCommit
}

/**
 * Where a newcomer has that on its disk it is none any more, and says so. It will not do where it is no entry of the leader's own term, which alone knows how much is
 * committed once that is (§5.4.2); nor where the newcomer is no learner by then: one that lets it in counts on it for nothing, and one that takes it for a voter means somebody else.
 */
export const settleIn = (state: RaftState, outbox: Outbox): void => {
  if (!state.isNewcomer || state.role !== 'follower' || state.mustHave === 0 || state.mustHave > Math.min(state.verified, state.persistedIndex)) return
  const { log, term, mustHave, settings: { id } } = state
  state.mustHave = 0
  if (termAt(log, mustHave) !== term || !membershipAt(log, mustHave).learners.includes(id)) return
  state.isNewcomer = false
  outbox.asked = true
}
