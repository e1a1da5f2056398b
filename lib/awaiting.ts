/**
 * What begins a turn. Whatever nothing waits for joins the next turn, and is folded before all that begins it: a leader that writes one command after another
 * has half as many turns, and no answer comes later for it. The next turn comes with the next tick at the latest.
 */
import { quorumReached } from './agreement.js'
import { awaitsMachine } from './application.js'
import { matchIndexOf } from './commitment.js'
import type { RaftEvent } from './events.js'
import { commitFor } from './joining.js'
import type { AppendAccepted } from './messages.js'
import { isPrompt } from './rounds.js'
import { holdsBackCommits } from './sequels.js'
import { type Leader, type RaftState, progressOf } from './state.js'
import { isObject } from './well-formed.js'

/** Whether anything waits for what this event tells to a member in this state. What is no event, or brings no message, has not been judged yet, and is reported at once. */
export const isAwaited = (state: RaftState, event: RaftEvent): boolean => {
  if (!isObject(event)) return true
  switch (event.type) {
    case 'applied': return awaitsMachine(state)
    case 'persisted': return state.role !== 'leader' || awaitsDisk(state)
    case 'received': return state.role !== 'leader' || !isObject(event.message) || event.message.type !== 'appendAccepted' || awaitsAnswer(state, event.message)
    default: return true
  }
}

/**
 * Its write matters where it may complete a quorum, or where what is committed is applied only once it is on this disk. One that holds no entry is told at once, too:
 * until the next tick it would pass for a slow disk.
 */
const awaitsDisk = (leader: Leader): boolean => {
  const { log, commitIndex, persistedIndex, pendingWrites } = leader
  return commitIndex > persistedIndex || pendingWrites[0]?.last === 0
    || quorumReached(leader, log.lastIndex, matchIndexOf) > commitIndex
}

/** An answer can wait where its follower has been sent everything, nothing of it is new to the commit, and no read, transfer or departure rests on it. */
const awaitsAnswer = (leader: Leader, { from, term, durable, lacks, round }: AppendAccepted): boolean => {
  const progress = progressOf(leader, from)
  return progress === undefined || term !== leader.term || durable > leader.commitIndex || lacks > 0
    || progress.mode !== 'replicate' || progress.nextIndex <= leader.log.lastIndex
    || progress.lacks > 0 || progress.sending !== undefined || progress.parts.round > 0 || progress.lap.to > 0
    || (progress.sentCommit < commitFor(leader, progress) && !holdsBackCommits(leader))
    // What waits for the next tick must not look like a late answer then: that would halve the window.
    || !isPrompt(leader, round, leader.settings.heartbeatMs)
    || leader.reads.length > 0 || leader.transfer !== undefined || leader.leaving.length > 0
}
