/**
 * Where proposals begin: a bounded FIFO that keeps each command until it has a fate, and one route at a time to the leader.
 *
 *     submit ──► waiting ── packed once a turn ──► in flight on the route ──► committed | lost | timed out
 *                   ▲                                   │
 *                   └─── refused: nothing appended ─────┘   back to the front, in the order of submission
 *
 * A command is sent again only after a refusal, which says that it was appended nowhere.
 */
import type { Limits } from '../../codecs/options.js'
import { decodeResults } from '../../codecs/results.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { Busy, NotLeader, type ProposeError, Rejected, Stopped, TooLarge } from '../../lib/errors.js'
import { type Either, isLeft, left } from '../../lib/prelude.js'
import type { ProposeRefused, ProposeReply, ProposeRequest } from '../../lib/requests.js'
import type { MemberId, Millis, Term } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'
import { type Flights, flights } from './flights.js'
import type { Protocol } from '../machine/machine.js'
import { type Aborts, type Proposal, aborted, aborts, timedOut } from './proposal.js'
import type { ProposeOptions } from '../proposer/proposer.js'
import type { Fate, Route } from './route.js'
import { type Waiting, waiting } from './waiting.js'

export type { Fate, Route } from './route.js'

export type OutletLimits = Pick<Limits,
  'maxCommandBytes' | 'maxBatchBytes' | 'maxPendingProposals' | 'maxPendingBytes' | 'maxInflightBytes' | 'stopTimeoutMs'>

export interface OutletOptions<C, R> {
  readonly protocol: Protocol<C, R>
  readonly limits: OutletLimits
  /** For proposals that name no `timeoutMs`. */
  readonly timeoutMs: Millis
  /** How long a former route may still answer once there is another; nothing leaves on the new one before. */
  readonly heartbeatMs: Millis
  /** Commands of one turn leave together at its end. */
  readonly clock: Pick<Clock, 'now' | 'endOfTurn'>
}

export interface SubmitOptions extends ProposeOptions {
  readonly term?: Term
}

export interface Outlet<C, R> {
  /**
   * Takes a command over; `done` is called exactly once, possibly before this returns. With a `term` it is proposed by this
   * member as the leader of that term or not at all.
   */
  submit(command: C, options: SubmitOptions, done: (outcome: Either<ProposeError, R>) => void): void
  /** Says which way proposals go from now on, if there is any, and who leads as far as is known. Naming the present route changes nothing. */
  reroute(route: Route | undefined, leader: MemberId | undefined): void
  /** The fate of a request that was sent over the route `key`; unknown ones are ignored. */
  settle(key: string, fate: Fate<R>): void
  /** The same for a reply from a link, whose results are still packed. */
  replied(key: string, reply: ProposeReply): void
  /** The route is no more: what is in flight on it has an unknown outcome. */
  gone(key: string): void
  /** Lets time pass: deadlines, graces and pauses are looked at here and nowhere else. Call it with every tick. */
  tick(): void
  /** Refuses new commands, waits up to `stopTimeoutMs` for those it has, then calls `done`; needs ticks meanwhile. Twice is once. */
  stop(done: () => void): void
  /** Commands that have no fate yet, as the bounds count them. */
  readonly pending: number
  /** Requests sent and not answered. */
  readonly inFlight: number
}

type Done<R> = (outcome: Either<ProposeError, R>) => void

/** What an outlet keeps in mind. */
interface Desk<C, R> extends OutletOptions<C, R> {
  readonly waiting: Waiting<R>
  readonly flights: Flights<R>
  readonly aborts: Aborts<Proposal<R>>
  route: Route | undefined
  leader: MemberId | undefined
  /** Commands without a fate, those included whose proposers were told that time is up, and their bytes. */
  pending: number
  pendingBytes: number
  /** No deadline is earlier. */
  nextDeadline: Millis
  /** When the former route has had its grace. */
  graceUntil: Millis | undefined
  /** After a refusal nothing leaves before the next tick or another route: the same question at once would get the same answer. */
  isPaused: boolean
  lastRefusal: ProposeRefused['reason'] | undefined
  isScheduled: boolean
  stopAt: Millis | undefined
  whenStopped: (() => void)[]
}

const openDesk = <C, R>(options: OutletOptions<C, R>): Desk<C, R> => {
  const desk: Desk<C, R> = {
    ...options,
    waiting: waiting(),
    flights: flights({
      tell: (proposal, outcome) => tell(desk, proposal, outcome),
      released: proposals => release(desk, proposals),
    }),
    aborts: aborts(proposal => tell(desk, proposal, aborted(proposal.at))),
    route: undefined, leader: undefined, pending: 0, pendingBytes: 0, nextDeadline: Number.POSITIVE_INFINITY, graceUntil: undefined,
    isPaused: false, lastRefusal: undefined, isScheduled: false, stopAt: undefined, whenStopped: [],
  }
  return desk
}

const release = <C, R>(desk: Desk<C, R>, proposals: readonly Proposal<R>[]): void => {
  desk.pending -= proposals.length
  for (const { bytes } of proposals) desk.pendingBytes -= bytes.length
}

const tell = <C, R>(desk: Desk<C, R>, proposal: Proposal<R>, outcome: Either<ProposeError, R>): void => {
  const { done, signal, at } = proposal
  if (done === undefined) return
  proposal.done = undefined
  if (signal !== undefined) desk.aborts.forget(signal, proposal)
  if (at === 'waiting') {
    desk.waiting.settled()
    release(desk, [proposal])
  }
  done(outcome)
}

const notLeader = ({ leader }: { readonly leader: MemberId | undefined }, term: Term | undefined): NotLeader => new NotLeader(leader, term !== undefined
  ? `This member does not lead term ${term} any more; the command is not in the log.`
  : `No leader took the command${leader === undefined ? '' : `; "${leader}" was last known to lead`}; it is not in the log.`)

/** The command as the log would hold it, read back: what every member will decode later is checked before it is accepted. */
const encode = <C, R>({ protocol, limits }: Desk<C, R>, command: C): Either<Rejected | TooLarge, Uint8Array> => {
  const encoded = encodeValue(protocol.command, command)
  if (isLeft(encoded)) return left(new Rejected(encoded.left))
  if (encoded.right.length > limits.maxCommandBytes) return left(new TooLarge(encoded.right.length, limits.maxCommandBytes))
  const decoded = decodeValue(protocol.command, encoded.right)
  return isLeft(decoded) ? left(new Rejected(decoded.left)) : encoded
}

const submit = <C, R>(desk: Desk<C, R>, command: C, { timeoutMs = desk.timeoutMs, signal, term }: SubmitOptions, done: Done<R>): void => {
  const { limits, pending, pendingBytes } = desk
  if (desk.stopAt !== undefined) return done(left(new Stopped()))
  if (term !== undefined && term !== desk.route?.term) return done(left(notLeader(desk, term)))
  if (signal?.aborted) return done(aborted('waiting'))
  const encoded = encode(desk, command)
  if (isLeft(encoded)) return done(encoded)
  const bytes = encoded.right
  if (pending >= limits.maxPendingProposals) return done(left(new Busy('maxPendingProposals')))
  if (pending > 0 && pendingBytes + bytes.length > limits.maxPendingBytes) return done(left(new Busy('maxPendingBytes')))
  const deadline = desk.clock.now() + (timeoutMs > 0 ? timeoutMs : 0)
  const proposal: Proposal<R> = { bytes, term, timeoutMs, deadline, signal, done, at: 'waiting', alone: false }
  desk.waiting.push(proposal)
  desk.pending++
  desk.pendingBytes += bytes.length
  if (deadline < desk.nextDeadline) desk.nextDeadline = deadline
  if (signal !== undefined) desk.aborts.watch(signal, proposal)
  wake(desk)
}

/** Sends at the end of this turn what may leave by then. */
const wake = <C, R>(desk: Desk<C, R>): void => {
  if (desk.isScheduled || desk.waiting.size === 0 || desk.route === undefined) return
  desk.isScheduled = true
  desk.clock.endOfTurn(() => {
    desk.isScheduled = false
    flush(desk)
  })
}

const flush = <C, R>(desk: Desk<C, R>): void => {
  const { route, flights, waiting, limits } = desk
  if (route === undefined || desk.isPaused || flights.isClosed) return
  if (flights.count > 0 && flights.route?.key !== route.key) return
  const requests: ProposeRequest[] = []
  while (flights.bytes < limits.maxInflightBytes) {
    const proposals = waiting.take(limits.maxBatchBytes)
    if (proposals.length === 0) break
    requests.push(flights.add(route, proposals))
  }
  if (requests.length > 0) route.send(requests)
}

/** A leadership's commands wait for no other term than their own. */
const dropOtherTerms = <C, R>(desk: Desk<C, R>): void => {
  const isElsewhere = ({ term }: Proposal<R>): boolean => term !== undefined && term !== desk.route?.term
  for (const proposal of desk.waiting.filter(isElsewhere)) tell(desk, proposal, left(notLeader(desk, proposal.term)))
}

const reroute = <C, R>(desk: Desk<C, R>, route: Route | undefined, leader: MemberId | undefined): void => {
  desk.leader = leader
  if (route?.key === desk.route?.key) return
  desk.route = route
  desk.isPaused = false
  desk.lastRefusal = undefined
  const former = desk.flights.count > 0 ? desk.flights.route : undefined
  // The own core answers for certain, and a link without a successor may still answer.
  const isGraced = route !== undefined && former !== undefined && former.key !== route.key && former.term === undefined
  desk.graceUntil = isGraced ? desk.clock.now() + desk.heartbeatMs : undefined
  dropOtherTerms(desk)
  proceed(desk)
}

/** After anything that may have brought the last fate: reopens, sends what may leave, ends a stop. */
const proceed = <C, R>(desk: Desk<C, R>): void => {
  if (desk.flights.count === 0) {
    desk.graceUntil = undefined
    if (desk.flights.isClosed) takeBack(desk)
  }
  wake(desk)
  const isIdle = desk.flights.count === 0 && (desk.waiting.size === 0 || desk.route === undefined)
  if (desk.stopAt !== undefined && isIdle) finish(desk)
}

/** What was refused goes back to the front of the queue; whose proposer has been told otherwise meanwhile is not sent again. */
const takeBack = <C, R>(desk: Desk<C, R>): void => {
  const returned = desk.flights.reopen()
  release(desk, returned.filter(proposal => proposal.done === undefined))
  const live = returned.filter(proposal => proposal.done !== undefined)
  live.forEach(proposal => { proposal.at = 'waiting' })
  desk.waiting.putBack(live)
  dropOtherTerms(desk)
}

const settle = <C, R>(desk: Desk<C, R>, key: string, fate: Fate<R>): void => {
  if (key !== desk.flights.route?.key) return
  if (fate.type === 'refused' && fate.reason !== 'invalid' && key === desk.route?.key) {
    desk.lastRefusal = fate.reason
    desk.isPaused = true
  } else if (fate.type === 'committed') desk.lastRefusal = undefined
  desk.flights.settle(fate)
  proceed(desk)
}

const lose = <C, R>(desk: Desk<C, R>, reason: string): void => {
  desk.flights.lose(reason)
  proceed(desk)
}

const gone = <C, R>(desk: Desk<C, R>, key: string): void => {
  if (desk.route?.key === key) reroute(desk, undefined, desk.leader)
  if (desk.flights.route?.key === key) lose(desk, 'the connection to the leader was lost')
}

const whyNever = <C, R>(desk: Desk<C, R>, proposal: Proposal<R>): Either<ProposeError, never> => {
  if (proposal.at === 'inFlight') return timedOut(proposal)
  if (desk.lastRefusal === 'busy') return left(new Busy('maxUncommittedBytes'))
  return desk.route === undefined || desk.lastRefusal !== undefined ? left(notLeader(desk, proposal.term)) : timedOut(proposal)
}

const sweep = <C, R>(desk: Desk<C, R>, now: Millis): void => {
  if (now < desk.nextDeadline) return
  const live = [...desk.flights.proposals().filter(proposal => proposal.done !== undefined), ...desk.waiting.filter(() => true)]
  desk.nextDeadline = live.reduce((next, { deadline }) => deadline > now && deadline < next ? deadline : next, Number.POSITIVE_INFINITY)
  for (const proposal of live) if (proposal.deadline <= now) tell(desk, proposal, whyNever(desk, proposal))
}

const tick = <C, R>(desk: Desk<C, R>): void => {
  const now = desk.clock.now()
  sweep(desk, now)
  if (desk.graceUntil !== undefined && now >= desk.graceUntil) lose(desk, 'another member leads now, and the former leader did not answer in time')
  if (desk.stopAt !== undefined && now >= desk.stopAt) finish(desk)
  desk.isPaused = false
  proceed(desk)
}

const stop = <C, R>(desk: Desk<C, R>, done: () => void): void => {
  desk.whenStopped.push(done)
  desk.stopAt ??= desk.clock.now() + desk.limits.stopTimeoutMs
  proceed(desk)
}

const finish = <C, R>(desk: Desk<C, R>): void => {
  desk.flights.lose('the member or client was stopped before an answer came')
  takeBack(desk)
  for (const proposal of desk.waiting.filter(() => true)) tell(desk, proposal, left(new Stopped()))
  desk.whenStopped.splice(0).forEach(done => done())
}

/** An outlet without a route. */
export const outlet = <C, R>(options: OutletOptions<C, R>): Outlet<C, R> => {
  const desk = openDesk(options)
  return {
    submit: (command, submitOptions, done) => submit(desk, command, submitOptions, done),
    reroute: (route, leader) => reroute(desk, route, leader),
    settle: (key, fate) => settle(desk, key, fate),
    replied: (key, reply) => settle(desk, key, unpacked(desk, reply)),
    gone: key => gone(desk, key),
    tick: () => tick(desk),
    stop: done => stop(desk, done),
    get pending() {
      return desk.pending
    },
    get inFlight() {
      return desk.flights.count
    },
  }
}

/** Results that cannot be read are as good as none. */
const unpacked = <C, R>({ protocol }: Desk<C, R>, reply: ProposeReply): Fate<R> => {
  if (reply.type !== 'committed') return reply
  const results = decodeResults(protocol.result, reply.results)
  return { type: 'committed', id: reply.id, results: isLeft(results) ? [] : results.right }
}
