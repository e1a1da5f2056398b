/** Handing over the leadership of this member: the wish goes to the core, and what becomes of it is read off the states that follow. */
import { LONGEST_WAIT } from '../../lib/election-wait.js'
import { type TransferError, NotLeader, OutcomeUnknown, Stopped, TransferFailed } from '../../lib/errors.js'
import type { RaftEvent } from '../../lib/events.js'
import { type Either, left, right } from '../../lib/prelude.js'
import { isAlone, isVoter } from '../../lib/membership.js'
import { type Leader, type RaftState, membership, progressOf } from '../../lib/state.js'
import { heirs } from '../../lib/transfer.js'
import type { MemberId, Millis, Term, Turn } from '../../lib/types.js'

export interface TransfersOptions {
  readonly first: RaftState
  /** Tells the core of the wish, which is meant for the leader of its term. */
  readonly ask: (event: Extract<RaftEvent, { type: 'transferAsked' }>) => void
  readonly isLinked: (member: MemberId) => boolean
}

type Done = (outcome: Either<TransferError, MemberId>) => void

export interface Transfers {
  /** `done` is called once, possibly before this returns. */
  transfer(to: MemberId | undefined, done: Done): void
  /** A step was folded. */
  follow(state: RaftState): void
  /** Before an end: calls `done` once this member leads no longer, or nobody is there to take over, or the transfer was given up. */
  leave(done: () => void): void
  /** Whoever still waits is told that the outcome is unknown, because of `why`. */
  halt(why: string): void
}

/** A transfer under way. */
interface Wish {
  readonly to: MemberId | undefined
  readonly term: Term
  readonly done: Done
  /** The last step that was known when it was uttered. */
  readonly turn: Turn
  /** The core has taken it up. */
  readonly isTaken: boolean
  /** When it was uttered; or when the leadership ended, if that is over. */
  readonly since: Millis
  readonly isOver: boolean
}

/** A new leader is known within two elections, in election timeouts, or somebody has to look. */
export const ELECTIONS = 2 * LONGEST_WAIT

export const leadsAlready = (id: MemberId): string => `"${id}" leads already`
const isNoVoter = (id: MemberId): string => `"${id}" is no voter`
const ALONE = 'there is no other voter'
const NOBODY_KNOWN = 'the leadership is over, and who leads now is not known'

/** Whether the same will fail again, may go well later, or may have been done; read off the reason, which is all that a leader answers whoever forwards. */
export const transferFate = ({ to, reason }: Pick<TransferFailed, 'to' | 'reason'>): 'lasting' | 'passing' | 'unknown' => {
  if (reason === NOBODY_KNOWN) return 'unknown'
  return reason === ALONE || (to !== undefined && [leadsAlready(to), isNoVoter(to)].includes(reason)) ? 'lasting' : 'passing'
}

/** Why there is nobody to hand over to; undefined where there is. */
const objection = (leader: Leader, to: MemberId | undefined, isLinked: TransfersOptions['isLinked']): string | undefined => {
  const { settings: { id } } = leader
  if (to === id) return leadsAlready(id)
  if (to !== undefined && !isVoter(membership(leader), to)) return isNoVoter(to)
  if (isAlone(membership(leader), id)) return ALONE
  if (heirs(leader, to).some(heir => isLinked(heir.id))) return undefined
  if (to === undefined) return 'no other voter is connected, answers and has its state'
  if (progressOf(leader, to)!.lacks > 0) return `"${to}" has lost its snapshot, and waits for that of its leader`
  return isLinked(to) ? `"${to}" has not answered for an election timeout` : `"${to}" is not connected`
}

/** The wish as it stands by this state. */
const seen = (wish: Wish, state: RaftState): Wish => {
  if (state.role === 'leader' && state.term === wish.term) return { ...wish, isTaken: wish.isTaken || state.transfer !== undefined }
  return wish.isOver ? wish : { ...wish, isOver: true, since: state.now }
}

/** What became of the wish by this state; undefined while that is open. */
const outcomeOf = ({ to, turn, isTaken, isOver, since }: Wish, state: RaftState): Either<TransferError, MemberId> | undefined => {
  const { role, leader, now, settings: { id, electionTimeoutMs } } = state
  const failed = (reason: string): Either<TransferError, MemberId> => left(new TransferFailed(to, reason))
  if (!isOver) {
    if (role === 'leader' && state.transfer !== undefined) return undefined
    if (isTaken) return failed(`no one was ready to take over within an election timeout; "${id}" leads on`)
    // The first step after it was uttered may have begun before.
    return turn + 2 <= state.turn ? failed(`nobody could take over by then; "${id}" leads on`) : undefined
  }
  if (leader === id) return failed(`"${id}" was elected again`)
  if (leader !== undefined) return to === undefined || to === leader ? right(leader) : failed(`"${leader}" leads now`)
  return now - since > ELECTIONS * electionTimeoutMs ? failed(NOBODY_KNOWN) : undefined
}

export const createTransfers = ({ first, ask, isLinked }: TransfersOptions): Transfers => {
  let newest = first
  let wish: Wish | undefined
  let leaving: (() => void) | undefined
  let halted: Stopped | undefined

  /** Whether this member leads, and somebody could take over. */
  const hasHeir = (): boolean => newest.role === 'leader' && objection(newest, undefined, isLinked) === undefined
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
    if (halted !== undefined) return halted
    if (newest.role !== 'leader') return new NotLeader(newest.leader, 'This member does not lead.')
    const reason = wish === undefined ? objection(newest, to, isLinked) : 'another transfer is under way'
    return reason === undefined ? undefined : new TransferFailed(to, reason)
  }
  const transfer: Transfers['transfer'] = (to, done) => {
    const refused = refusal(to)
    if (refused !== undefined) return done(left(refused))
    wish = { to, term: newest.term, done, turn: newest.turn, isTaken: false, since: newest.now, isOver: false }
    ask({ type: 'transferAsked', term: newest.term, to })
  }

  return {
    transfer,
    follow: state => {
      newest = state
      wish &&= seen(wish, state)
      const outcome = wish && outcomeOf(wish, state)
      if (outcome !== undefined) end(outcome)
      if (leaving !== undefined && !hasHeir()) depart()
    },
    leave: done => {
      if (!hasHeir()) return done()
      leaving = done
      if (wish === undefined) transfer(undefined, depart)
    },
    halt: why => {
      halted = new Stopped(why)
      end(left(wish?.isTaken === true ? new OutcomeUnknown(why, 'the leadership may still be handed over') : halted))
    },
  }
}
