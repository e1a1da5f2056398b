import { becomeCandidate, becomeLeader } from './convert.js'
import { lastEntry } from './log.js'
import { votersOf } from './membership.js'
import type { Outbox } from './outbox.js'
import { voteResult } from './quorum.js'
import { nextRound } from './rounds.js'
import { type Candidate, type RaftState, membership } from './state.js'

/** Stands for election: asks first whether it could be won, and only then raises the term (§9.6, §5.2). */
export const campaign = (state: RaftState, phase: Candidate['phase'], outbox: Outbox, transfer = false): RaftState => {
  const candidate = becomeCandidate(state, phase)
  nextRound(candidate)
  ask(candidate, outbox, transfer)
  return conclude(candidate, outbox)
}

/** Asks every other voter; what was asked before is the same question, and any answer to it counts. */
export const ask = (candidate: Candidate, outbox: Outbox, transfer = false): void => {
  const { settings: { id }, phase, round } = candidate
  const { index, term } = lastEntry(candidate.log)
  for (const to of votersOf(membership(candidate))) {
    if (to === id) continue
    outbox.messages.push({
      type: 'requestVote', from: id, to, term: candidate.term, preVote: phase === 'preVote', transfer, lastLogIndex: index, lastLogTerm: term, round,
    })
  }
}

/** Takes the next step of an election as soon as the votes allow it; a lost round waits for its deadline. */
export const conclude = (candidate: Candidate, outbox: Outbox): RaftState => {
  if (voteResult(membership(candidate), candidate.votes) !== 'won') return candidate
  return candidate.phase === 'preVote' ? campaign(candidate, 'vote', outbox) : becomeLeader(candidate, outbox)
}
