/** Handing over the leadership, as a user sees it: by this member where it leads, by whoever does where not, and waited for no longer than is wanted. */
import * as t from 'io-ts'
import { optional } from '../../codecs/judging.js'
import { MemberId as MemberIdCodec } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { NotLeader, OutcomeUnknown, Rejected, Stopped, TimedOut, type TransferError, TransferFailed } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { WishFate } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Millis } from '../../lib/types.js'
import { callOptions } from '../proposer/call-options.js'
import { GIVEN_UP, isAborted } from '../requests/aborts.js'
import { type Call, createCalls } from './calls.js'
import type { Sending, WishOutlet } from './outlet.js'
import { ELECTIONS, type Transfers } from './transfer.js'

export interface TransferOptions {
  /** How long to wait until somebody leads next; five election timeouts unless told otherwise: by then whoever leads has handed over or given up. */
  readonly timeoutMs?: Millis | undefined
  /** Gives up waiting. A transfer that was begun goes on. */
  readonly signal?: AbortSignal | undefined
}

type Outcome = Either<TransferError, MemberId>

export interface Handovers {
  /** `done` is called once, possibly before this returns. */
  transfer(to: MemberId | undefined, options: TransferOptions | undefined, done: (outcome: Outcome) => void): void
  /** A step was folded. */
  follow(state: RaftState): void
  /** Whoever still waits is told that the outcome is unknown, because of `why`. */
  halt(why: string): void
}

interface HandoversOptions {
  readonly first: RaftState
  readonly here: Pick<Transfers, 'transfer'>
  readonly outlet: Pick<WishOutlet, 'send' | 'giveUp'>
}

/** How many election timeouts it may take: one until the leader gives up, then until the next one is known, and one for the ways. */
const PATIENCE = 1 + ELECTIONS + 1

const Heir = t.type({ to: optional(MemberIdCodec) })

/** What a call asks for, or every fault of it by name. Plain JavaScript may hand over anything. */
const begun = (to: unknown, options: unknown, { now, settings: { electionTimeoutMs } }: RaftState): Either<TransferError, Omit<Call<Outcome>, 'told' | 'done'>> => {
  const heir = decodeWith(Heir, { to })
  const { timeoutMs = PATIENCE * electionTimeoutMs, signal, faults = [] } = callOptions(options)
  if (isLeft(heir) || faults.length > 0) return left(new Rejected([...isLeft(heir) ? heir.left : [], ...faults]))
  if (isAborted(signal)) return left(new TimedOut('never', GIVEN_UP))
  return right({ timeoutMs, deadline: now + timeoutMs, signal })
}

/** Why it was not forwarded; undefined where it was. */
const whyNotSent = (sending: Sending, to: MemberId | undefined, leader: MemberId | undefined): TransferError | undefined => {
  switch (sending) {
    case 'sent': return undefined
    case 'busy': return new TransferFailed(to, 'another transfer is under way')
    case 'noWay': return new NotLeader(leader, leader === undefined ? 'No leader is known here that could hand over.' : `"${leader}" leads, and cannot be asked from here to hand over.`)
  }
}

/** What the leader made of it. */
const outcomeOf = (fate: WishFate, to: MemberId | undefined, leader: MemberId | undefined): Either<TransferError, MemberId> => {
  switch (fate.type) {
    case 'handedOver': return right(fate.leader)
    case 'notHandedOver': return left(new TransferFailed(to, fate.reason))
    case 'notTaken': return left(new NotLeader(leader, 'Who was asked to hand over does not lead any more.'))
    default: return left(new OutcomeUnknown('the leader that was asked, or the link to it, was lost', 'the leadership may still be handed over'))
  }
}

export const createHandovers = ({ first, here, outlet }: HandoversOptions): Handovers => {
  const calls = createCalls<Outcome, Call<Outcome>>(outlet.giveUp, () => left(new TimedOut('unknown', GIVEN_UP)))
  let newest = first
  let halted: Stopped | undefined

  return {
    transfer: (to, options, done) => {
      const asked = begun(to, options, newest)
      if (isLeft(asked)) return done(asked)
      if (halted !== undefined) return done(left(halted))
      const call: Call<Outcome> = { ...asked.right, done, told: fate => calls.end(call, outcomeOf(fate, to, newest.leader)) }
      calls.open(call)
      if (newest.role === 'leader') return here.transfer(to, outcome => calls.end(call, outcome))
      const refused = whyNotSent(outlet.send({ type: 'transfer', to }, call.told), to, newest.leader)
      if (refused !== undefined) calls.end(call, left(refused))
    },
    follow: state => {
      newest = state
      calls.each(call => {
        if (state.now >= call.deadline) calls.end(call, left(new TimedOut('unknown', `It is not known after ${call.timeoutMs} ms who leads next; the leadership may still be handed over.`)))
      })
    },
    halt: why => {
      halted = new Stopped(why)
      calls.each(call => calls.end(call, left(new OutcomeUnknown(why, 'the leadership may still be handed over'))))
    },
  }
}
