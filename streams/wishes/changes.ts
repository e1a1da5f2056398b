/** Changing the membership, as a user sees it: the wish goes to whoever leads, and what becomes of it is read off this member's own log. */
import { DEFAULT_CHANGE_TIMEOUT_MS } from '../../codecs/options.js'
import { type ChangeError, ChangeFailed, OutcomeUnknown, Rejected, Stopped, TimedOut } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { WishFate } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import type { Membership, MembershipWish, Millis } from '../../lib/types.js'
import { type ChangeOptions, decodeChangeOptions } from './change-options.js'
import { GIVEN_UP, createAborts } from '../requests/aborts.js'
import { type Taken, whatBecameOf } from './change-fate.js'
import type { Sending, Told, WishOutlet } from './outlet.js'

type Done = (outcome: Either<ChangeError, Membership>) => void

export interface ChangesOptions {
  readonly first: RaftState
  /** Puts a wish to whoever leads, this member or another; `noWay`: not as yet. `told` hears what the leader makes of it, and not during this call. */
  readonly ask: (wish: MembershipWish, from: Membership | undefined, told: Told) => Sending
  readonly giveUp: WishOutlet['giveUp']
}

export interface Changes {
  /** `done` is called once, possibly before this returns. */
  change(wish: Either<readonly string[], MembershipWish>, options: ChangeOptions, done: Done): void
  /** A step was folded: who leads, and how far the log is. */
  follow(state: RaftState): void
  halt(): void
}

/** A wish, from its call to its one outcome. */
interface Wished {
  readonly wish: MembershipWish
  readonly from: Membership | undefined
  readonly timeoutMs: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
  readonly told: Told
  readonly done: Done
  /** `waiting`: for somebody who can; `asked`: whoever leads has not answered; else where the log has its first step. */
  at: 'waiting' | 'asked' | Taken
  /** It is asked again no earlier than this. */
  notBefore: Millis
}

/** What a call asks for, or every fault of it by name. Plain JavaScript may hand over anything. */
const begun = (wish: Either<readonly string[], MembershipWish>, options: ChangeOptions, now: Millis): Either<ChangeError, Omit<Wished, 'told' | 'done'>> => {
  const given = decodeChangeOptions(options)
  if (isLeft(wish) || isLeft(given)) return left(new Rejected([...isLeft(wish) ? wish.left : [], ...isLeft(given) ? given.left : []]))
  const { timeoutMs = DEFAULT_CHANGE_TIMEOUT_MS, signal, from } = given.right
  if (signal?.aborted === true) return left(new TimedOut('never', GIVEN_UP))
  return right({ wish: wish.right, from, timeoutMs, deadline: now + timeoutMs, signal, at: 'waiting', notBefore: now })
}

/** One of each type is open at a time: the leader would take no other. */
const isOpen = (type: MembershipWish['type'], wishes: ReadonlySet<Wished>): boolean => [...wishes].some(({ wish }) => wish.type === type)

/** The member has stopped. */
const interrupted = ({ at }: Wished): ChangeError => at === 'waiting' ? new Stopped() : new OutcomeUnknown('the member was stopped', 'the membership may still change')

const tooLate = ({ at, timeoutMs }: Wished, { leader }: RaftState): ChangeError => {
  if (at === 'waiting') {
    const why = leader === undefined ? 'There was no leader' : `"${leader}" leads, and could not be had`
    return new TimedOut('never', `${why} to change the membership within ${timeoutMs} ms.`)
  }
  if (at === 'asked') return new TimedOut('unknown', `The membership was not changed within ${timeoutMs} ms.`)
  return new TimedOut('unknown', `The change of the membership was begun and is not through after ${timeoutMs} ms; it goes on, and membership$ shows how.`)
}

export const createChanges = ({ first, ask, giveUp }: ChangesOptions): Changes => {
  const wishes = new Set<Wished>()
  let newest = first
  let isHalted = false

  const end = (wished: Wished, outcome: Either<ChangeError, Membership>): void => {
    if (!wishes.delete(wished)) return
    if (wished.signal !== undefined) aborts.forget(wished.signal, wished)
    giveUp(wished.told)
    wished.done(outcome)
  }
  const aborts = createAborts<Wished>(wished => end(wished, left(new TimedOut(wished.at === 'waiting' ? 'never' : 'unknown', GIVEN_UP))))

  const heard = (wished: Wished, fate: WishFate): void => {
    if (!wishes.has(wished)) return
    switch (fate.type) {
      case 'changeTaken':
        wished.at = fate
        return look(wished)
      case 'changeRefused': return end(wished, left(new ChangeFailed('never', fate.reason)))
      case 'notTaken':
        wished.at = 'waiting'
        wished.notBefore = newest.now + newest.settings.heartbeatMs
        return
      default: return end(wished, left(new OutcomeUnknown('the leader that was asked, or the link to it, was lost', 'the membership may still change')))
    }
  }
  const put = (wished: Wished): void => {
    if (newest.now < wished.notBefore) return
    const asked = ask(wished.wish, wished.from, wished.told)
    if (asked === 'sent') wished.at = 'asked'
    if (asked === 'busy') end(wished, left(new ChangeFailed('never', 'another change is under way')))
  }
  const look = (wished: Wished): void => {
    const fate = typeof wished.at === 'object' ? whatBecameOf(wished.at, newest) : undefined
    if (fate !== undefined) end(wished, fate)
    else if (newest.now >= wished.deadline) end(wished, left(tooLate(wished, newest)))
    else if (wished.at === 'waiting') put(wished)
  }

  return {
    change: (wish, options, done) => {
      const asked = begun(wish, options, newest.now)
      if (isLeft(asked)) return done(asked)
      if (isHalted || isOpen(asked.right.wish.type, wishes)) return done(left(isHalted ? new Stopped() : new ChangeFailed('never', 'another change is under way')))
      const wished: Wished = { ...asked.right, done, told: fate => heard(wished, fate) }
      wishes.add(wished)
      if (wished.signal !== undefined) aborts.watch(wished.signal, wished)
      put(wished)
    },
    follow: state => {
      newest = state
      for (const wished of [...wishes]) look(wished)
    },
    halt: () => {
      isHalted = true
      for (const wished of [...wishes]) end(wished, left(interrupted(wished)))
    },
  }
}
