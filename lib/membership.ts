import type { MemberId, Membership } from './types.js'

/** Whether the member's voice counts in elections and commitment, in either half of a joint configuration. */
export const isVoter = (membership: Membership, id: MemberId): boolean =>
  membership.voters.includes(id) || membership.outgoing.includes(id)

/** Whether nobody else decides anything. */
export const isAlone = ({ voters, outgoing }: Membership, id: MemberId): boolean => voters.every(voter => voter === id) && outgoing.every(voter => voter === id)

/** Everyone who receives the log, each once, in the order of the lists. */
export const membersOf = (membership: Membership): readonly MemberId[] =>
  [...new Set([...membership.voters, ...membership.outgoing, ...membership.learners])]

/** What a member knows that has yet to be added. */
export const NO_MEMBERSHIP: Membership = { voters: [], outgoing: [], learners: [], addresses: {} }

/** The membership with which a cluster begins: all are voters. */
export const firstMembership = (addresses: Readonly<Record<MemberId, string>>): Membership =>
  ({ voters: Object.keys(addresses).sort(), outgoing: [], learners: [], addresses })
