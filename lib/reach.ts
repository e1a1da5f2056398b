import { membershipAt, membershipOf } from './log.js'
import type { RaftState } from './state.js'
import type { MemberId } from './types.js'

/** Where everyone is reached who counts: by the newest membership, and by the committed one, which counts again where the newest is overwritten. */
export const reachable = ({ log, commitIndex }: Pick<RaftState, 'log' | 'commitIndex'>): Readonly<Record<MemberId, string>> => {
  const newest = membershipOf(log)
  const committed = membershipAt(log, commitIndex)
  return newest === committed ? newest.addresses : { ...committed.addresses, ...newest.addresses }
}

/**
 * Whether this member may be one that does not know who belongs by now: nobody leads it, or somebody whom its log does not name. It must then hear whoever is of
 * its cluster, or it could never catch up: a server takes entries and gives votes whatever its own configuration says (§6).
 */
export const mayBeBehind = (leader: MemberId | undefined, addresses: Readonly<Record<MemberId, string>>): boolean =>
  leader === undefined || !Object.hasOwn(addresses, leader)
