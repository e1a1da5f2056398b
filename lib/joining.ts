/**
 * When the vote of a member that joined begins to count.
 *
 *     joined ──── a leader tells it what is committed ────► mustHave is known ──── its disk has that ────► its vote counts
 *
 * A member that joins with an empty folder may be what came back of a voter: it has forgotten what it voted and acknowledged in that life. Whoever was left out meanwhile, and never
 * met it, takes it for that voter still, and the two may be a majority of a membership that is long gone. So it is a newcomer, and neither votes nor stands, until its log has what was
 * committed when it came. From then on a log that lacks any of that does not get its vote (§5.4.1).
 */
import { quorumAnswered } from './contact.js'
import { membershipAt, termAt } from './log.js'
import { isVoter } from './membership.js'
import type { Outbox } from './outbox.js'
import type { Progress } from './progress.js'
import { dateOf } from './rounds.js'
import type { Follower, Leader, RaftState } from './state.js'
import type { Index } from './types.js'

/**
 * How much of what is committed a leader may tell this follower. A newcomer hears nothing before a quorum has answered a question that was asked
 * after the newcomer's first answer: a leader that stood still while it was left out would name what was committed before the newcomer's former life
 * had ended.
 */
export const commitFor = (leader: Leader, { mayBeNewcomer, metRound }: Progress): Index =>
  !mayBeNewcomer || (metRound !== undefined && quorumAnswered(leader) > dateOf(metRound)) ? leader.commitIndex : 0

/** Notes how far a newcomer must get: what it is told first, since more is committed meanwhile. */
export const noteMustHave = (follower: Follower, leaderCommit: Index): void => {
  if (follower.isNewcomer && follower.mustHave === 0) follower.mustHave = leaderCommit
}

/**
 * A newcomer whose disk has what it must have is none any more, and says so. Otherwise it waits to be told anew, for one of two reasons:
 * - the entry there is of an earlier term: a leader does not know how much is committed before it has committed an entry of its own (§5.4.2);
 * - by the membership there this member is no learner: a leader that lets it in has it as one, and one that has it for a voter means its former life.
 */
export const settleIn = (state: RaftState, outbox: Outbox): void => {
  if (!state.isNewcomer || state.role !== 'follower' || state.mustHave === 0 || state.mustHave > Math.min(state.verified, state.persistedIndex)) return
  const { log, term, mustHave, settings: { id } } = state
  state.mustHave = 0
  if (termAt(log, mustHave) !== term) return
  const membership = membershipAt(log, mustHave)
  if (!membership.learners.includes(id) || isVoter(membership, id)) return
  state.isNewcomer = false
  outbox.answerDue = true
}
