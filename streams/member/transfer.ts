/** Handing the leadership over, as a user sees it: the wish goes to the core, and what becomes of it is read off the states that follow. */
import { type TransferError, NotLeader, Stopped, TransferFailed } from '../../lib/errors.js'
import type { RaftEvent } from '../../lib/events.js'
import { type Either, left, right } from '../../lib/prelude.js'
import { isVoter } from '../../lib/membership.js'
import { type RaftState, membership } from '../../lib/state.js'
import type { MemberId, Millis, Term } from '../../lib/types.js'

export interface TransfersOptions {
  readonly first: RaftState
  /** Tells the core of the wish, which is meant for the leader of its term. */
  readonly ask: (event: Extract<RaftEvent, { type: 'transferAsked' }>) => void
  /** Whether another member is linked to this one. */
  readonly hasPeers: () => boolean
}

type Done = (outcome: Either<TransferError, MemberId>) => void

export interface Transfers {
  /** `done` is called once, possibly before this returns. */
  transfer(to: MemberId | undefined, done: Done): void
  /** A step was folded. */
  follow(state: RaftState): void
  /** Before an end: calls `done` once this member leads no longer, or nobody is there to take over, or the transfer was given up. */
  leave(done: () => void): void
  halt(): void
}

/** A transfer under way. */
interface Wish {
  readonly to: MemberId | undefined
  readonly term: Term
  readonly done: Done
  /** The core has taken it up. */
  readonly isTaken: boolean
  /** When it was uttered; or when the leadership ended, if that is over. */
  readonly since: Millis
  readonly isOver: boolean
}

/** A new leader is known within two elections, or somebody has to look. */
const ELECTIONS = 2 * 1.5

/** Why there is nobody to hand over to; undefined where there is. */
const objection = (state: RaftState, to: MemberId | undefined): string | undefined => {
  const { settings: { id } } = state
  const { voters } = membership(state)
  if (to === id) return `${id} leads already`
  if (to !== undefined) return isVoter(membership(state), to) ? undefined : `${to} is no voter`
  return voters.some(voter => voter !== id) ? undefined : 'there is no other voter'
}

/** The wish as it stands by this state. */
const seen = (wish: Wish, state: RaftState): Wish => {
  if (state.role === 'leader' && state.term === wish.term) return { ...wish, isTaken: wish.isTaken || state.transfer !== undefined }
  return wish.isOver ? wish : { ...wish, isOver: true, since: state.now }
}

/** What became of the wish by this state; undefined while that is open. */
const outcomeOf = ({ to, isTaken, isOver, since }: Wish, state: RaftState): Either<TransferError, MemberId> | undefined => {
  const { role, leader, now, settings: { id, electionTimeoutMs } } = state
  const failed = (reason: string): Either<TransferError, MemberId> => left(new TransferFailed(to, reason))
  if (!isOver) {
    if (role === 'leader' && state.transfer !== undefined) return undefined
    if (isTaken) return failed('no one was ready to take over within an election timeout; this member leads on')
    return now - since > electionTimeoutMs ? failed('nobody may take over by now; this member leads on') : undefined
  }
  if (leader === id) return failed('this member was elected again')
  if (leader !== undefined) return to === undefined || to === leader ? right(leader) : failed(`${leader} leads now`)
  return now - since > ELECTIONS * electionTimeoutMs ? failed('the leadership is over, and who leads now is not known') : undefined
}

export const createTransfers = ({ first, ask, hasPeers }: TransfersOptions): Transfers => {
  let newest = first
  let wish: Wish | undefined
  let leaving: (() => void) | undefined
  let isHalted = false

  const depart = (): void => {
    const done = leaving
    leaving = undefined
    done?.()
  }
  const end = (outcome: Either<TransferError, MemberId>): void => {
    const ended = wish
    wish = undefined
    ended?.done(outcome)
    depart()
  }
  const refusal = (to: MemberId | undefined): TransferError | undefined => {
    if (isHalted) return new Stopped()
    if (newest.role !== 'leader') return new NotLeader(newest.leader, 'Only the leader can hand its leadership over.')
    const reason = wish === undefined ? objection(newest, to) : 'another transfer is under way'
    return reason === undefined ? undefined : new TransferFailed(to, reason)
  }
  const transfer: Transfers['transfer'] = (to, done) => {
    const refused = refusal(to)
    if (refused !== undefined) return done(left(refused))
    wish = { to, term: newest.term, done, isTaken: false, since: newest.now, isOver: false }
    ask({ type: 'transferAsked', term: newest.term, to })
  }

  return {
    transfer,
    follow: state => {
      newest = state
      wish &&= seen(wish, state)
      const outcome = wish && outcomeOf(wish, state)
      if (outcome !== undefined) end(outcome)
      if (state.role !== 'leader' || !hasPeers()) depart()
    },
    leave: done => {
      if (newest.role !== 'leader' || !hasPeers()) return done()
      leaving = done
      if (wish === undefined) transfer(undefined, depart)
    },
    halt: () => {
      isHalted = true
      end(left(new Stopped()))
    },
  }
}
