import { ask, campaign } from './election.js'
import { mayStand } from './fitness.js'
import { isBound } from './lease.js'
import { votersOf } from './membership.js'
import type { Outbox } from './outbox.js'
import { type RaftState, membership } from './state.js'
import type { MemberId } from './types.js'

/** How many others stand before this voter where `gone` led: those that follow it in the order of voters, beginning anew behind the last. */
const placeBehind = (gone: MemberId, state: RaftState): number => {
  const voters = votersOf(membership(state))
  const { length } = voters
  // Who has yet to learn of the first voter knows nobody that could stand before it.
  return length === 0 ? 0 : (voters.indexOf(state.settings.id) - voters.indexOf(gone) + length - 1) % length
}

/**
 * A peer's process has ended. Where it led, its followers need not wait for its silence: they forget it, and grant what they are asked at
 * once. The next in line stands at once, each other half a heartbeat after the one before it, should that one not be able to win: without
 * chance, because all hear of it at the same time. What a voter has promised it keeps, for the leader may live and rely on it. Only time is at stake, as elsewhere: a leader that lives after all is followed again
 * when it speaks, and no term has changed unless a majority believed the same.
 */
export const onPeerGone = (state: RaftState, peer: MemberId, outbox: Outbox): RaftState => {
  // Whoever had not heard of it when it was asked knows better by now.
  if (state.role === 'candidate' && state.phase === 'preVote') ask(state, outbox)
  if (state.role !== 'follower' || state.leader !== peer) return state
  state.leader = undefined
  const { now, promisedUntil, settings: { heartbeatMs } } = state
  const place = placeBehind(peer, state)
  if (place === 0 && mayStand(state) && !isBound(state)) return campaign(state, 'preVote', outbox)
  // Another voter may have heard the leader once more.
  const earliest = isBound(state) ? promisedUntil + heartbeatMs : now
  state.electionDeadline = Math.min(state.electionDeadline, earliest + place * heartbeatMs / 2)
  return state
}
