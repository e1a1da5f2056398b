/**
 * Where reads begin: each waits until a leader has said how much was committed when it was asked, and then until this member's machine
 * has applied that much.
 *
 *     read ──► waiting ── one question a turn ──► asked of the leader ── readable at n ──► readable ── n applied, at rest ──► select(state, at)
 *                 ▲                                    │
 *                 └──── refused, or the way is gone ───┘
 *
 * A read changes nothing, so it is asked again as often as need be. An answer serves the reads that were there before its question left, and no others.
 */
import { messageOf } from '../../codecs/report.js'
import type { Limits } from '../../codecs/options.js'
import { Busy, type ReadError, Rejected, SelectFailed, Stopped, TimedOut } from '../../lib/errors.js'
import type { ReadAnswer } from '../../lib/events.js'
import { type Either, left, right } from '../../lib/prelude.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Position } from '../machine/machine.js'
import type { CallOptions } from '../proposer/call-options.js'
import { type Aborts, createAborts, isAborted } from '../requests/aborts.js'
import { type Asking, type AskingOptions, createAsking } from '../requests/asking.js'
import type { Cancel, Clock } from '../time/clock.js'
import { type PendingRead, type Seen, isLive, selected } from './pending-read.js'
import { type Readables, createReadables } from './readables.js'

/** The way to whoever leads. */
export interface ReadRoute {
  /** Names the leader, and this very link to it. */
  readonly key: string
  ask(id: number): void
}

export interface ReaderOptions<S> {
  readonly limits: Pick<Limits, 'maxPendingReads' | 'applyBudgetMs'>
  /** For reads that name no `timeoutMs`. */
  readonly timeoutMs: Millis
  readonly clock: Pick<Clock, 'now' | 'endOfTurn'>
  readonly machine: { readonly state: S }
  /** Calls `look` between two calls of the machine, with what it has applied: now if none is under way, unless it is called off after one that is. */
  readonly atRest: (look: (at: Position) => void) => Cancel
  readonly outside?: AskingOptions['outside']
}

export interface Reader<S> {
  /** Calls `done` exactly once, possibly before this returns. */
  read<A>(select: (state: S, at: Position) => A, options: CallOptions, done: (outcome: Either<ReadError, A>) => void): void
  /** Says which route to ask on from now on, if there is any, and who leads as far as is known. */
  reroute(route: ReadRoute | undefined, leader: MemberId | undefined): void
  /** The answer to a question that was asked over the route `key`; unknown ones are ignored. */
  answered(key: string, answer: ReadAnswer): void
  /** No answers come over this route any more. */
  gone(key: string): void
  /** The machine has applied everything up to here, and no call of it is under way. */
  rested(at: Position): void
  /** Deadlines and pauses are looked at here and nowhere else. */
  tick(): void
  /** Refuses new reads; those under way go on. */
  refuseAll(): void
  /** Whoever still waits is told why the member has ended, and so is whoever comes later. */
  halt(why: string): void
  /** Reads without an outcome, as the bound counts them. */
  readonly pending: number
}

interface Question<S> {
  readonly key: string
  readonly reads: readonly PendingRead<S>[]
}

interface ReaderState<S> extends ReaderOptions<S> {
  readonly aborts: Aborts<PendingRead<S>>
  readonly asking: Asking<ReadRoute>
  /** For a leader that can be asked. */
  waiting: PendingRead<S>[]
  /** By id, until there is an answer. */
  readonly asked: Map<number, Question<S>>
  /** Once this member's machine has applied as much as the answer said. */
  readonly readable: Readables<S>
  /** In the three above, without an outcome. */
  pending: number
  /** In the three above, and given up since these were last looked through. */
  spent: number
  lastId: number
  /** No deadline is earlier. */
  nextSweep: Millis
  isServing: boolean
  /** What whoever comes from now on is told. */
  stopped: Stopped | undefined
}

const tell = <S>(state: ReaderState<S>, read: PendingRead<S>, outcome: Either<ReadError, Seen<S>>): void => {
  const { done, signal } = read
  if (done === undefined) return
  read.done = undefined
  state.pending--
  if (signal !== undefined) state.aborts.forget(signal, read)
  done(outcome)
}

/** So many that were given up are kept at most beside as many that still wait. */
const SPARE = 1024

const READ_ABORTED = 'The read was aborted; nothing was read.'

const add = <S>(state: ReaderState<S>, { timeoutMs = state.timeoutMs, signal, faults: given = [] }: CallOptions, select: unknown, done: PendingRead<S>['done'] & {}): void => {
  const refuse = (error: ReadError): void => done(left(error))
  const faults = [...typeof select === 'function' ? [] : ['select: must be a function of the state'], ...given]
  if (faults.length > 0) return refuse(new Rejected(faults))
  if (state.stopped !== undefined) return refuse(state.stopped)
  if (isAborted(signal)) return refuse(new TimedOut('never', READ_ABORTED))
  if (state.pending >= state.limits.maxPendingReads) return refuse(new Busy('maxPendingReads'))
  const read: PendingRead<S> = { timeoutMs, deadline: state.clock.now() + timeoutMs, signal, done }
  if (state.spent > state.pending + SPARE) tidy(state)
  state.waiting.push(read)
  state.pending++
  if (read.deadline < state.nextSweep) state.nextSweep = read.deadline
  if (signal !== undefined) state.aborts.watch(signal, read)
  state.asking.wake()
}

/** One question for all that wait. */
const ask = <S>(state: ReaderState<S>): void => {
  const { asking: { route, isPaused } } = state
  if (route === undefined || isPaused) return
  const reads = state.waiting.filter(isLive)
  state.waiting = []
  if (reads.length === 0) return
  const id = ++state.lastId
  state.asked.set(id, { key: route.key, reads })
  route.ask(id)
}

/** Back to where they wait for a leader. In which order they wait does not matter: one question is for all. */
const putBack = <S>(state: ReaderState<S>, id: number, { reads }: Question<S>): void => {
  state.asked.delete(id)
  for (const read of reads) state.waiting.push(read)
}

/** What was asked elsewhere, all of it in one pass. */
const recall = <S>(state: ReaderState<S>, isLost: (key: string) => boolean): void => {
  for (const [id, question] of state.asked) if (isLost(question.key)) putBack(state, id, question)
  state.asking.wake()
}

const answered = <S>(state: ReaderState<S>, key: string, answer: ReadAnswer): void => {
  const question = state.asked.get(answer.id)
  if (question?.key !== key) return
  if (answer.type === 'readRefused') {
    state.asking.refused(key, answer.reason)
    putBack(state, answer.id, question)
    return state.asking.wake()
  }
  state.asked.delete(answer.id)
  state.asking.taken()
  state.readable.add(answer.index, question.reads)
  serveNow(state)
}

/** Unless the machine is at work: then `rested` comes when it is done, and nothing has to wait for that. */
const serveNow = <S>(state: ReaderState<S>): void => state.atRest(at => serve(state, at))()

const look = <S>({ machine }: ReaderState<S>, at: Position): Either<ReadError, Seen<S>> => {
  try {
    // A copy, and for reading: the machine goes on from its own.
    return right({ state: machine.state, at: Object.freeze({ ...at }) })
  } catch (thrown) {
    return left(new SelectFailed(thrown, messageOf(thrown)))
  }
}

/** Everyone who may read what the machine has become; whoever is left when the budget is spent has their turn in the next one. */
const serve = <S>(state: ReaderState<S>, at: Position): void => {
  const { index } = at
  const { clock, readable, limits: { applyBudgetMs } } = state
  let read = state.isServing ? undefined : readable.first(index)
  if (read === undefined) return
  const until = clock.now() + applyBudgetMs
  const seen = look(state, at)
  do {
    tell(state, read, seen)
    read = readable.first(index)
  } while (read !== undefined && clock.now() < until)
  if (read === undefined) return
  state.isServing = true
  clock.endOfTurn(() => {
    state.isServing = false
    serveNow(state)
  })
}

const reroute = <S>(state: ReaderState<S>, route: ReadRoute | undefined, leader: MemberId | undefined): void => {
  const isAnother = state.asking.reroute(route, leader)
  // Who led before may still answer, and rightly so; but another is known to lead now.
  if (isAnother && route !== undefined) recall(state, key => key !== route.key)
}

type WhyNot = (read: Pick<PendingRead<never>, 'timeoutMs'>) => ReadError

const whyNobody = (known: string): string => `There was no leader to confirm the read${known}.`
const whyNotAsked = <S>({ asking }: ReaderState<S>): WhyNot => ({ timeoutMs }) =>
  asking.obstacle('maxPendingReads', whyNobody) ?? new TimedOut('never', `The leader could not be asked for the read within ${timeoutMs} ms.`)
const whyNotAnswered: WhyNot = ({ timeoutMs }) => new TimedOut('never', `The leader did not answer the read within ${timeoutMs} ms.`)
const whyNotRead: WhyNot = ({ timeoutMs }) =>
  new TimedOut('never', `This member has not applied within ${timeoutMs} ms what was committed when the read was asked.`)

/** Where reads are on their way, and why those have no outcome whose time is up there. */
const stages = <S>(state: ReaderState<S>): readonly (readonly [reads: readonly PendingRead<S>[], whyNot: WhyNot])[] => [
  [[...state.waiting], whyNotAsked(state)],
  [[...state.asked.values()].flatMap(({ reads }) => reads), whyNotAnswered],
  [state.readable.all(), whyNotRead],
]
const everyone = <S>(state: ReaderState<S>): readonly PendingRead<S>[] => stages(state).flatMap(([reads]) => reads)

/** Lets go of all who were told, wherever they stand. */
const tidy = <S>(state: ReaderState<S>): void => {
  state.spent = 0
  state.waiting = state.waiting.filter(isLive)
  state.readable.tidy()
  for (const [id, { key, reads }] of state.asked) {
    const live = reads.filter(isLive)
    if (live.length === 0) state.asked.delete(id)
    else if (live.length < reads.length) state.asked.set(id, { key, reads: live })
  }
}

/** Tells those whose time is up. */
const sweep = <S>(state: ReaderState<S>, now: Millis): void => {
  for (const [reads, whyNot] of stages(state)) {
    for (const read of reads) if (read.deadline <= now) tell(state, read, left(whyNot(read)))
  }
  tidy(state)
  state.nextSweep = everyone(state).reduce((next, { deadline }) => Math.min(next, deadline), Number.POSITIVE_INFINITY)
}

const tick = <S>(state: ReaderState<S>): void => {
  const now = state.clock.now()
  if (now >= state.nextSweep) sweep(state, now)
  state.asking.resume()
  state.asking.wake()
}

const halt = <S>(state: ReaderState<S>, why: string): void => {
  const stopped = state.stopped = new Stopped(why)
  state.asking.reroute(undefined, undefined)
  for (const read of everyone(state)) tell(state, read, left(stopped))
  tidy(state)
}

/** The reader of one member. */
export const createReader = <S>(options: ReaderOptions<S>): Reader<S> => {
  const state: ReaderState<S> = {
    ...options, waiting: [], asked: new Map(), readable: createReadables(), pending: 0, spent: 0, lastId: 0,
    nextSweep: Number.POSITIVE_INFINITY, isServing: false, stopped: undefined,
    asking: createAsking({ clock: options.clock, outside: options.outside, hasWaiting: () => state.waiting.length > 0, send: () => ask(state) }),
    aborts: createAborts(read => {
      tell(state, read, left(new TimedOut('never', READ_ABORTED)))
      state.spent++
    }),
  }
  return {
    read: (select, readOptions, done) => add(state, readOptions, select, outcome => done(selected(select, outcome))),
    reroute: (route, leader) => reroute(state, route, leader),
    answered: (key, answer) => answered(state, key, answer),
    gone: key => {
      if (state.asking.route?.key === key) reroute(state, undefined, state.asking.leader)
      recall(state, lost => lost === key)
    },
    rested: at => serve(state, at),
    tick: () => tick(state),
    refuseAll: () => {
      state.stopped ??= new Stopped()
    },
    halt: why => halt(state, why),
    get pending() {
      return state.pending
    },
  }
}
