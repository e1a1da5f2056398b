import { quorumContact } from './contact.js'
import { restartElectionWait } from './election-wait.js'
import { isBound } from './lease.js'
import { lastEntry } from './log.js'
import type { Message, RequestVote } from './messages.js'
import type { Outbox } from './outbox.js'
import type { RaftState } from './state.js'

/** The candidate's log holds everything that this one could have helped to commit: terms compared first, then length (§5.4.1). */
const isUpToDate = (state: RaftState, { lastLogTerm, lastLogIndex }: RequestVote): boolean => {
  const last = lastEntry(state.log)
  return lastLogTerm > last.term || (lastLogTerm === last.term && lastLogIndex >= last.index)
}

/**
 * Whether this member has lately heard of a leader other than the one who asks, or has promised to help nobody: it then neither votes nor takes a newer
 * term from a candidate, so that no one disturbs a cluster that works (dissertation §4.2.3). A leader hears its quorum.
 */
const isSatisfied = (state: RaftState, asker: string): boolean => {
  if (isBound(state)) return true
  const heardAt = state.role === 'leader' ? quorumContact(state) : state.heardAt
  return state.leader !== undefined && state.leader !== asker && state.now - heardAt < state.settings.electionTimeoutMs
}

/** Whether the candidate gets nothing, however good its log is; not where the leader itself asked for the election (dissertation §3.10). */
const isWithheld = (state: RaftState, { from, transfer }: RequestVote): boolean => !transfer && isSatisfied(state, from)

/** Whether this message brings the member into a newer term (§5.1); a pre-vote asks about one that nobody is in yet (§9.6). */
export const movesTerm = (state: RaftState, message: Message): boolean =>
  message.term > state.term && (message.type !== 'requestVote' || (!message.preVote && !isWithheld(state, message)))

/** Receiver of RequestVote (Figure 2). A pre-vote is answered by the same rules and changes nothing (§9.6). */
export const onRequestVote = (state: RaftState, request: RequestVote, outbox: Outbox): void => {
  const { from, to, preVote, round } = request
  const mayVote = preVote ? request.term >= state.term : request.term === state.term && (state.votedFor === undefined || state.votedFor === from)
  const voteGranted = mayVote && isUpToDate(state, request) && !state.isNewcomer && !isWithheld(state, request)
  if (voteGranted && !preVote) {
    state.votedFor = from
    restartElectionWait(state)
  }
  outbox.messages.push({ type: 'requestVoteReply', from: to, to: from, term: state.term, preVote, voteGranted, round })
}
