import type { Outbox } from './outbox.js'
import { type Follower, type RaftState, isLacking } from './state.js'

/** How much is here of the batch after what is verified. */
const heldOf = ({ assembly, verified }: Follower): number => assembly?.head.firstIndex === verified + 1 ? assembly.held : 0

/**
 * Tells the leader, once per turn and only when there is news, how far this log agrees with its own and how much of that is on
 * the disk: two numbers, of which only the second counts towards commitment.
 */
export const acknowledge = (state: RaftState, outbox: Outbox): void => {
  if (state.role !== 'follower' || state.leader === undefined) return
  const durable = Math.min(state.verified, state.persistedIndex)
  if (!outbox.answerDue && durable <= state.reportedDurable) return
  state.reportedDurable = durable
  state.answeredAt = state.now
  state.answeredRound = state.leaderRound
  outbox.messages.push({
    type: 'appendAccepted', from: state.settings.id, to: state.leader, term: state.term, verified: state.verified, durable,
    lacks: isLacking(state) ? state.log.base.index : 0, held: heldOf(state), promisedMs: state.settings.readLeaseMs, isNewcomer: state.isNewcomer, round: state.leaderRound,
  })
}
