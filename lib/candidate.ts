import { conclude } from './election.js'
import type { RequestVoteReply } from './messages.js'
import type { Outbox } from './outbox.js'
import type { Candidate, RaftState } from './state.js'

/** A vote for the round that runs now; an answer to anything older, or of the other kind, is no vote (§5.2). */
export const onRequestVoteReply = (candidate: Candidate, reply: RequestVoteReply, outbox: Outbox): RaftState => {
  if (reply.round !== candidate.round || reply.preVote !== (candidate.phase === 'preVote')) return candidate
  candidate.votes = new Map(candidate.votes).set(reply.from, reply.voteGranted)
  return conclude(candidate, outbox)
}
