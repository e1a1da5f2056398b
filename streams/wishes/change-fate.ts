import { type ChangeError, ChangeFailed, OutcomeUnknown } from '../../lib/errors.js'
import { membershipAt, termAt } from '../../lib/log.js'
import { sameMembership } from '../../lib/membership.js'
import { type Either, left, right } from '../../lib/prelude.js'
import type { WishFate } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import type { Membership } from '../../lib/types.js'

/** Where the log has the first step of a change, and where that leads. */
export type Taken = Extract<WishFate, { type: 'changeTaken' }>

/**
 * What became of a change by this state, whoever leads by now; undefined while that is open. Only what is committed counts: an entry
 * that is gone from this log may yet be brought back.
 */
export const whatBecameOf = (taken: Taken, { log, commitIndex }: RaftState): Either<ChangeError, Membership> | undefined => {
  if (commitIndex < taken.index) return undefined
  const term = termAt(log, taken.index)
  if (term !== undefined && term !== taken.term) return left(new ChangeFailed('never', 'the next leader did not know of it'))
  const committed = log.memberships.filter(({ index }) => index >= taken.index && index <= commitIndex).map(({ membership }) => membership)
  const now = membershipAt(log, commitIndex)
  const reached = [...committed, now].find(membership => sameMembership(taken.goal, membership))
  if (reached !== undefined) return right(reached)
  const { next, outgoing } = now
  if (next !== undefined || outgoing.length > 0) return undefined
  return left(term === undefined ? new OutcomeUnknown('a snapshot took the place of what was done', 'the membership may have been that for a while') : new ChangeFailed('yes', 'it was abandoned'))
}
