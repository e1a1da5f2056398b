import { quorumValue } from './quorum.js'
import { type Leader, membership, progressOf } from './state.js'
import type { Millis } from './types.js'

/** The date of the latest question that a quorum has answered; this member answers its own as it asks it. */
export const quorumAnswered = (leader: Leader): Millis =>
  quorumValue(membership(leader), id => id === leader.settings.id ? Number.POSITIVE_INFINITY : progressOf(leader, id)?.contact ?? Number.NEGATIVE_INFINITY)

/** The latest moment at which a quorum, this member included, is known to have followed this leader; its election counts as one. */
export const quorumContact = (leader: Leader): Millis => Math.max(leader.electedAt, Math.min(leader.now, quorumAnswered(leader)))

/** No quorum has answered a question asked within the last election timeout: others may have elected another leader. */
export const isIsolated = (leader: Leader): boolean => leader.now - quorumContact(leader) > leader.settings.electionTimeoutMs
