/** Changing the membership, as a user sees it: the wish goes to whoever leads, and what becomes of it is read off this member's own log. */
import { DEFAULT_CHANGE_TIMEOUT_MS } from '../../codecs/options.js'
import { awaitedBy } from '../../lib/change.js'
import { type ChangeError, ChangeFailed, OutcomeUnknown, Rejected, Stopped, TimedOut } from '../../lib/errors.js'
import { membershipOf } from '../../lib/log.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { waitsFor } from '../../lib/reconfiguration.js'
import type { WishFate } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import type { Membership, MembershipWish, Millis } from '../../lib/types.js'
import { outsideClause } from '../transport/outside.js'
import type { Links } from '../transport/port.js'
import { type ChangeOptions, type JudgedWish, decodeChangeOptions } from './change-options.js'
import { GIVEN_UP, isAborted } from '../requests/aborts.js'
import { type Call, createCalls } from './calls.js'
import { type Taken, whatBecameOf } from './change-fate.js'
import type { FateListener, Sending, WishOutlet } from './outlet.js'

type Outcome = Either<ChangeError, Membership>

export interface ChangesOptions {
  readonly first: RaftState
  /** Puts a wish to whoever leads, this member or another; `noWay`: not as yet. `told` hears what the leader makes of it, and not during this call. */
  readonly ask: (wish: MembershipWish, from: Membership | undefined, told: FateListener) => Sending
  readonly giveUp: WishOutlet['giveUp']
  readonly objection: Links['objection']
}

export interface Changes {
  /** `done` is called once, possibly before this returns. */
  change(wish: JudgedWish, options: ChangeOptions, done: (outcome: Outcome) => void): void
  /** A step was folded: who leads, and how far the log is. */
  follow(state: RaftState): void
  /** Whoever still waits is told that the outcome is unknown, because of `why`. */
  halt(why: string): void
}

/** A wish, from its call to its one outcome. */
interface Wished extends Call<Outcome> {
  readonly wish: MembershipWish
  readonly from: Membership | undefined
  /** `waiting`: for somebody who can; `asked`: whoever leads has not answered; else where the log has its first step. */
  at: 'waiting' | 'asked' | Taken
  /** It is asked again no earlier than this. */
  notBefore: Millis
  /** How long it may be `waiting`, and until when. */
  readonly leaderMs: Millis
  readonly leaderDeadline: Millis
}

/** One line for each address that nobody would dial. */
const unreachableIn = (wish: MembershipWish, objection: Links['objection']): readonly string[] => wish.type === 'abandon' ? []
  : Object.entries({ ...wish.voters, ...wish.learners }).flatMap(([id, address]) => {
    const fault = objection?.(address)
    return fault === undefined ? [] : [`${id}: ${fault}`]
  })

/** What a call asks for, or every fault of it by name. Plain JavaScript may hand over anything. */
const begun = (wish: JudgedWish, options: ChangeOptions, now: Millis, objection: Links['objection']): Either<ChangeError, Omit<Wished, 'told' | 'done'>> => {
  const given = decodeChangeOptions(options)
  const faults = [...isLeft(wish) ? wish.left : unreachableIn(wish.right, objection), ...isLeft(given) ? given.left : []]
  if (isLeft(wish) || isLeft(given) || faults.length > 0) return left(new Rejected(faults))
  const { timeoutMs = DEFAULT_CHANGE_TIMEOUT_MS, leaderMs = timeoutMs, signal, from } = given.right
  if (isAborted(signal)) return left(new TimedOut('never', GIVEN_UP))
  return right({ wish: wish.right, from, timeoutMs, deadline: now + timeoutMs, signal, at: 'waiting', notBefore: now, leaderMs, leaderDeadline: now + leaderMs })
}

/** Whom the change waits for: the leader knows, and any other member who has to catch up at most. */
const awaitedClause = (state: RaftState): string => {
  const awaited = state.role === 'leader' ? waitsFor(state) : awaitedBy(membershipOf(state.log)).map(id => ({ id, to: 'catch up' as const }))
  const each = awaited.map(({ id, to }) => `"${id}" to ${to}`)
  return each.length === 0 ? '' : `, and waits for ${each.join(', ')}${state.role === 'leader' ? '' : ', as far as is known here'}`
}

const tooLate = ({ at, timeoutMs, leaderMs }: Wished, state: RaftState): ChangeError => {
  const { leader } = state
  if (at === 'waiting') {
    const why = leader === undefined ? 'There was no leader' : `"${leader}" leads, and could not be had`
    return new TimedOut('never', `${why} to change the membership within ${Math.min(timeoutMs, leaderMs)} ms${outsideClause(state)}.`)
  }
  if (at === 'asked') return new TimedOut('unknown', `The membership was not changed within ${timeoutMs} ms.`)
  return new TimedOut('unknown', `The change of the membership was begun and is not through after ${timeoutMs} ms; it goes on${awaitedClause(state)}.`)
}

const isLate = ({ at, deadline, leaderDeadline }: Wished, now: Millis): boolean => now >= deadline || (at === 'waiting' && now >= leaderDeadline)

export const createChanges = ({ first, ask, giveUp, objection }: ChangesOptions): Changes => {
  const wishes = createCalls<Outcome, Wished>(giveUp, ({ at }) => left(new TimedOut(at === 'waiting' ? 'never' : 'unknown', GIVEN_UP)))
  let newest = first
  let halted: Stopped | undefined

  const heard = (wished: Wished, fate: WishFate): void => {
    if (!wishes.has(wished)) return
    switch (fate.type) {
      case 'changeTaken':
        wished.at = fate
        return look(wished)
      case 'changeRefused': return wishes.end(wished, left(new ChangeFailed('never', fate.reason)))
      case 'notTaken':
        wished.at = 'waiting'
        wished.notBefore = newest.now + newest.settings.heartbeatMs
        return
      default: return wishes.end(wished, left(new OutcomeUnknown('the leader that was asked, or the link to it, was lost', 'the membership may still change')))
    }
  }
  const put = (wished: Wished): void => {
    if (newest.now < wished.notBefore) return
    if (ask(wished.wish, wished.from, wished.told) === 'sent') wished.at = 'asked'
  }
  const look = (wished: Wished): void => {
    const fate = typeof wished.at === 'object' ? whatBecameOf(wished.at, newest) : undefined
    if (fate !== undefined) wishes.end(wished, fate)
    else if (isLate(wished, newest.now)) wishes.end(wished, left(tooLate(wished, newest)))
    else if (wished.at === 'waiting') put(wished)
  }

  return {
    change: (wish, options, done) => {
      const asked = begun(wish, options, newest.now, objection)
      if (isLeft(asked)) return done(asked)
      if (halted !== undefined) return done(left(halted))
      // One of each type is open at a time: the leader would take no other.
      if (wishes.some(({ wish }) => wish.type === asked.right.wish.type)) return done(left(new ChangeFailed('never', 'another change is under way')))
      const wished: Wished = { ...asked.right, done, told: fate => heard(wished, fate) }
      wishes.open(wished)
      put(wished)
    },
    follow: state => {
      newest = state
      wishes.each(look)
    },
    halt: why => {
      const stopped = halted = new Stopped(why)
      wishes.each(wished => wishes.end(wished, left(wished.at === 'waiting' ? stopped : new OutcomeUnknown(why, 'the membership may still change'))))
    },
  }
}
