import type { MemberId, Membership, NextMembership } from './types.js'

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

/** The same, which nobody can write to any more: it is shown as it stands in the log. */
export const frozen = (membership: Membership): Membership => {
  const { voters, outgoing, learners, addresses, next } = membership
  for (const part of [voters, outgoing, learners, addresses, next, next?.voters, next?.learners]) Object.freeze(part)
  return Object.freeze(membership)
}

export const sameLists = (a: readonly MemberId[], b: readonly MemberId[]): boolean => a.length === b.length && a.every(id => b.includes(id))

/** Whether two memberships name the same members for the same purposes at the same addresses, and lead to the same. */
export const sameMembership = (a: Membership, b: Membership): boolean =>
  sameLists(a.voters, b.voters) && sameLists(a.outgoing, b.outgoing) && sameLists(a.learners, b.learners)
  && membersOf(a).every(id => a.addresses[id] === b.addresses[id])
  && sameLists(a.next?.voters ?? [], b.next?.voters ?? []) && sameLists(a.next?.learners ?? [], b.next?.learners ?? [])

/** The membership with which a cluster begins: all are voters. */
export const firstMembership = (addresses: Readonly<Record<MemberId, string>>): Membership =>
  ({ voters: Object.keys(addresses).sort(), outgoing: [], learners: [], addresses })

/** What is wrong with one list of a membership. */
export const listFault = (ids: readonly MemberId[]): string | undefined => {
  if (ids.length > MAX_MEMBERS) return `must list at most ${MAX_MEMBERS} members`
  return ids.every((id, i) => i === 0 || ids[i - 1]! < id) ? undefined : 'must be sorted and name nobody twice'
}

/** A change that waits names members alone, and is no joint one yet. */
const nextFault = ({ outgoing }: Membership, { voters, learners }: NextMembership, all: readonly MemberId[]): string | undefined => {
  if (outgoing.length > 0) return 'must not lead further while two configurations decide'
  if (voters.length === 0) return 'must lead to a membership with a voter'
  const both = learners.find(id => voters.includes(id))
  if (both !== undefined) return `must not lead to a membership with ${both} both as a voter and as a learner`
  const stranger = [...voters, ...learners].find(id => !all.includes(id))
  return stranger === undefined ? undefined : `must not lead to a membership with ${stranger}, who is no member`
}

/** What is wrong with a membership whose lists are in order. */
export const membershipFault = (membership: Membership): string | undefined => {
  const { voters, learners, addresses, next } = membership
  const all = [...membersOf(membership)].sort()
  const voting = learners.find(id => voters.includes(id))
  if (voting !== undefined) return `must not name ${voting} both as a voter and as a learner`
  if (voters.length === 0 && all.length > 0) return 'must have a voter'
  const homeless = all.find(id => !Object.hasOwn(addresses, id))
  if (homeless !== undefined) return `must have an address of ${homeless}`
  const stranger = Object.keys(addresses).find(id => !all.includes(id))
  if (stranger !== undefined) return `must not have an address of ${stranger}, who is no member`
  return next && nextFault(membership, next, all)
}
