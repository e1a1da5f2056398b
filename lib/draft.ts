/** The private copy of a state that one step may change. */
import { copyOf } from './progress.js'
import type { Candidate, Follower, Leader, RaftState } from './state.js'
import type { Millis } from './types.js'

/** Scalars, and for a leader its trackers and each Progress. Every field by name: at this size a spread costs twenty times as much, and this is done each turn. */
export const draft = (state: RaftState, now: Millis, wall: Millis): RaftState => {
  const copy = copyOfRole(state)
  copy.now = Math.max(now, state.now)
  copy.wall = wall
  copy.turn = state.turn + 1
  return copy
}

const copyOfRole = (state: RaftState): RaftState => {
  switch (state.role) {
    case 'follower': return copyOfFollower(state)
    case 'candidate': return copyOfCandidate(state)
    case 'leader': return copyOfLeader(state)
  }
}

const copyOfFollower = (state: Follower): Follower => ({
  settings: state.settings, now: state.now, wall: state.wall, turn: state.turn, random: state.random,
  term: state.term, votedFor: state.votedFor, log: state.log, writtenCommit: state.writtenCommit,
  persistedIndex: state.persistedIndex, pendingWrites: state.pendingWrites, commitIndex: state.commitIndex,
  handedIndex: state.handedIndex, handed: state.handed, appliedIndex: state.appliedIndex, readingToApply: state.readingToApply, replayTo: state.replayTo,
  leader: state.leader, heardAt: state.heardAt, electionDeadline: state.electionDeadline, round: state.round,
  role: 'follower', verified: state.verified, leaderRound: state.leaderRound, reportedDurable: state.reportedDurable,
  answeredAt: state.answeredAt, answeredRound: state.answeredRound,
})

const copyOfCandidate = (state: Candidate): Candidate => ({ ...state })

const copyOfLeader = (state: Leader): Leader => ({
  settings: state.settings, now: state.now, wall: state.wall, turn: state.turn, random: state.random,
  term: state.term, votedFor: state.votedFor, log: state.log, writtenCommit: state.writtenCommit,
  persistedIndex: state.persistedIndex, pendingWrites: state.pendingWrites, commitIndex: state.commitIndex,
  handedIndex: state.handedIndex, handed: state.handed, appliedIndex: state.appliedIndex, readingToApply: state.readingToApply, replayTo: state.replayTo,
  leader: state.leader, heardAt: state.heardAt, electionDeadline: state.electionDeadline, round: state.round,
  role: 'leader', electedAt: state.electedAt, noopIndex: state.noopIndex, progress: state.progress.map(copyOf), heartbeatDue: state.heartbeatDue,
  trackers: state.trackers.slice(), uncommittedBytes: state.uncommittedBytes,
})
