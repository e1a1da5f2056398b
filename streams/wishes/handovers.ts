/** Handing over the leadership, as a user sees it: by this member where it leads, by whoever does where not, and waited for no longer than is wanted. */
import * as t from 'io-ts'
import { optional } from '../../codecs/options.js'
import { MemberId as MemberIdCodec } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { OutcomeUnknown, Rejected, Stopped, TimedOut, type TransferError } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Millis } from '../../lib/types.js'
import { callOptions } from '../proposer/call-options.js'
import { GIVEN_UP, createAborts } from '../requests/aborts.js'
import { outcomeOf, whyNotSent } from './forwarded-transfer.js'
import type { Told, WishOutlet } from './outlet.js'
import { ELECTIONS, type Transfers } from './transfer.js'

export interface TransferOptions {
  /** How long to wait until somebody leads next; five election timeouts unless told otherwise: by then whoever leads has handed over or given up. */
  readonly timeoutMs?: Millis | undefined
  /** Gives up waiting. A transfer that was begun goes on. */
  readonly signal?: AbortSignal | undefined
}

type Done = (outcome: Either<TransferError, MemberId>) => void

export interface Handovers {
  /** `done` is called once, possibly before this returns. */
  transfer(to: MemberId | undefined, options: TransferOptions | undefined, done: Done): void
  /** A step was folded. */
  follow(state: RaftState): void
  halt(): void
}

interface HandoversOptions {
  readonly first: RaftState
  readonly here: Pick<Transfers, 'transfer'>
  readonly outlet: Pick<WishOutlet, 'send' | 'giveUp'>
}

/** A wish, from its call to its one outcome. */
interface Call {
  readonly timeoutMs: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
  /** Hears what another leader says. */
  readonly told: Told
  readonly done: Done
}

/** How many election timeouts it may take: one until the leader gives up, then until the next one is known, and one for the ways. */
const PATIENCE = 1 + ELECTIONS + 1

const Heir = t.type({ to: optional(MemberIdCodec) })

/** What a call asks for, or every fault of it by name. Plain JavaScript may hand over anything. */
const begun = (to: unknown, options: unknown, { now, settings: { electionTimeoutMs } }: RaftState): Either<TransferError, Omit<Call, 'told' | 'done'>> => {
  const heir = decodeWith(Heir, { to })
  const { timeoutMs = PATIENCE * electionTimeoutMs, signal, faults = [] } = callOptions(options)
  if (isLeft(heir) || faults.length > 0) return left(new Rejected([...isLeft(heir) ? heir.left : [], ...faults]))
  if (signal?.aborted === true) return left(new TimedOut('never', GIVEN_UP))
  return right({ timeoutMs, deadline: now + timeoutMs, signal })
}

export const createHandovers = ({ first, here, outlet }: HandoversOptions): Handovers => {
  const calls = new Set<Call>()
  let newest = first
  let isHalted = false

  const end = (call: Call, outcome: Either<TransferError, MemberId>): void => {
    if (!calls.delete(call)) return
    if (call.signal !== undefined) aborts.forget(call.signal, call)
    outlet.giveUp(call.told)
    call.done(outcome)
  }
  const aborts = createAborts<Call>(call => end(call, left(new TimedOut('unknown', GIVEN_UP))))

  return {
    transfer: (to, options, done) => {
      const asked = begun(to, options, newest)
      if (isLeft(asked)) return done(asked)
      if (isHalted) return done(left(new Stopped()))
      const call: Call = { ...asked.right, done, told: fate => end(call, outcomeOf(fate, to, newest.leader)) }
      calls.add(call)
      if (call.signal !== undefined) aborts.watch(call.signal, call)
      if (newest.role === 'leader') return here.transfer(to, outcome => end(call, outcome))
      const refused = whyNotSent(outlet.send({ type: 'transfer', to }, call.told), to, newest.leader)
      if (refused !== undefined) end(call, left(refused))
    },
    follow: state => {
      newest = state
      for (const call of [...calls]) {
        if (state.now >= call.deadline) end(call, left(new TimedOut('unknown', `It is not known after ${call.timeoutMs} ms who leads next; the leadership may still be handed over.`)))
      }
    },
    halt: () => {
      isHalted = true
      for (const call of [...calls]) end(call, left(new OutcomeUnknown('this member was stopped', 'the leadership may still be handed over')))
    },
  }
}
