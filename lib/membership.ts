import type { MemberId, Membership } from './types.js'

/** The most members in one list of a membership. */
export const MAX_MEMBERS = 63

/** Whether the member's voice counts in elections and commitment, in either half of a joint configuration. */
export const isVoter = (membership: Membership, id: MemberId): boolean =>
  membership.voters.includes(id) || membership.outgoing.includes(id)

/** Whether nobody else decides anything. */
export const isAlone = ({ voters, outgoing }: Membership, id: MemberId): boolean => voters.every(voter => voter === id) && outgoing.every(voter => voter === id)

/** Everyone who decides, in either half of a joint configuration, each once. */
export const votersOf = ({ voters, outgoing }: Pick<Membership, 'voters' | 'outgoing'>): readonly MemberId[] => [...new Set([...voters, ...outgoing])]

/** Everyone who receives the log, each once, in the order of the lists. */
export const membersOf = (membership: Pick<Membership, 'voters' | 'outgoing' | 'learners'>): readonly MemberId[] =>
  [...new Set([...votersOf(membership), ...membership.learners])]

/** What a member knows before it has been added. */
export const NO_MEMBERSHIP: Membership = { voters: [], outgoing: [], learners: [], addresses: {} }

export const sameLists = (a: readonly MemberId[], b: readonly MemberId[]): boolean => a.length === b.length && a.every(id => b.includes(id))

/** Whether two memberships name the same members for the same purposes at the same addresses, and lead to the same. */
export const sameMembership = (a: Membership, b: Membership): boolean =>
  sameLists(a.voters, b.voters) && sameLists(a.outgoing, b.outgoing) && sameLists(a.learners, b.learners)
  && membersOf(a).every(id => a.addresses[id] === b.addresses[id])
  && sameLists(a.next?.voters ?? [], b.next?.voters ?? []) && sameLists(a.next?.learners ?? [], b.next?.learners ?? [])

/** The membership with which a cluster begins: all are voters. */
export const firstMembership = (addresses: Readonly<Record<MemberId, string>>): Membership =>
  ({ voters: Object.keys(addresses).sort(), outgoing: [], learners: [], addresses })
