import { membershipOf } from '../../lib/log.js'
import { reachable } from '../../lib/reach.js'
import type { RaftState } from '../../lib/state.js'

/** A clause for the error of whoever asked this member in vain: that it is outside the cluster, as far as it knows; empty where it is inside. */
export const outsideClause = (state: Pick<RaftState, 'log' | 'commitIndex' | 'settings'>): string => {
  if (Object.hasOwn(reachable(state), state.settings.id)) return ''
  return membershipOf(state.log).voters.length === 0 ? '; this member waits to be added to the cluster' : '; this member does not belong to the cluster'
}
