/** How far a quorum is, this leader included: commitment, contact, leases and changes of the membership all rest on this one question. */
import type { Progress } from './progress.js'
import { quorumValue } from './quorum.js'
import { type Leader, membership, progressOf } from './state.js'
import type { Membership } from './types.js'

/** The largest value that a quorum of those who decide has reached: the leader's `own`, and `of` each other; a stranger has reached nothing. */
export const quorumReached = (leader: Leader, own: number, of: (progress: Progress) => number, deciding: Pick<Membership, 'voters' | 'outgoing'> = membership(leader)): number => {
  const { settings: { id: self } } = leader
  return quorumValue(deciding, id => {
    if (id === self) return own
    const progress = progressOf(leader, id)
    return progress === undefined ? Number.NEGATIVE_INFINITY : of(progress)
  })
}
