/** Changing the membership, as a user sees it: the wish goes to the core, and what becomes of it is read off the log. */
import { DEFAULT_CHANGE_TIMEOUT_MS } from '../../codecs/options.js'
import { type ChangeError, ChangeFailed, NotLeader, OutcomeUnknown, Rejected, Stopped, TimedOut } from '../../lib/errors.js'
import type { ChangeAnswer, RaftEvent } from '../../lib/events.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { canChange } from '../../lib/reconfiguration.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Membership, MembershipWish, Millis, RequestId } from '../../lib/types.js'
import { type ChangeOptions, decodeChangeOptions, wishOf } from './change-options.js'
import type { Members } from './member.js'
import { createAborts } from '../requests/aborts.js'
import { type Taken, whatBecameOf } from './change-fate.js'

type Done = (outcome: Either<ChangeError, Membership>) => void

export interface ChangesOptions {
  readonly first: RaftState
  readonly ask: (event: Extract<RaftEvent, { type: 'changeAsked' }>) => void
}

export interface Changes {
  /** `done` is called once, possibly before this returns. */
  change(wish: Either<readonly string[], MembershipWish>, options: ChangeOptions, done: Done): void
  /** A step was folded: what it answered, and how far the log is. */
  follow(state: RaftState, answers: readonly ChangeAnswer[]): void
  halt(): void
}

/** A wish, from its call to its one outcome. */
interface Wished {
  readonly id: RequestId
  readonly wish: MembershipWish
  readonly from: Membership | undefined
  readonly timeoutMs: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
  readonly done: Done
  /** `waiting`: for this member to be able to; `asked`: the core has not answered; else where the log has its first step. */
  at: 'waiting' | 'asked' | Taken
}

/** What a call asks for, or every fault of it by name. Plain JavaScript may hand over anything. */
const begun = (wish: Either<readonly string[], MembershipWish>, options: ChangeOptions, now: Millis): Either<ChangeError, Omit<Wished, 'id' | 'done'>> => {
  const given = decodeChangeOptions(options)
  if (isLeft(wish) || isLeft(given)) return left(new Rejected([...isLeft(wish) ? wish.left : [], ...isLeft(given) ? given.left : []]))
  const { timeoutMs = DEFAULT_CHANGE_TIMEOUT_MS, signal, from } = given.right
  if (signal?.aborted === true) return left(new TimedOut('never', GIVEN_UP))
  return right({ wish: wish.right, from, timeoutMs, deadline: now + timeoutMs, signal, at: 'waiting' })
}

const GIVEN_UP = 'The signal was aborted.'

/** The member has stopped. */
const interrupted = ({ at }: Wished): ChangeError => at === 'waiting' ? new Stopped() : new OutcomeUnknown('the member was stopped', 'the membership may still change')

const tooLate = ({ at, timeoutMs }: Wished): ChangeError => {
  if (at === 'waiting') return new TimedOut('never', `There was no leader to change the membership within ${timeoutMs} ms.`)
  if (at === 'asked') return new TimedOut('unknown', `The membership was not changed within ${timeoutMs} ms.`)
  return new TimedOut('unknown', `The change of the membership was begun and is not through after ${timeoutMs} ms; it goes on, and membership$ shows how.`)
}

export const createChanges = ({ first, ask }: ChangesOptions): Changes => {
  const wishes = new Map<RequestId, Wished>()
  let newest = first
  let lastId = 0
  let isHalted = false

  const end = (wished: Wished, outcome: Either<ChangeError, Membership>): void => {
    if (!wishes.delete(wished.id)) return
    if (wished.signal !== undefined) aborts.forget(wished.signal, wished)
    wished.done(outcome)
  }
  const aborts = createAborts<Wished>(wished => end(wished, left(new TimedOut(wished.at === 'waiting' ? 'never' : 'unknown', GIVEN_UP))))

  const put = (wished: Wished): void => {
    const { role, leader, term, settings } = newest
    if (canChange(newest)) {
      wished.at = 'asked'
      ask({ type: 'changeAsked', id: wished.id, term, wish: wished.wish, from: wished.from })
    } else if (role !== 'leader' && leader !== undefined && leader !== settings.id) {
      end(wished, left(new NotLeader(leader, `Only the leader changes the membership, and that is "${leader}".`)))
    }
  }
  const answered = (answer: ChangeAnswer): void => {
    const wished = wishes.get(answer.id)
    if (wished === undefined) return
    if (answer.type === 'changeTaken') wished.at = answer
    else if (answer.reason === 'refused') end(wished, left(new ChangeFailed('never', answer.why)))
    else wished.at = 'waiting'
  }
  const look = (wished: Wished): void => {
    const fate = typeof wished.at === 'object' ? whatBecameOf(wished.at, newest) : undefined
    if (fate !== undefined) end(wished, fate)
    else if (newest.now >= wished.deadline) end(wished, left(tooLate(wished)))
    else if (wished.at === 'waiting') put(wished)
  }

  return {
    change: (wish, options, done) => {
      const asked = begun(wish, options, newest.now)
      if (isLeft(asked)) return done(asked)
      if (isHalted) return done(left(new Stopped()))
      // One change at a time, and one that gives it up.
      if ([...wishes.values()].some(({ wish: { type } }) => type === asked.right.wish.type)) return done(left(new ChangeFailed('never', 'another change is under way')))
      const wished: Wished = { ...asked.right, id: ++lastId, done }
      wishes.set(wished.id, wished)
      if (wished.signal !== undefined) aborts.watch(wished.signal, wished)
      put(wished)
    },
    follow: (state, answers) => {
      newest = state
      if (wishes.size === 0) return
      answers.forEach(answered)
      for (const wished of [...wishes.values()]) look(wished)
    },
    halt: () => {
      isHalted = true
      for (const wished of [...wishes.values()]) end(wished, left(interrupted(wished)))
    },
  }
}

/** No name is empty: what is no string would become one as a key. */
const nameOf = (id: unknown): MemberId => typeof id === 'string' ? id : ''

/** The actions of a member, each of which is one wish. */
export const membersBy = (wish: Changes['change']): Members => {
  const change: Members['change'] = (change, options = {}) => new Promise(resolve => wish(wishOf(change), options, resolve))
  return {
    change,
    add: (id, address, options) => change({ voters: { [nameOf(id)]: address } }, options),
    remove: (id, options) => change({ remove: [id] }, options),
    replace: (id, newcomer, address, options) => change({ voters: { [nameOf(newcomer)]: address }, remove: [id] }, options),
    abandon: (options = {}) => new Promise(resolve => wish(right({ type: 'abandon' }), options, resolve)),
  }
}
