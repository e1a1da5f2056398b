import type { Subscriber } from 'rxjs'
import type { ProposeError } from '../../lib/errors.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import type { CallOptions } from './call-options.js'
import type { Replicated, Submit } from './proposer.js'

/** A command's place in the order in which outcomes come out. */
interface Slot<C, R> {
  readonly command: C
  /** Commands before it were left out: it waits, as after a failure, for all that came before them. */
  readonly isAfterGap: boolean
  outcome: Either<ProposeError, R> | undefined
}

export interface Lane<C, R> {
  /** Commands that have not come out, those included whose outcomes wait for earlier ones. */
  readonly size: number
  /** Commands without an outcome, proposed or not. */
  readonly open: number
  /** Lets one in; a command that comes with its outcome is not proposed, and comes out in its turn. */
  add(command: C, outcome?: Either<ProposeError, R>): void
  /** A command found no place here at all. */
  leaveOut(): void
}

export interface LaneOptions<C, R> {
  readonly submit: Submit<C, R>
  /** The options of each of its calls. */
  readonly each: CallOptions
  /** Commands proposed at a time. */
  readonly window: number
  readonly subscriber: Subscriber<Replicated<C, R>>
  /** Called after anything has moved. */
  readonly moved: () => void
}

/**
 * The commands of one stream between their arrival and the emission of their outcomes, in order:
 *
 *     emitted │ proposed, some with outcomes │ waiting │ arriving
 *            head                           next
 */
interface LaneState<C, R> extends LaneOptions<C, R> {
  slots: Slot<C, R>[]
  head: number
  next: number
  /** Proposed and without an outcome. */
  active: number
  open: number
  /** Set by a failure: nothing later is proposed until every command in flight has its fate. */
  hasFailed: boolean
  hasGap: boolean
  isAdvancing: boolean
}

const settle = <C, R>(state: LaneState<C, R>, slot: Slot<C, R>, outcome: Either<ProposeError, R>): void => {
  slot.outcome = outcome
  state.active--
  state.open--
  state.hasFailed ||= isLeft(outcome)
  advance(state)
}

/** Proposes while the window has room; whether anything moved. */
const propose = <C, R>(state: LaneState<C, R>): boolean => {
  const before = state.next
  while (state.next < state.slots.length && state.active < state.window && !state.subscriber.closed) {
    if (state.active === 0) state.hasFailed = false
    const slot = state.slots[state.next]!
    // A command that found no room has failed too: later ones wait for all before it.
    if (state.hasFailed || ((slot.outcome !== undefined || slot.isAfterGap) && state.active > 0)) break
    state.next++
    if (slot.outcome !== undefined) continue
    state.active++
    state.submit(slot.command, state.each, outcome => settle(state, slot, outcome))
  }
  return state.next > before
}

/** Emits what has its outcome and its turn; whether anything moved. */
const emit = <C, R>(state: LaneState<C, R>): boolean => {
  const before = state.head
  while (state.head < state.next && !state.subscriber.closed) {
    const { command, outcome } = state.slots[state.head]!
    if (outcome === undefined) break
    state.head++
    state.subscriber.next({ command, outcome })
  }
  return state.head > before
}

/** Places of those that have come out which are kept at most beside as many others. */
const SPENT = 256

const tidy = <C, R>(state: LaneState<C, R>): void => {
  if (state.head <= SPENT || state.head <= state.slots.length / 2) return
  state.slots = state.slots.slice(state.head)
  state.next -= state.head
  state.head = 0
}

/** A fate may be known before `submit` returns, and emitting may bring the next command: the outermost call does it all. */
const advance = <C, R>(state: LaneState<C, R>): void => {
  if (state.isAdvancing) return
  state.isAdvancing = true
  for (let hasMoved = true; hasMoved;) {
    hasMoved = propose(state)
    hasMoved = emit(state) || hasMoved
    tidy(state)
  }
  state.isAdvancing = false
  state.moved()
}

/** A lane for the commands of one stream. */
export const createLane = <C, R>(options: LaneOptions<C, R>): Lane<C, R> => {
  const state: LaneState<C, R> = { ...options, slots: [], head: 0, next: 0, active: 0, open: 0, hasFailed: false, hasGap: false, isAdvancing: false }
  return {
    get size() {
      return state.slots.length - state.head
    },
    get open() {
      return state.open
    },
    add: (command, outcome) => {
      state.slots.push({ command, outcome, isAfterGap: state.hasGap })
      state.hasGap = false
      if (outcome === undefined) state.open++
      advance(state)
    },
    leaveOut: () => {
      state.hasGap = true
    },
  }
}
