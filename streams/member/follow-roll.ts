/** Who belongs to the cluster, as steps change it: those who are reached follow, and those who have left are forgotten. */
import { type Log, membershipAt, membershipOf, membershipsFrom } from '../../lib/log.js'
import { mayBeBehind, namedAt, reachable } from '../../lib/reach.js'
import type { Leader, RaftState } from '../../lib/state.js'
import type { Index, MemberId, Membership } from '../../lib/types.js'
import type { VersionEars } from '../outputs/machine-versions.js'
import type { Links } from '../transport/port.js'
import type { Admission } from './admission.js'

interface Followers {
  readonly links: Pick<Links, 'update'>
  readonly admission: Pick<Admission, 'named' | 'knows' | 'left'>
  readonly versions: Pick<VersionEars, 'named'>
}

/** Who was left out by some membership after `since` and up to `index`, though one of them may name it again. */
const leftBy = ({ base, memberships }: Log, before: Membership, since: Index, index: Index): readonly MemberId[] => {
  const passed = [...base.index > since ? [base.membership] : [], ...memberships.filter(placed => placed.index > since && placed.index <= index).map(({ membership }) => membership)]
  return passed.flatMap((membership, at) => Object.keys((passed[at - 1] ?? before).addresses).filter(id => !Object.hasOwn(membership.addresses, id)))
}

const idsIn = (memberships: readonly Membership[]): readonly MemberId[] => memberships.flatMap(({ addresses }) => Object.keys(addresses))

/** Who was named by memberships that were overwritten, and by none that still counts, though a new one may name them. The first that counted was committed, and stays. */
const overwrittenIn = ({ base, memberships }: Log, counted: readonly Membership[]): readonly MemberId[] => {
  const here = new Set([base.membership, ...memberships.map(({ membership }) => membership)])
  const stays = (membership: Membership, at: number): boolean => at === 0 || here.has(membership)
  const named = new Set(idsIn(counted.filter(stays)))
  return idsIn(counted.filter((membership, at) => !stays(membership, at))).filter(id => !named.has(id))
}

const NOBODY: Leader['leaving'] = []
const leavingOf = (state: RaftState): Leader['leaving'] => state.role === 'leader' && state.leaving.length > 0 ? state.leaving : NOBODY

/** What of a state is followed. */
const viewOf = (state: RaftState) => ({
  newest: membershipOf(state.log), committed: membershipAt(state.log, state.commitIndex), commitIndex: state.commitIndex, leaving: leavingOf(state), leader: state.leader,
})

/** `follow` hears of each state, of which few change anything. */
export const followRoll = ({ links, admission, versions }: Followers, first: RaftState): { follow(state: RaftState): void } => {
  let before = viewOf(first)
  let counted = membershipsFrom(first.log, first.commitIndex)
  let addresses = reachable(first)
  let isOpen = mayBeBehind(first.leader, addresses)

  const follow = (state: RaftState): void => {
    const now = viewOf(state)
    const { commitIndex } = now
    const wasOpen = isOpen
    const hasChanged = now.newest !== before.newest || now.committed !== before.committed || now.leaving !== before.leaving
    admission.knows(commitIndex)
    if (hasChanged) {
      admission.left(overwrittenIn(state.log, counted))
      counted = membershipsFrom(state.log, commitIndex)
      addresses = reachable(state)
      // Whoever is leaving is let in and not remembered: it may come back as another.
      const members = reachable({ log: state.log, commitIndex })
      admission.named(members)
      versions.named(members)
    }
    if (hasChanged || now.leader !== before.leader) isOpen = mayBeBehind(now.leader, addresses)
    if (now.committed !== before.committed) admission.left(leftBy(state.log, before.committed, before.commitIndex, commitIndex))
    if (state.log.base.index > before.commitIndex) admission.left(Object.keys(before.committed.addresses))
    if (hasChanged || isOpen !== wasOpen) links.update({ addresses, isOpen, named: namedAt(state, state.settings.id) })
    before = now
  }
  return { follow }
}
