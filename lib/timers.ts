import { isIsolated, quorumContact } from './contact.js'
import { stepDown } from './convert.js'
import { longestElectionWait, restartElectionWait } from './election-wait.js'
import { campaign } from './election.js'
import type { CoreDiagnostic } from './events.js'
import { isDiskSlow, mayStand, stuckMs } from './fitness.js'
import { isBound } from './lease.js'
import type { Outbox } from './outbox.js'
import type { Leader, RaftState } from './state.js'
import type { Millis } from './types.js'

/**
 * A tick. One that is late means that this member was not there: what it did not hear is no proof of silence, and does not count for its wait. What it
 * has waited before still counts, or members that are busy again and again, with little more than a heartbeat between, would never stand. Where the
 * wait began only now, by what was heard before the tick, none of it was missed.
 */
export const onTicked = (state: RaftState, due: Millis, outbox: Outbox): void => {
  outbox.ticked = true
  const lateMs = state.now - due
  const { stallMs, heartbeatMs } = state.settings
  if (lateMs <= stallMs) return
  outbox.diagnostics.push({ type: 'stalled', lateMs })
  if (state.role === 'leader') return
  const deadline = Math.max(state.electionDeadline + lateMs, state.now + heartbeatMs)
  if (deadline <= longestElectionWait(state)) state.electionDeadline = deadline
  else restartElectionWait(state)
}

/** Deadlines that have passed; looked at only when a tick came, so that a late tick is noticed first. */
export const passDeadlines = (state: RaftState, outbox: Outbox): RaftState => {
  if (!outbox.ticked) return state
  if (state.role === 'leader') return lead(state, outbox)
  // Whoever stands votes for itself, and so helps elect another than the leader.
  if (state.now < state.electionDeadline || isBound(state)) return state
  if (mayStand(state)) return campaign(state, 'preVote', outbox)
  state.leader = undefined
  restartElectionWait(state)
  return state
}

/** A leader that lost its quorum, or that cannot write, makes room for another (dissertation §6.2); any other shows life. */
const lead = (leader: Leader, outbox: Outbox): RaftState => {
  const reason = reasonToStepDown(leader)
  if (reason !== undefined) {
    outbox.diagnostics.push(reason)
    return stepDown(leader, outbox)
  }
  if (leader.now >= leader.heartbeatDue) beat(leader, outbox)
  return leader
}

const reasonToStepDown = (leader: Leader): CoreDiagnostic | undefined => {
  if (isDiskSlow(leader)) return { type: 'slowDisk', stuckMs: stuckMs(leader) }
  if (isIsolated(leader)) return { type: 'quorumLost', term: leader.term, silentMs: leader.now - quorumContact(leader) }
  return undefined
}

/** Heartbeats are due on a grid, so that what ticks are late by never adds up. */
const beat = (leader: Leader, outbox: Outbox): void => {
  const { now, heartbeatDue, settings: { heartbeatMs } } = leader
  outbox.heartbeatDue = true
  leader.heartbeatDue = heartbeatDue + heartbeatMs > now ? heartbeatDue + heartbeatMs : now + heartbeatMs
}

/** Writes the commitIndex at a quiet moment, so that a restart begins where the cluster was, and no write waits for it. */
export const saveCommitWhenIdle = (state: RaftState, outbox: Outbox): void => {
  const isIdle = state.pendingWrites.length === 0 && state.commitIndex === state.log.lastIndex
  outbox.saveCommit = outbox.ticked && isIdle
}
