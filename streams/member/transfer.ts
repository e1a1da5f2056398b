/** Handing the leadership over, as a user sees it: the wish goes to the core, and what becomes of it is read off the states that follow. */
import { type TransferError, NotLeader, Stopped, TransferFailed } from '../../lib/errors.js'
import { type Either, left, right } from '../../lib/prelude.js'
import { isVoter } from '../../lib/membership.js'
import { type RaftState, membership } from '../../lib/state.js'
import type { MemberId, Millis, Term } from '../../lib/types.js'

interface TransfersOptions {
  readonly first: RaftState
  /** Tells the core of the wish. */
  readonly ask: (to: MemberId | undefined) => void
  /** Whether another member is linked to this one. */
  readonly hasPeers: () => boolean
}

type Done = (outcome: Either<TransferError, MemberId>) => void

export interface Transfers {
  /** `done` is called once, possibly before this returns. */
  transfer(to: MemberId | undefined, done: Done): void
  /** A step was folded. */
  follow(state: RaftState): void
  /** Before an end: calls `done` once this member leads no longer, or nobody is there to take over. */
  leave(done: () => void): void
  halt(): void
}

/** A transfer under way. */
interface Wish {
  readonly to: MemberId | undefined
  readonly term: Term
  readonly done: Done
  /** The core has taken it up. */
  isTaken: boolean
  /** The leadership is over since then. */
  overAt: Millis | undefined
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

/** What became of the wish by this state; undefined while that is open. */
const outcomeOf = (wish: Wish, state: RaftState): Either<TransferError, MemberId> | undefined => {
  const { role, term, leader, now, settings: { id, electionTimeoutMs } } = state
  if (role === 'leader' && term === wish.term) {
    wish.isTaken ||= state.transfer !== undefined
    return wish.isTaken && state.transfer === undefined ? left(new TransferFailed(wish.to, 'no one was ready to take over within an election timeout; this member leads on')) : undefined
  }
  wish.overAt ??= now
  if (leader !== undefined && leader !== id) {
    return wish.to === undefined || wish.to === leader ? right(leader) : left(new TransferFailed(wish.to, `${leader} leads now`))
  }
  if (leader === id) return left(new TransferFailed(wish.to, 'this member was elected again'))
  return now - wish.overAt > ELECTIONS * electionTimeoutMs ? left(new TransferFailed(wish.to, 'the leadership is over, and who leads now is not known')) : undefined
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
    wish = { to, term: newest.term, done, isTaken: false, overAt: undefined }
    ask(to)
  }

  return {
    transfer,
    follow: state => {
      newest = state
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
