import * as t from 'io-ts'
import type { Either } from '../lib/prelude.js'
import type * as core from '../lib/types.js'
import { decodeJson, encodeJson } from './json.js'
import { Address, MAX_MEMBERS, MemberId, byMember, checked } from './primitives.js'

const Members: t.Type<readonly core.MemberId[], unknown> = checked(t.readonlyArray(MemberId, 'Members'), ids => {
  if (ids.length > MAX_MEMBERS) return `must list at most ${MAX_MEMBERS} members`
  return ids.every((id, i) => i === 0 || ids[i - 1]! < id) ? undefined : 'must be sorted and name nobody twice'
})

/** Everybody whom a membership names, sorted, each once. */
const everybody = ({ voters, outgoing, learners }: core.Membership): core.MemberId[] => [...new Set([...voters, ...outgoing, ...learners])].sort()

const membershipFault = (membership: core.Membership): string | undefined => {
  const { voters, learners, addresses } = membership
  const all = everybody(membership)
  const voting = learners.find(id => voters.includes(id))
  if (voting !== undefined) return `must not name ${voting} both as a voter and as a learner`
  if (voters.length === 0 && all.length > 0) return 'must have a voter'
  const homeless = all.find(id => !Object.hasOwn(addresses, id))
  if (homeless !== undefined) return `must have an address of ${homeless}`
  const stranger = Object.keys(addresses).find(id => !all.includes(id))
  return stranger === undefined ? undefined : `must not have an address of ${stranger}, who is no member`
}

/** A membership in its canonical form: sorted lists, an address for each member and for nobody else. Empty before a member has been added. */
export const Membership: t.Type<core.Membership, unknown> = checked(t.strict({
  voters: Members,
  outgoing: Members,
  learners: Members,
  addresses: byMember('Addresses', Address),
}, 'Membership'), membershipFault)

/** The same membership with its lists and addresses in order, so that equal memberships are written as equal bytes. */
export const canonical = (membership: core.Membership): core.Membership => ({
  voters: [...membership.voters].sort(),
  outgoing: [...membership.outgoing].sort(),
  learners: [...membership.learners].sort(),
  addresses: Object.fromEntries(Object.entries(membership.addresses).sort(([a], [b]) => (a < b ? -1 : 1))),
})

/** JSON in canonical form: what a membership entry and a log's base hold, and what a cluster's id is made of. */
export const encodeMembership = (membership: core.Membership): Uint8Array => encodeJson(Membership, canonical(membership))

/** Reads nothing but the canonical form, so that a membership has one spelling everywhere. */
export const decodeMembership = (bytes: Uint8Array): Either<string, core.Membership> => decodeJson(Membership, bytes)
