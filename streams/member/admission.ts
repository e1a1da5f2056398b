import { isLeft, left, right } from '../../lib/prelude.js'
import type { Incarnation, MemberId } from '../../lib/types.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { Store } from '../storage/port.js'
import type { Endpoint } from '../transport/port.js'

/**
 * Knows each peer by its incarnation, for good: a peer that comes back with an empty folder is a stranger, for it has
 * forgotten its votes and what it acknowledged. The first incarnation met is durable before the peer is let in.
 */
export const createAdmission = (store: Pick<Store, 'recovered' | 'remember'>, notice: (notice: MemberNotice) => void): Endpoint['admit'] => {
  const known = new Map(Object.entries(store.recovered.peers))
  const claimed = new Map<MemberId, Incarnation>(known)

  return (peer, incarnation, decide) => {
    const claim = claimed.get(peer)
    if (claim !== undefined && claim !== incarnation) return decide(left(`member ${peer} is known by another data folder than the one it comes with now`))
    if (known.get(peer) === incarnation) return decide(right(undefined))
    claimed.set(peer, incarnation)
    store.remember(peer, incarnation, outcome => {
      if (isLeft(outcome)) {
        claimed.delete(peer)
        notice({ type: 'rememberFailed', peer, reason: outcome.left.message })
        return decide(left(`member ${peer} could not be remembered: ${outcome.left.message}`))
      }
      known.set(peer, incarnation)
      decide(right(undefined))
    })
  }
}
