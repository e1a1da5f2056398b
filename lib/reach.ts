import { membershipAt, membershipOf, placedMembershipAt } from './log.js'
import type { Leader, RaftState } from './state.js'
import type { Index, MemberId } from './types.js'

type Known = Pick<RaftState, 'log' | 'commitIndex'> & Partial<Pick<Leader, 'leaving'>>

/**
 * Where everyone is reached who counts: by the newest membership, and by the committed one, which counts again where the newest is overwritten;
 * and where a leader has yet to tell those who have left.
 */
export const reachable = ({ log, commitIndex, leaving = [] }: Known): Readonly<Record<MemberId, string>> => {
  const newest = membershipOf(log)
  const committed = membershipAt(log, commitIndex)
  const told = Object.fromEntries(leaving.map(({ id, address }) => [id, address]))
  return newest === committed && leaving.length === 0 ? newest.addresses : { ...told, ...committed.addresses, ...newest.addresses }
}

/** Where the committed membership stands, if it names this member; else 0, where the first one does. */
export const namedAt = ({ log, commitIndex }: Pick<Known, 'log' | 'commitIndex'>, id: MemberId): Index => {
  const { index, membership } = placedMembershipAt(log, commitIndex)
  return Object.hasOwn(membership.addresses, id) ? index : 0
}

/**
 * Whether this member may be one that does not know who belongs by now: nobody leads it, or somebody whom its log does not name. It must then hear whoever is of
 * its cluster, or it could never catch up: a server takes entries and gives votes whatever its own configuration says (§6).
 */
export const mayBeBehind = (leader: MemberId | undefined, addresses: Readonly<Record<MemberId, string>>): boolean =>
  leader === undefined || !Object.hasOwn(addresses, leader)
