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
 * The progress of whoever answered, with its contact dated by the question; undefined where the answer does not count:
 * - it comes from a stranger, or answers a question that was never asked, or one that was asked in a former life of that member;
 * - it comes from a newcomer that this log has for a voter: that member has lost its disk, or this leader was left out of the membership;
 * - it comes from a newcomer that has said in this term that it is none: it is late, or the first word of a member that comes back before it was told
 *   that it had left.
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
