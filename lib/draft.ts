/**
 * How states are made: one function for each role, and the private copy that one step may change. Fields are written out, in the same order each time: this is done
 * every turn, a spread takes several times as long, and states of one role keep one shape, which the engine reads faster: a twentieth of what a command costs in process.
 */
import { copyOf } from './progress.js'
import type { Candidate, Common, Follower, Leader, RaftState } from './state.js'
import type { Millis } from './types.js'

/** What only a state of this role has. */
type OwnOf<S extends RaftState> = Omit<S, keyof Common | 'role'>

/** What a follower knows of its leader's questions before it has heard one. */
export const NOTHING_HEARD = {
  verified: 0, leaderCommit: 0, assembly: undefined, mustHave: 0, leaderRound: 0, reportedDurable: 0, answeredAt: Number.NEGATIVE_INFINITY, answeredRound: 0,
} as const satisfies OwnOf<Follower>

/** A state of a role: what all roles keep, and what is its own. */
export const followerOf = (common: Common, own: OwnOf<Follower>): Follower => ({
  role: 'follower', settings: common.settings, now: common.now, wall: common.wall, turn: common.turn, random: common.random,
  term: common.term, votedFor: common.votedFor, isNewcomer: common.isNewcomer, log: common.log, writtenCommit: common.writtenCommit,
  persistedIndex: common.persistedIndex, pendingWrites: common.pendingWrites, writtenAt: common.writtenAt, commitIndex: common.commitIndex,
  handedIndex: common.handedIndex, handed: common.handed, appliedIndex: common.appliedIndex, readingToApply: common.readingToApply, replayTo: common.replayTo,
  snapshot: common.snapshot, receiving: common.receiving,
  leader: common.leader, heardAt: common.heardAt, promisedUntil: common.promisedUntil, electionDeadline: common.electionDeadline, round: common.round,
  verified: own.verified, leaderCommit: own.leaderCommit, assembly: own.assembly, mustHave: own.mustHave, leaderRound: own.leaderRound,
  reportedDurable: own.reportedDurable, answeredAt: own.answeredAt, answeredRound: own.answeredRound,
})

export const candidateOf = (common: Common, own: OwnOf<Candidate>): Candidate => ({
  role: 'candidate', settings: common.settings, now: common.now, wall: common.wall, turn: common.turn, random: common.random,
  term: common.term, votedFor: common.votedFor, isNewcomer: common.isNewcomer, log: common.log, writtenCommit: common.writtenCommit,
  persistedIndex: common.persistedIndex, pendingWrites: common.pendingWrites, writtenAt: common.writtenAt, commitIndex: common.commitIndex,
  handedIndex: common.handedIndex, handed: common.handed, appliedIndex: common.appliedIndex, readingToApply: common.readingToApply, replayTo: common.replayTo,
  snapshot: common.snapshot, receiving: common.receiving,
  leader: common.leader, heardAt: common.heardAt, promisedUntil: common.promisedUntil, electionDeadline: common.electionDeadline, round: common.round,
  phase: own.phase, votes: own.votes,
})

export const leaderOf = (common: Common, own: OwnOf<Leader>): Leader => ({
  role: 'leader', settings: common.settings, now: common.now, wall: common.wall, turn: common.turn, random: common.random,
  term: common.term, votedFor: common.votedFor, isNewcomer: common.isNewcomer, log: common.log, writtenCommit: common.writtenCommit,
  persistedIndex: common.persistedIndex, pendingWrites: common.pendingWrites, writtenAt: common.writtenAt, commitIndex: common.commitIndex,
  handedIndex: common.handedIndex, handed: common.handed, appliedIndex: common.appliedIndex, readingToApply: common.readingToApply, replayTo: common.replayTo,
  snapshot: common.snapshot, receiving: common.receiving,
  leader: common.leader, heardAt: common.heardAt, promisedUntil: common.promisedUntil, electionDeadline: common.electionDeadline, round: common.round,
  electedAt: own.electedAt, noopIndex: own.noopIndex, progress: own.progress, leaving: own.leaving, heartbeatDue: own.heartbeatDue,
  trackers: own.trackers, uncommittedBytes: own.uncommittedBytes, stamped: own.stamped, committedAt: own.committedAt, sequels: own.sequels, chunkDue: own.chunkDue, transfer: own.transfer, hasAskedToStand: own.hasAskedToStand,
  reads: own.reads, readRound: own.readRound,
})

const copyOfRole = (state: RaftState): RaftState => {
  switch (state.role) {
    case 'follower': {
      const follower = followerOf(state, state)
      const { assembly } = state
      follower.assembly = assembly && { head: assembly.head, parts: assembly.parts.slice(), held: assembly.held }
      return follower
    }
    case 'candidate': return candidateOf(state, state)
    case 'leader': {
      const leader = leaderOf(state, state)
      leader.progress = state.progress.map(copyOf)
      leader.trackers = state.trackers.slice()
      leader.reads = state.reads.slice()
      return leader
    }
  }
}

/** Scalars, for a follower what it has of a batch that comes in parts, and for a leader its trackers, its reads and each Progress. */
export const draft = (state: RaftState, now: Millis, wall: Millis): RaftState => {
  const copy = copyOfRole(state)
  // No comparison with what is no number holds: clocks that show none, or no end, stand still.
  copy.now = now > state.now && now < Number.POSITIVE_INFINITY ? now : state.now
  copy.wall = Number.isFinite(wall) ? wall : state.wall
  copy.turn = state.turn + 1
  return copy
}
