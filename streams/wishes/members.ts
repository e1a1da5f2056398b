/** What users change about who belongs to the cluster. */
import type { ChangeError } from '../../lib/errors.js'
import { right } from '../../lib/prelude.js'
import type { MemberId, Membership } from '../../lib/types.js'
import type { Eventual } from '../proposer/proposer.js'
import { type ChangeOptions, type JudgedWish, type MembershipChange, wishOf, wishToAdd, wishToRemove, wishToReplace } from './change-options.js'
import type { Changes } from './changes.js'

/** Changes of the membership, one at a time. Each resolves with what it has become once that is committed. */
export interface Members {
  /** A new voter at its address `host:port`, or a learner that shall vote. It receives the log first, and votes once it has caught up. A member that votes already is refused: `change` moves it. */
  add(id: MemberId, address: string, options?: ChangeOptions): Eventual<ChangeError, Membership>
  /** A member leaves, whatever it was. A leader that leaves hands over; the last voter stays. */
  remove(id: MemberId, options?: ChangeOptions): Eventual<ChangeError, Membership>
  /** The newcomer, no voter so far, takes the place of `id` in one change: neither a voter more nor one less in between. */
  replace(id: MemberId, newcomer: MemberId, address: string, options?: ChangeOptions): Eventual<ChangeError, Membership>
  /** Any of these at once, and learners, and new addresses. */
  change(change: MembershipChange, options?: ChangeOptions): Eventual<ChangeError, Membership>
  /**
   * Ends the change that is under way, whoever began it, with the voters from before; those it brought in stay learners, to be removed. Refused once the
   * old voters have no say any more.
   */
  abandon(options?: ChangeOptions): Eventual<ChangeError, Membership>
}

/** The actions of a member, each of which is one wish. */
export const membersBy = (wish: Changes['change']): Members => {
  const want = (wished: JudgedWish, options: ChangeOptions = {}): Eventual<ChangeError, Membership> => new Promise(resolve => wish(wished, options, resolve))
  return {
    add: (id, address, options) => want(wishToAdd(id, address), options),
    remove: (id, options) => want(wishToRemove(id), options),
    replace: (id, newcomer, address, options) => want(wishToReplace(id, newcomer, address), options),
    change: (change, options) => want(wishOf(change), options),
    abandon: options => want(right({ type: 'abandon' }), options),
  }
}
