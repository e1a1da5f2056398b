/** The private copy of a state that one step may change. */
import { copyOf } from './progress.js'
import type { RaftState } from './state.js'
import type { Millis } from './types.js'

/** Scalars, and for a leader its trackers and each Progress. */
export const draft = (state: RaftState, now: Millis, wall: Millis): RaftState => {
  const copy = copyOfRole(state)
  copy.now = Math.max(now, state.now)
  copy.wall = wall
  copy.turn = state.turn + 1
  return copy
}

/** The fields that every role keeps, by name: this is done each turn, and at this size a spread takes several times as long. */
export const common = (state: RaftState) => ({
  settings: state.settings, now: state.now, wall: state.wall, turn: state.turn, random: state.random,
  term: state.term, votedFor: state.votedFor, log: state.log, writtenCommit: state.writtenCommit,
  persistedIndex: state.persistedIndex, pendingWrites: state.pendingWrites, commitIndex: state.commitIndex,
  handedIndex: state.handedIndex, handed: state.handed, appliedIndex: state.appliedIndex, readingToApply: state.readingToApply, replayTo: state.replayTo,
  snapshot: state.snapshot, receiving: state.receiving,
  leader: state.leader, heardAt: state.heardAt, promisedUntil: state.promisedUntil, electionDeadline: state.electionDeadline, round: state.round,
})

const copyOfRole = (state: RaftState): RaftState => {
  switch (state.role) {
    case 'follower': {
      const { role, verified, assembly, leaderRound, reportedDurable, answeredAt, answeredRound } = state
      return Object.assign(common(state), { role, verified, assembly, leaderRound, reportedDurable, answeredAt, answeredRound })
    }
    case 'candidate': {
      const { role, phase, votes } = state
      return Object.assign(common(state), { role, phase, votes })
    }
    case 'leader': {
      const { role, electedAt, noopIndex, leaving, heartbeatDue, uncommittedBytes, chunkDue, transfer, hasAskedToStand, reads, readRound } = state
      return Object.assign(common(state), {
        role, electedAt, noopIndex, progress: state.progress.map(copyOf), leaving, heartbeatDue, trackers: state.trackers.slice(), uncommittedBytes, chunkDue, transfer, hasAskedToStand, reads, readRound,
      })
    }
  }
}
