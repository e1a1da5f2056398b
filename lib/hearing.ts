/** What it means to hear from another member, whatever it says. */
import type { AppendAccepted, AppendEntries, AppendPart, AppendRefused, ChunkAccepted, InstallSnapshot } from './messages.js'
import { type Outbox, reportContradiction } from './outbox.js'
import { givePromise } from './lease.js'
import type { Progress } from './progress.js'
import { type Follower, type Leader, dateOf, progressOf, restartElectionWait } from './state.js'

/** Who answered, dated by its question; undefined for a stranger or for an answer to a question never asked. */
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
  const askedAt = dateOf(reply.round)
  progress.contact = Math.max(progress.contact, askedAt)
  progress.fastestMs = Math.min(progress.fastestMs, leader.now - askedAt)
  return progress
}

type FromLeader = AppendEntries | AppendPart | InstallSnapshot

/** Notes the last entry that its sender calls committed; a part says nothing of it. */
const noteCommit = (follower: Follower, request: FromLeader): void => {
  if (request.type === 'appendPart' || request.leaderCommit <= follower.heardCommit.index) return
  follower.heardCommit = { index: request.leaderCommit, term: request.leaderCommitTerm }
}

/** Whoever speaks as the leader of this term is the leader, and is there (§5.2). */
export const heed = (follower: Follower, request: FromLeader): void => {
  const { from, round } = request
  follower.leader = from
  follower.heardAt = follower.now
  noteCommit(follower, request)
  follower.leaderRound = Math.max(follower.leaderRound, round)
  givePromise(follower)
  restartElectionWait(follower)
}
