/** A wish that the leadership be handed over, uttered where another member leads: it is forwarded once, and what the leader says is what became of it. */
import { NotLeader, OutcomeUnknown, type TransferError, TransferFailed } from '../../lib/errors.js'
import { type Either, left, right } from '../../lib/prelude.js'
import type { WishFate } from '../../lib/requests.js'
import type { MemberId } from '../../lib/types.js'
import type { Sending } from './outlet.js'

/** Why it was not forwarded; undefined where it was. */
export const whyNotSent = (sending: Sending, to: MemberId | undefined, leader: MemberId | undefined): TransferError | undefined => {
  switch (sending) {
    case 'sent': return undefined
    case 'busy': return new TransferFailed(to, 'another transfer is under way')
    case 'noWay': return new NotLeader(leader, leader === undefined ? 'No leader is known here that could hand over.' : `"${leader}" leads, and cannot be asked from here to hand over.`)
  }
}

/** What the leader made of it. */
export const outcomeOf = (fate: WishFate, to: MemberId | undefined, leader: MemberId | undefined): Either<TransferError, MemberId> => {
  switch (fate.type) {
    case 'handedOver': return right(fate.leader)
    case 'notHandedOver': return left(new TransferFailed(to, fate.reason))
    case 'notTaken': return left(new NotLeader(leader, 'Who was asked to hand over does not lead any more.'))
    default: return left(new OutcomeUnknown('the leader that was asked, or the link to it, was lost', 'the leadership may still be handed over'))
  }
}
