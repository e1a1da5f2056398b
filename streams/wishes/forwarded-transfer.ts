/** A wish that the leadership be handed over, uttered where another member leads: it is forwarded once, and what the leader says is what became of it. */
import { NotLeader, OutcomeUnknown, Stopped, type TransferError, TransferFailed } from '../../lib/errors.js'
import { type Either, left, right } from '../../lib/prelude.js'
import type { WishFate } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Told, WishOutlet } from './outlet.js'
import { ELECTIONS, type Transfers, faultsOf } from './transfer.js'

interface Forwarded {
  readonly to: MemberId | undefined
  readonly done: (outcome: Either<TransferError, MemberId>) => void
  readonly since: Millis
  readonly told: Told
}

/** How many election timeouts the leader has to answer: one until it gives up, then until the next one is known, and one for the ways. */
const PATIENCE = 1 + ELECTIONS + 1

const unknown = (reason: string): TransferError => new OutcomeUnknown(reason, 'the leadership may still be handed over')

const outcomeOf = (to: MemberId | undefined, fate: WishFate, leader: MemberId | undefined): Either<TransferError, MemberId> => {
  switch (fate.type) {
    case 'handedOver': return right(fate.leader)
    case 'notHandedOver': return left(new TransferFailed(to, fate.reason))
    case 'notTaken': return left(new NotLeader(leader, 'Who was asked to hand over does not lead any more.'))
    default: return left(unknown('the leader that was asked, or the link to it, was lost'))
  }
}

export const createForwardedTransfers = (first: RaftState, outlet: Pick<WishOutlet, 'send' | 'giveUp'>): Pick<Transfers, 'transfer' | 'follow' | 'halt'> => {
  let newest = first
  let forwarded: Forwarded | undefined
  let isHalted = false

  const end = (ended: Forwarded | undefined, outcome: Either<TransferError, MemberId>): void => {
    if (ended === undefined || ended !== forwarded) return
    forwarded = undefined
    outlet.giveUp(ended.told)
    ended.done(outcome)
  }
  const nobody = (leader: MemberId | undefined): TransferError =>
    new NotLeader(leader, leader === undefined ? 'No leader is known here that could hand over.' : `"${leader}" leads, and cannot be asked from here to hand over.`)

  return {
    transfer: (to, done) => {
      const refused = faultsOf(to) ?? (isHalted ? new Stopped() : undefined)
      if (refused !== undefined) return done(left(refused))
      const wished: Forwarded = { to, done, since: newest.now, told: fate => end(wished, outcomeOf(to, fate, newest.leader)) }
      switch (outlet.send({ type: 'transfer', to }, wished.told)) {
        case 'sent':
          forwarded = wished
          return
        case 'busy': return done(left(new TransferFailed(to, 'another transfer is under way')))
        case 'noWay': return done(left(nobody(newest.leader)))
      }
    },
    follow: state => {
      newest = state
      if (forwarded !== undefined && state.now - forwarded.since > PATIENCE * state.settings.electionTimeoutMs) end(forwarded, left(unknown('the leader has not answered')))
    },
    halt: () => {
      isHalted = true
      end(forwarded, left(new Stopped()))
    },
  }
}
