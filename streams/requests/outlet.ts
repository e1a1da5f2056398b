/**
 * Where proposals begin: a bounded FIFO that keeps each command until it has a fate, and one route at a time to the leader.
 *
 *     submit ──► waiting ── numbered and packed once a turn ──► in flight on the route ──► committed | timed out
 *                   ▲                                             │      │         ▲
 *                   └─── refused: nothing appended ───────────────┘      └─ lost ──┘   the same again, under the same numbers, before all others
 *              back to the front, in the order of submission
 *
 * A refusal, or the farewell of a leader that has not looked at it, says of a command that it was appended nowhere. Of what is lost nobody knows; but it has a
 * number in a session, by which whoever applies it knows it again, and so it is sent until it is known. A leadership's commands are sent once.
 *
 * What was lost may have been too much for the link that was to bring its results: over the next one few requests leave at once, and one more with each answer.
 * After a refusal few ask, wherever they go, until one is taken: as long as nobody takes any, a window of them would be sent for nothing again and again.
 */
import type { Limits } from '../../codecs/options.js'
import { Busy, NotLeader, type ProposeError, Rejected, Stopped } from '../../lib/errors.js'
import { type Either, isLeft, left } from '../../lib/prelude.js'
import type { ProposeReply } from '../../lib/requests.js'
import type { Index, MemberId, Millis, Term } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'
import { type Aborts, createAborts, isAborted } from './aborts.js'
import { type Asking, type AskingOptions, createAsking } from './asking.js'
import { type InflightRequests, createInflight } from './inflight.js'
import type { Protocol } from '../machine/machine.js'
import { type Numbers, createNumbers } from './numbers.js'
import { packCommand, unpackReply } from './packing.js'
import { type Proposal, aborted, timedOut } from './proposal.js'
import type { CallOptions } from '../proposer/call-options.js'
import type { Unanswered } from '../transport/port.js'
import type { Fate, Route, Unaddressed } from './route.js'
import { type Waiting, createWaiting } from './waiting.js'

/** So many requests leave at once after a loss, a refusal or an invalid command. */
const FEW_REQUESTS = 4
/** So many leave in one turn: whoever they are for, this member itself among others, has more to do than to take them. */
const MOST_REQUESTS = 256

export type OutletLimits = Pick<Limits,
  'maxCommandBytes' | 'maxCommandValues' | 'maxBatchBytes' | 'maxPendingProposals' | 'maxPendingBytes' | 'maxInflightBytes' | 'stopTimeoutMs'>

export interface OutletOptions<C, R> {
  readonly protocol: Protocol<C, R>
  readonly limits: OutletLimits
  /** For proposals that name no `timeoutMs`. */
  readonly timeoutMs: Millis
  /** How long a former route may still answer once there is another; nothing leaves on the new one before. */
  readonly heartbeatMs: Millis
  /** Commands of one turn leave together at its end. */
  readonly clock: Pick<Clock, 'now' | 'endOfTurn'>
  /** From 0 up to 1, for names that no other proposer has. */
  readonly random: () => number
  readonly outside?: AskingOptions['outside']
  /** Whether `drain` waits also for what waits while there is no way: a client is between two ways whenever it is refused. */
  readonly isSeeking?: boolean
}

export interface SubmitOptions extends CallOptions {
  readonly term?: Term
  readonly watch?: Proposal<never>['watch']
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
  /** A request that was sent over the own core's route `key` stands in the log, its first command at `firstIndex`. */
  appended(key: string, id: number, firstIndex: Index, term: Term): void
  /** The route is no more, and this is what its end says of what is in flight on it: that comes back as if refused, or what became of it has to be found out. */
  gone(key: string, unanswered: Unanswered): void
  /** Lets time pass: deadlines, graces and pauses are looked at here and nowhere else. Call it with every tick. */
  tick(): void
  /** Refuses new commands, waits up to `stopTimeoutMs` for those it has, then calls `done`; needs ticks meanwhile. Twice is once. */
  drain(done: () => void): void
  /** Tells everybody who waits that it is over, and why. */
  halt(why: string): void
  /** Commands that have no fate yet, as the bounds count them. */
  readonly pending: number
  /** Requests sent and not answered. */
  readonly inFlight: number
}

type Done<R> = (outcome: Either<ProposeError, R>) => void

/** What an outlet keeps in mind. */
interface OutletState<C, R> extends OutletOptions<C, R> {
  readonly waiting: Waiting<R>
  readonly inflight: InflightRequests<R>
  readonly numbers: Numbers
  readonly aborts: Aborts<Proposal<R>>
  readonly asking: Asking<Route>
  /** Commands without a fate, those included whose proposers were told that time is up, and their bytes. */
  pending: number
  pendingBytes: number
  /** No deadline is earlier. */
  nextDeadline: Millis
  /** So many requests may be on their way. */
  atOnce: number
  /** Nothing was taken since the last refusal. */
  isRefused: boolean
  /** A command of this epoch was found invalid, which what follows it is refused for. */
  hasInvalid: boolean
  /** When the former route has had its grace. */
  graceUntil: Millis | undefined
  stopAt: Millis | undefined
  whyStopped: string | undefined
  whenStopped: (() => void)[]
}

const initialState = <C, R>(options: OutletOptions<C, R>): OutletState<C, R> => {
  const numbers = createNumbers()
  const state: OutletState<C, R> = {
    ...options, numbers,
    waiting: createWaiting(),
    inflight: createInflight({
      numbers, random: options.random,
      tell: (proposal, outcome) => tell(state, proposal, outcome),
      released: proposals => release(state, proposals),
    }),
    aborts: createAborts(proposal => tell(state, proposal, aborted(proposal.at))),
    asking: createAsking({ clock: options.clock, outside: options.outside, hasWaiting: () => state.waiting.size > 0 || state.inflight.unknown > 0, send: () => flush(state) }),
    pending: 0, pendingBytes: 0, nextDeadline: Number.POSITIVE_INFINITY, atOnce: Number.POSITIVE_INFINITY, isRefused: false, hasInvalid: false, graceUntil: undefined,
    stopAt: undefined, whyStopped: undefined, whenStopped: [],
  }
  return state
}

const release = <C, R>(state: OutletState<C, R>, proposals: readonly Proposal<R>[]): void => {
  state.pending -= proposals.length
  for (const { bytes } of proposals) state.pendingBytes -= bytes.length
}

const tell = <C, R>(state: OutletState<C, R>, proposal: Proposal<R>, outcome: Either<ProposeError, R>): void => {
  const { done, signal, at } = proposal
  if (done === undefined) return
  proposal.done = undefined
  if (signal !== undefined) state.aborts.forget(signal, proposal)
  if (at === 'waiting') {
    state.waiting.settled()
    release(state, [proposal])
  }
  done(outcome)
}

const whyOtherTerm = (term: Term | undefined): string => `This member does not lead term ${term} any more; the command is not applied, and will not be.`
const whyNobody = (known: string): string => `No leader took the command${known}; it is not applied, and will not be.`

/** The outcome of a leadership's command once another term is led, if any is. */
const notLeader = ({ leader }: Asking<Route>, term: Term | undefined): NotLeader => new NotLeader(leader, whyOtherTerm(term))

const submit = <C, R>(state: OutletState<C, R>, command: C, { timeoutMs = state.timeoutMs, signal, term, watch, faults }: SubmitOptions, done: Done<R>): void => {
  const { limits, pending, pendingBytes } = state
  if (faults !== undefined) return done(left(new Rejected(faults)))
  if (state.stopAt !== undefined) return done(left(new Stopped(state.whyStopped)))
  if (term !== undefined && term !== state.asking.route?.office?.term) return done(left(notLeader(state.asking, term)))
  if (isAborted(signal)) return done(aborted('waiting'))
  const packed = packCommand(state.protocol, limits, command)
  if (isLeft(packed)) return done(packed)
  const bytes = packed.right
  if (pending >= limits.maxPendingProposals) return done(left(new Busy('maxPendingProposals')))
  if (pending > 0 && pendingBytes + bytes.length > limits.maxPendingBytes) return done(left(new Busy('maxPendingBytes')))
  const deadline = state.clock.now() + timeoutMs
  const proposal: Proposal<R> = { bytes, term, timeoutMs, deadline, signal, watch, done, at: 'waiting' }
  state.waiting.push(proposal)
  state.pending++
  state.pendingBytes += bytes.length
  if (deadline < state.nextDeadline) state.nextDeadline = deadline
  if (signal !== undefined) state.aborts.watch(signal, proposal)
  // Whoever hears it may give up at once, and is counted and listened to by now.
  watch?.({ type: 'queued' })
  state.asking.wake()
}

/** What may leave next: what nobody knows the fate of before all else. */
const nextRequest = <C, R>({ inflight, waiting, numbers: { room }, limits, atOnce, isRefused }: OutletState<C, R>, route: Route): Unaddressed | undefined => {
  if (inflight.bytes >= limits.maxInflightBytes || inflight.count >= (isRefused ? Math.min(FEW_REQUESTS, atOnce) : atOnce)) return undefined
  const again = inflight.repeat(route)
  const first = again === undefined ? waiting.first() : undefined
  if (first === undefined) return again
  if (first.term !== undefined) return inflight.add(route, waiting.take(limits.maxBatchBytes, inflight.together))
  return room > 0 ? inflight.add(route, waiting.take(limits.maxBatchBytes, Math.min(room, inflight.together))) : inflight.askForSession(route)
}

const flush = <C, R>(state: OutletState<C, R>): void => {
  const { asking: { route, isPaused }, inflight } = state
  if (route === undefined || isPaused || inflight.isClosed) return
  if (inflight.count > 0 && inflight.route?.key !== route.key) return
  const requests: Unaddressed[] = []
  for (let next = nextRequest(state, route); next !== undefined; next = requests.length < MOST_REQUESTS ? nextRequest(state, route) : undefined) requests.push(next)
  if (requests.length > 0) route.send(requests)
  if (requests.length === MOST_REQUESTS) state.asking.wake()
}

/** A leadership's commands wait for no other term than their own. */
const dropOtherTerms = <C, R>(state: OutletState<C, R>): void => {
  const isElsewhere = ({ term }: Proposal<R>): boolean => term !== undefined && term !== state.asking.route?.office?.term
  for (const proposal of state.waiting.filter(isElsewhere)) tell(state, proposal, left(notLeader(state.asking, proposal.term)))
}

const reroute = <C, R>(state: OutletState<C, R>, route: Route | undefined, leader: MemberId | undefined): void => {
  if (!state.asking.reroute(route, leader)) return
  // The entry with which the own term began stands for a session, and the term for its name.
  if (route?.office !== undefined) {
    state.numbers.adopt(route.office.session, route.office.term)
    // No link brings the results of the own core.
    state.atOnce = Number.POSITIVE_INFINITY
  }
  const former = state.inflight.count > 0 ? state.inflight.route : undefined
  // The own core answers for certain, and a link without a successor may still answer.
  const isGraced = route !== undefined && former !== undefined && former.key !== route.key && former.office === undefined
  state.graceUntil = isGraced ? state.clock.now() + state.heartbeatMs : undefined
  dropOtherTerms(state)
  proceed(state)
}

/** After anything that may have brought the last fate: reopens, sends what may leave, ends a stop. */
const proceed = <C, R>(state: OutletState<C, R>): void => {
  if (state.inflight.count === 0) {
    state.graceUntil = undefined
    if (state.inflight.isClosed) takeBack(state)
    state.inflight.prune()
  }
  state.asking.wake()
  const isIdle = state.inflight.count + state.inflight.unknown === 0 && (state.waiting.size === 0 || (state.asking.route === undefined && state.isSeeking !== true))
  if (state.stopAt !== undefined && isIdle) finish(state)
}

/** What was refused goes back to the front of the queue; whose proposer has been told otherwise meanwhile is not sent again. */
const takeBack = <C, R>(state: OutletState<C, R>): void => {
  const returned = state.inflight.reopen()
  state.hasInvalid = false
  release(state, returned.filter(proposal => proposal.done === undefined))
  const live = returned.filter(proposal => proposal.done !== undefined)
  live.forEach(proposal => { proposal.at = 'waiting' })
  state.waiting.putBack(live)
  for (const { watch } of live) watch?.({ type: 'queued' })
  dropOtherTerms(state)
}

const settle = <C, R>(state: OutletState<C, R>, key: string, fate: Fate<R>): void => {
  if (key !== state.inflight.route?.key) return
  if (fate.type === 'refused') {
    // Whoever finds fault with a command takes the others, and is sent them at once: few, for where there is one there may be more, and each sends back what follows it.
    if (fate.reason === 'invalid') {
      state.atOnce = FEW_REQUESTS
      state.hasInvalid = true
    } else if (fate.reason !== 'afterInvalid' || !state.hasInvalid) {
      state.asking.refused(key, fate.reason)
      state.isRefused = true
    }
  }
  // Whoever lost it has lost its office, or cannot say what came of it: it would do so again.
  else if (fate.type === 'lost') {
    state.asking.refused(key, 'notReady')
    state.atOnce = FEW_REQUESTS
  } else if (fate.type === 'committed') {
    state.asking.taken()
    state.isRefused = false
    state.atOnce++
  }
  // What opens none would open none again.
  if (state.inflight.settle(fate) && !state.asking.isPaused) state.asking.refused(key, 'notReady')
  proceed(state)
}

const lose = <C, R>(state: OutletState<C, R>, reason: string): void => {
  if (state.inflight.count > 0) state.atOnce = FEW_REQUESTS
  state.inflight.lose(reason)
  proceed(state)
}

const gone = <C, R>(state: OutletState<C, R>, key: string, unanswered: Unanswered): void => {
  if (state.asking.route?.key === key) reroute(state, undefined, state.asking.leader)
  if (state.inflight.route?.key !== key) return
  if (unanswered !== 'unseen') return lose(state, 'the connection to the leader was lost')
  state.inflight.recall()
  proceed(state)
}

const whyNever = <C, R>({ asking }: OutletState<C, R>, proposal: Proposal<R>): Either<ProposeError, never> => {
  const obstacle = proposal.at === 'inFlight' ? undefined : asking.obstacle('maxUncommittedBytes', proposal.term === undefined ? whyNobody : () => whyOtherTerm(proposal.term))
  return obstacle === undefined ? timedOut(proposal) : left(obstacle)
}

const sweep = <C, R>(state: OutletState<C, R>, now: Millis): void => {
  if (now < state.nextDeadline) return
  const live = [...state.inflight.proposals().filter(proposal => proposal.done !== undefined), ...state.waiting.all()]
  state.nextDeadline = live.reduce((next, { deadline }) => deadline > now && deadline < next ? deadline : next, Number.POSITIVE_INFINITY)
  for (const proposal of live) if (proposal.deadline <= now) tell(state, proposal, whyNever(state, proposal))
}

const tick = <C, R>(state: OutletState<C, R>): void => {
  const now = state.clock.now()
  sweep(state, now)
  if (state.graceUntil !== undefined && now >= state.graceUntil) lose(state, 'another member leads now, and the former leader did not answer in time')
  if (state.stopAt !== undefined && now >= state.stopAt) finish(state)
  state.asking.resume()
  proceed(state)
}

const drain = <C, R>(state: OutletState<C, R>, done: () => void): void => {
  state.whenStopped.push(done)
  state.stopAt ??= state.clock.now() + state.limits.stopTimeoutMs
  proceed(state)
}

const finish = <C, R>(state: OutletState<C, R>, why = 'the member or client was stopped before an answer came'): void => {
  state.inflight.giveUp(why)
  takeBack(state)
  for (const proposal of state.waiting.all()) tell(state, proposal, left(new Stopped(state.whyStopped)))
  state.whenStopped.splice(0).forEach(done => done())
}

/** The outlet of a member or a client. Commands wait in it until `reroute` names a way to the leader. */
export const createOutlet = <C, R>(options: OutletOptions<C, R>): Outlet<C, R> => {
  const state = initialState(options)
  return {
    submit: (command, submitOptions, done) => submit(state, command, submitOptions, done),
    reroute: (route, leader) => reroute(state, route, leader),
    settle: (key, fate) => settle(state, key, fate),
    replied: (key, reply) => settle(state, key, unpackReply(state.protocol, reply)),
    appended: (key, id, firstIndex, term) => { if (key === state.inflight.route?.key) state.inflight.appended(id, firstIndex, term) },
    gone: (key, unanswered) => gone(state, key, unanswered),
    tick: () => tick(state),
    drain: done => drain(state, done),
    halt: why => {
      state.stopAt ??= state.clock.now()
      state.whyStopped = why
      finish(state, why)
    },
    get pending() {
      return state.pending
    },
    get inFlight() {
      return state.inflight.count
    },
  }
}
