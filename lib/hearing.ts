/** What it means to hear from another member, whatever it says. */
import { restartElectionWait } from './election-wait.js'
import type { AppendAccepted, AppendEntries, AppendPart, AppendRefused, ChunkAccepted, InstallSnapshot } from './messages.js'
import { type Outbox, reportContradiction } from './outbox.js'
import { givePromise } from './lease.js'
import { isVoter } from './membership.js'
import type { Progress } from './progress.js'
import { dateOf } from './rounds.js'
import { type Follower, type Leader, membership, progressOf } from './state.js'

/**
 * Who answered, dated by its question; undefined for a stranger, for an answer to a question never asked or asked of a former life, and for a newcomer where this log has a voter: that one has lost its disk, or
 * this leader was left out. Where it was said in this term to be none, it is a late word, or the first of what comes back under the name of one that is served until it knows that it has left.
 */
export const heardFrom = (leader: Leader, reply: AppendAccepted | AppendRefused | ChunkAccepted, outbox: Outbox): Progress | undefined => {
  const progress = progressOf(leader, reply.from)
  if (progress === undefined) {
    outbox.diagnostics.push({ type: 'unknownSender', from: reply.from, message: reply.type })
    return undefined
  }
  if (reply.round > leader.round) {
    reportContradiction(outbox, reply, `an answer to round ${reply.round}, which was never asked`)
    return undefined
  }
  if (reply.round <= progress.since || (reply.isNewcomer && !progress.mayBeNewcomer)) return undefined
  if (reply.isNewcomer && isVoter(membership(leader), reply.from)) {
    reportContradiction(outbox, reply, 'to be a newcomer, where this log has it for a voter')
    return undefined
  }
  progress.mayBeNewcomer = reply.isNewcomer
  progress.metRound ??= leader.round
  const askedAt = dateOf(reply.round)
  progress.contact = Math.max(progress.contact, askedAt)
  progress.fastestMs = Math.min(progress.fastestMs, leader.now - askedAt)
  return progress
}

/** Whoever speaks as the leader of this term is the leader, and is there (§5.2). */
export const heed = (follower: Follower, { from, round }: AppendEntries | AppendPart | InstallSnapshot): void => {
  follower.leader = from
  follower.heardAt = follower.now
  follower.leaderRound = Math.max(follower.leaderRound, round)
  givePromise(follower)
  restartElectionWait(follower)
}
