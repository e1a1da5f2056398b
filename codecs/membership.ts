import * as t from 'io-ts'
import { type Either, isLeft, left } from '../lib/prelude.js'
import { MAX_MEMBERS, listFault, membershipFault } from '../lib/membership.js'
import type * as core from '../lib/types.js'
import { through } from './depth.js'
import { decodeJson, encodeJson } from './json.js'
import { optional } from './judging.js'
import { Address, MemberId, byMember, checked } from './primitives.js'

const Members: t.Type<readonly core.MemberId[], unknown> = checked(t.readonlyArray(MemberId, 'Members'), listFault)

const lists = { voters: Members, outgoing: Members, learners: Members, addresses: byMember('Addresses', Address) }
/** The lists that a membership will have. */
export const NextMembership: t.Type<core.NextMembership, unknown> = t.strict({ voters: Members, learners: Members }, 'NextMembership')
const Plain = t.strict(lists, 'Membership')
const Leading = t.strict({ ...lists, next: NextMembership }, 'Membership')

/** With `next` where it leads somewhere, and without that key where it does not. */
const MembershipFields: t.Type<core.Membership, unknown> = through(new t.Type<core.Membership, unknown>(
  'Membership',
  (value): value is core.Membership => t.UnknownRecord.is(value) && ('next' in value ? Leading : Plain).is(value),
  (value, context) => (t.UnknownRecord.is(value) && 'next' in value ? Leading : Plain).validate(value, context),
  t.identity,
), Leading)

/** A membership in its canonical form: sorted lists, an address for each member and for nobody else. Empty before a member has been added. */
export const Membership: t.Type<core.Membership, unknown> = checked(MembershipFields, membershipFault)

/** A change names no more than a membership can hold: whoever hands over more is told at once. */
const few = <A>(codec: t.Type<A, unknown>, count: (value: A) => number): t.Type<A, unknown> =>
  checked(codec, value => count(value) <= MAX_MEMBERS ? undefined : `must name at most ${MAX_MEMBERS} members`)

/** Those whom a change names, with their addresses. */
export const NamedAddresses: t.Type<Readonly<Record<core.MemberId, string>>, unknown> = few(byMember('members', Address), named => Object.keys(named).length)
/** Those whom a change names. */
export const NamedMembers: t.Type<readonly core.MemberId[], unknown> = few(t.readonlyArray(MemberId, 'a list of members'), ids => ids.length)

/** The fields of what somebody wants of a membership, by its type. */
export const membershipWishes = {
  change: { type: t.literal('change'), voters: NamedAddresses, learners: NamedAddresses, remove: NamedMembers, newcomers: optional(NamedMembers) },
  abandon: { type: t.literal('abandon') },
}

/** What somebody wants of a membership. */
export const MembershipWish: t.Type<core.MembershipWish, unknown> = t.union([t.strict(membershipWishes.change), t.strict(membershipWishes.abandon)], 'MembershipWish')

/** The same membership with its lists and addresses in order, so that equal memberships are written as equal bytes. */
export const canonical = (membership: core.Membership): core.Membership => ({
  voters: [...membership.voters].sort(),
  outgoing: [...membership.outgoing].sort(),
  learners: [...membership.learners].sort(),
  addresses: Object.fromEntries(Object.entries(membership.addresses).sort(([a], [b]) => (a < b ? -1 : 1))),
  ...(membership.next && { next: { voters: [...membership.next.voters].sort(), learners: [...membership.next.learners].sort() } }),
})

/** JSON in canonical form: what a membership entry and a log's base hold, and what a cluster's id is made of. */
export const encodeMembership = (membership: core.Membership): Uint8Array => encodeJson(Membership, canonical(membership))

/** Reads nothing but the canonical form, so that a membership has one spelling everywhere. */
export const decodeMembership = (bytes: Uint8Array): Either<string, core.Membership> => {
  const decoded = decodeJson(Membership, bytes)
  return isLeft(decoded) || Buffer.compare(encodeMembership(decoded.right), bytes) === 0 ? decoded : left('a membership is spelled otherwise')
}
