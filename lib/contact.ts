import { quorumReached } from './agreement.js'
import type { Progress } from './progress.js'
import { dateOf } from './rounds.js'
import type { Leader } from './state.js'
import type { Millis } from './types.js'

const contactOf = ({ contact }: Progress): Millis => contact

/** The date of the latest question that a quorum has answered; this member answers its own as it asks it. */
export const quorumAnswered = (leader: Leader): Millis => quorumReached(leader, Number.POSITIVE_INFINITY, contactOf)

/** The latest moment at which a quorum, this member included, is known to have followed this leader; its election counts as one. */
export const quorumContact = (leader: Leader): Millis => Math.max(leader.electedAt, Math.min(leader.now, quorumAnswered(leader)))

/** No quorum has answered a question asked within the last election timeout: others may have elected another leader. */
export const isIsolated = (leader: Leader): boolean => leader.now - quorumContact(leader) > leader.settings.electionTimeoutMs

/** Whether the follower has answered a question asked within the last election timeout. */
export const isActive = ({ now, settings: { electionTimeoutMs } }: Leader, { contact }: Progress): boolean => now - contact <= electionTimeoutMs

/**
 * Whether the follower is known to have the state on which its log stands, and so could lead: by an answer to a question of the last election timeout that says so. One
 * that has refused since, or is silent, may have started anew without it.
 */
export const hasState = ({ now, settings: { electionTimeoutMs } }: Leader, { acceptedRound, lacks }: Progress): boolean =>
  acceptedRound > 0 && lacks === 0 && now - dateOf(acceptedRound) <= electionTimeoutMs
