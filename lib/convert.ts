/** Role changes, and nothing else: what every role has in common is kept, and what belongs to a role ends with it. */
import { NOTHING_HEARD, candidateOf, followerOf, leaderOf } from './draft.js'
import { restartElectionWait } from './election-wait.js'
import type { Outbox } from './outbox.js'
import { membersOf } from './membership.js'
import { newProgress } from './progress.js'
import { type Candidate, type Follower, type Leader, type RaftState, membership } from './state.js'
import { stamp } from './stamp.js'
import { store } from './storing.js'
import type { MemberId, Term } from './types.js'

/**
 * Any role → follower of `leader` in `term` (§5.1). A new term has no vote yet; what was verified in another term proves
 * nothing in this one and needs no answer; proposals that are not committed end with their outcome unknown, and reads can be asked again.
 */
export const becomeFollower = (state: RaftState, term: Term, leader: MemberId | undefined, outbox: Outbox): Follower => {
  if (state.role === 'leader') {
    for (const tracker of state.trackers) outbox.answers.push({ type: 'lost', id: tracker.id })
    for (const read of state.reads) outbox.readAnswers.push({ type: 'readRefused', id: read.id, reason: 'notLeader' })
  }
  outbox.answerDue = false
  const follower = followerOf(state, NOTHING_HEARD)
  follower.term = term
  follower.votedFor = term === state.term ? state.votedFor : undefined
  follower.leader = leader
  if (state.role === 'leader') restartElectionWait(follower)
  return follower
}

/** A leader gives up its leadership: its term goes on without a leader. */
export const stepDown = (leader: Leader, outbox: Outbox): Follower => becomeFollower(leader, leader.term, undefined, outbox)

/** Begins a pre-vote, which changes neither term nor vote (§9.6), or an election in a new term with a vote for itself (§5.2). */
export const becomeCandidate = (state: RaftState, phase: Candidate['phase']): Candidate => {
  const { id } = state.settings
  const candidate = candidateOf(state, { phase, votes: new Map([[id, true]]) })
  if (phase === 'vote') {
    candidate.term = state.term + 1
    candidate.votedFor = id
  }
  candidate.leader = undefined
  restartElectionWait(candidate)
  return candidate
}

/** The winner shows itself at once and appends an entry of its own term, by which earlier terms' entries are committed too (§8). */
export const becomeLeader = (state: Candidate, outbox: Outbox): Leader => {
  const { settings, term } = state
  const nextIndex = state.log.lastIndex + 1
  const leader = leaderOf(state, {
    electedAt: state.now,
    noopIndex: nextIndex,
    progress: membersOf(membership(state)).filter(id => id !== settings.id).map(id => newProgress(id, nextIndex, state.round)),
    leaving: [],
    heartbeatDue: state.now + settings.heartbeatMs,
    trackers: [],
    uncommittedBytes: 0,
    stamped: { time: state.log.time, at: state.now },
    committedAt: Number.NEGATIVE_INFINITY,
    sequels: 0,
    chunkDue: state.now,
    transfer: undefined,
    hasAskedToStand: false,
    reads: [],
    readRound: 0,
  })
  leader.leader = settings.id
  // Its log holds all that is committed, and so what the snapshot stands for (Leader Completeness, §5.4.3).
  leader.receiving = undefined
  outbox.heartbeatDue = true
  store(leader, [{ kind: 'noop', firstIndex: nextIndex, term, count: 1, time: stamp(leader) }], outbox)
  return leader
}
