import { quorumValue } from './quorum.js'
import { type Leader, membership, progressOf } from './state.js'
import type { MemberId, Millis } from './types.js'

/** The latest moment at which a quorum, this member included, is known to have followed this leader; its election counts as one. */
export const quorumContact = (leader: Leader): Millis => {
  const contactOf = (id: MemberId): Millis => id === leader.settings.id ? leader.now : progressOf(leader, id)?.contact ?? Number.NEGATIVE_INFINITY
  return Math.max(leader.electedAt, quorumValue(membership(leader), contactOf))
}

/** No quorum has answered a question asked within the last election timeout: others may have elected another leader. */
export const isIsolated = (leader: Leader): boolean => leader.now - quorumContact(leader) > leader.settings.electionTimeoutMs
