/**
 * What a change makes of a membership (§4.3, §4.2.1), step by step; each step is an entry in the log, and the next one waits for its commit:
 *
 *     settled ───► waiting ───► joint ───► settled        new voters learn, until they have caught up; then both majorities decide
 *     settled ────────────────► joint ───► settled        voters leave, and the rest could be led without them
 *     settled ───────────────────────────► settled        learners or addresses change
 */
import { MAX_MEMBERS, isVoter, membersOf, sameLists, sameMembership } from './membership.js'
import { type Either, left, right } from './prelude.js'
import type { MemberId, Membership, MembershipWish, NextMembership } from './types.js'

type Change = Extract<MembershipWish, { type: 'change' }>

/** Who belongs where once a change is through. */
const goalOf = ({ voters, learners }: Membership, change: Change): NextMembership => {
  const named = new Set([...Object.keys(change.voters), ...Object.keys(change.learners), ...change.remove])
  const stay = (ids: readonly MemberId[]): readonly MemberId[] => ids.filter(id => !named.has(id))
  return { voters: [...stay(voters), ...Object.keys(change.voters)].sort(), learners: [...stay(learners), ...Object.keys(change.learners)].sort() }
}

/** The addresses of those whom a membership without them names. */
const withAddresses = (membership: Omit<Membership, 'addresses'>, addresses: Membership['addresses']): Membership =>
  ({ ...membership, addresses: Object.fromEntries(membersOf(membership).toSorted().map(id => [id, addresses[id]!])) })

const settled = (goal: NextMembership, addresses: Membership['addresses']): Membership => withAddresses({ ...goal, outgoing: [] }, addresses)

const joint = ({ voters }: Membership, goal: NextMembership, addresses: Membership['addresses']): Membership =>
  withAddresses({ ...goal, outgoing: voters }, addresses)

/** Those whom a goal makes voters and who are none yet. */
const newVoters = ({ voters }: Membership, goal: NextMembership): readonly MemberId[] => goal.voters.filter(id => !voters.includes(id))

const isUnderWay = ({ next, outgoing }: Membership): boolean => next !== undefined || outgoing.length > 0

/** Why a change makes no sense for this membership. */
const faultOf = (membership: Membership, { voters, learners, remove, newcomers = [] }: Change): string | undefined => {
  const named = [...Object.keys(voters), ...Object.keys(learners), ...remove]
  const twice = named.find((id, at) => named.indexOf(id) !== at)
  if (twice !== undefined) return `"${twice}" is named twice`
  const stranger = remove.find(id => !membersOf(membership).includes(id))
  if (stranger !== undefined) return `"${stranger}" is no member`
  const idle = newcomers.find(id => !Object.hasOwn(voters, id))
  if (idle !== undefined) return `"${idle}" is named a newcomer, and not a voter`
  const voter = newcomers.find(id => isVoter(membership, id))
  if (voter !== undefined) return `"${voter}" is a voter already`
  return undefined
}

const isTooLong = ({ voters, learners }: NextMembership): boolean => Math.max(voters.length, learners.length) > MAX_MEMBERS

const TOO_MANY = `there would be more than ${MAX_MEMBERS} members of a kind`

const sharedAddress = ({ addresses }: Membership): string | undefined => {
  const all = Object.values(addresses)
  return all.find((address, at) => all.indexOf(address) !== at)
}

const abandoned = ({ voters, outgoing, learners, addresses }: Membership): Membership => {
  const stay = outgoing.length > 0 ? outgoing : voters
  return settled({ voters: stay, learners: [...new Set([...learners, ...voters])].filter(id => !stay.includes(id)).sort() }, addresses)
}

/** The first step of a change, and where the change leads. */
export interface FirstStep {
  readonly membership: Membership
  readonly goal: Membership
}

/**
 * The first step of what is wanted, or why there is none: the change waits where voters come, or where those who are to vote `haveToWait`. An abandoned change leaves those
 * it had brought in as learners.
 */
export const changed = (membership: Membership, wish: MembershipWish, haveToWait: (voters: readonly MemberId[]) => boolean = () => false): Either<string, FirstStep> => {
  if (wish.type === 'abandon') {
    const back = abandoned(membership)
    return isUnderWay(membership) ? right({ membership: back, goal: back }) : left('no change is under way')
  }
  if (isUnderWay(membership)) return left('another change is under way')
  const fault = faultOf(membership, wish)
  if (fault !== undefined) return left(fault)
  const goal = goalOf(membership, wish)
  if (goal.voters.length === 0) return left('no voter would be left')
  if (isTooLong(goal)) return left(TOO_MANY)
  const addresses = { ...membership.addresses, ...wish.voters, ...wish.learners }
  const through = settled(goal, addresses)
  const shared = sharedAddress(through)
  if (shared !== undefined) return left(`two members would have the address "${shared}"`)
  if (sameMembership(through, membership)) return left('the membership is already as requested')
  if (sameLists(goal.voters, membership.voters)) return right({ goal: through, membership: through })
  const added = newVoters(membership, goal)
  if (added.length > 0 || haveToWait(goal.voters)) {
    const learners = [...new Set([...membership.learners, ...added, ...goal.learners.filter(id => !isVoter(membership, id))])].sort()
    if (isTooLong({ voters: [], learners })) return left(TOO_MANY)
    return right({ goal: through, membership: { ...withAddresses({ voters: membership.voters, outgoing: [], learners }, addresses), next: goal } })
  }
  return right({ goal: through, membership: joint(membership, goal, addresses) })
}

/** The new voters for whom a change waits. */
export const awaitedBy = (membership: Membership): readonly MemberId[] => membership.next === undefined ? [] : newVoters(membership, membership.next)

/** The step after this one; undefined where the change is through. */
export const stepAfter = (membership: Membership): Membership | undefined => {
  const { voters, outgoing, learners, addresses, next } = membership
  if (next !== undefined) return joint(membership, next, addresses)
  return outgoing.length > 0 ? settled({ voters, learners }, addresses) : undefined
}
