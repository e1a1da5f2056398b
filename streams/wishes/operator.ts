/** What operators ask: that another member leads, or that others belong to the cluster. It is done here where this member leads, and forwarded to whoever does where not. */
import type { TransferError } from '../../lib/errors.js'
import type { ChangeAnswer, RaftEvent } from '../../lib/events.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import { canChange } from '../../lib/reconfiguration.js'
import type { WishFate } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { MemberId, RequestId } from '../../lib/types.js'
import type { Linked } from '../transport/linked.js'
import type { Links } from '../transport/port.js'
import type { Sender } from '../transport/send.js'
import { type Changes, type ChangesOptions, createChanges } from './changes.js'
import { type Handovers, createHandovers } from './handovers.js'
import { type WishIntake, createWishIntake } from './intake.js'
import { type WishOutlet, createWishOutlet } from './outlet.js'
import { type Transfers, createTransfers } from './transfer.js'

interface OperatorOptions {
  readonly first: RaftState
  readonly linked: Pick<Linked, 'listen' | 'term' | 'at'>
  readonly links: Pick<Links, 'send' | 'objection'>
  readonly sender: Pick<Sender, 'to'>
  /** Puts a wish to the core of this member. */
  readonly ask: (event: Extract<RaftEvent, { type: 'changeAsked' | 'transferAsked' }>) => void
}

export interface Operator extends Pick<Handovers, 'transfer'>, Pick<Transfers, 'leave'>, Pick<Changes, 'change'>, Pick<WishIntake, 'requested'>, Pick<WishOutlet, 'replied'> {
  /** A step was folded. */
  follow(step: Step): void
  halt(why: string): void
}

const fateOfChange = (answer: ChangeAnswer): WishFate => {
  if (answer.type === 'changeTaken') return { type: answer.type, index: answer.index, term: answer.term, goal: answer.goal }
  return answer.type === 'changeRefused' ? { type: answer.type, reason: answer.reason } : { type: 'notTaken' }
}

const fateOfTransfer = (outcome: Either<TransferError, MemberId>): WishFate => {
  if (!isLeft(outcome)) return { type: 'handedOver', leader: outcome.right }
  switch (outcome.left._tag) {
    case 'TransferFailed': return { type: 'notHandedOver', reason: outcome.left.reason }
    case 'NotLeader': return { type: 'notTaken' }
    default: return { type: 'lost' }
  }
}

export const createOperator = ({ first, linked, links, sender, ask }: OperatorOptions): Operator => {
  let newest = first
  let lastId: RequestId = 0
  /** Wishes that the core has not answered. */
  const asked = new Map<RequestId, (fate: WishFate) => void>()
  const askCore: ChangesOptions['ask'] = (wish, from, told) => {
    if (!canChange(newest)) return 'noWay'
    asked.set(++lastId, told)
    ask({ type: 'changeAsked', id: lastId, term: newest.term, wish, from })
    return 'sent'
  }
  const outlet = createWishOutlet(linked, links)
  const here = createTransfers({ first, ask, isLinked: id => linked.at({ type: 'member', id }) !== undefined })
  const handovers = createHandovers({ first, here, outlet })
  const changes = createChanges({
    objection: links.objection,
    first, giveUp: outlet.giveUp,
    ask: (change, from, told) => newest.role === 'leader' ? askCore(change, from, told) : outlet.send({ ...change, from }, told),
  })
  const intake = createWishIntake({
    linked, sender,
    grant: (wish, term, told) => {
      if (newest.role !== 'leader' || newest.term !== term) return told({ type: 'notTaken' })
      if (wish.type === 'transfer') return here.transfer(wish.to, outcome => told(fateOfTransfer(outcome)))
      const { from, ...change } = wish
      if (askCore(change, from, told) === 'noWay') told({ type: 'notTaken' })
    },
  })

  return {
    transfer: handovers.transfer,
    leave: here.leave,
    change: changes.change,
    requested: intake.requested,
    replied: outlet.replied,
    follow: ({ state, ready }) => {
      newest = state
      here.follow(state)
      handovers.follow(state)
      for (const answer of ready.changeAnswers) {
        const told = asked.get(answer.id)
        asked.delete(answer.id)
        told?.(fateOfChange(answer))
      }
      changes.follow(state)
    },
    halt: why => {
      intake.halt()
      // Who hands over here knows more of it than those who wait.
      for (const part of [here, handovers, changes]) part.halt(why)
    },
  }
}
