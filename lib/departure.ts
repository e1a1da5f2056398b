import { ask, campaign } from './election.js'
import { mayStand } from './fitness.js'
import { isBound } from './lease.js'
import { votersOf } from './membership.js'
import type { Outbox } from './outbox.js'
import { type RaftState, membership } from './state.js'
import type { MemberId } from './types.js'

/** How many others stand before this voter where `gone` led: those that come after `gone` in the order of voters, which goes round. */
const placeBehind = (gone: MemberId, state: RaftState): number => {
  const voters = votersOf(membership(state))
  const { length } = voters
  // A member that knows of no voter yet knows nobody who could stand before it.
  return length === 0 ? 0 : (voters.indexOf(state.settings.id) - voters.indexOf(gone) + length - 1) % length
}

/**
 * A peer's process has ended. If it led, its followers need not wait until it has been silent for long enough: they forget it, and grant votes at
 * once. The next in line stands at once, each other half a heartbeat after the one before it, in case that one cannot win. Nothing is drawn at
 * random, because all hear of it at the same time. A voter keeps what it has promised, for the leader may live and rely on it. Only time is at stake:
 * a leader that lives after all is followed again when it speaks, and no term has changed unless a majority believed the same.
 */
export const onPeerGone = (state: RaftState, peer: MemberId, outbox: Outbox): RaftState => {
  // Whoever had not heard of it when first asked may have by now.
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
