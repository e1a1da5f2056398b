import type { Subscriber } from 'rxjs'
import type { ProposeError } from '../../lib/errors.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import type { Replicated, Submit } from './proposer.js'

/** A command's place in the order in which outcomes come out. */
interface Slot<C, R> {
  readonly command: C
  outcome: Either<ProposeError, R> | undefined
}

export interface Lane<C, R> {
  /** Commands that have not come out, those included whose outcomes wait for earlier ones. */
  readonly size: number
  /** Commands without an outcome, proposed or not. */
  readonly open: number
  /** Lets one in; a command that comes with its outcome is not proposed, and comes out in its turn. */
  add(command: C, outcome?: Either<ProposeError, R>): void
}

export interface LaneOptions<C, R> {
  readonly submit: Submit<C, R>
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
interface Road<C, R> extends LaneOptions<C, R> {
  slots: Slot<C, R>[]
  head: number
  next: number
  /** Proposed and without an outcome. */
  active: number
  open: number
  /** Set by a failure: nothing later is proposed until every command in flight has its fate. */
  hasFailed: boolean
  isAdvancing: boolean
}

const settle = <C, R>(road: Road<C, R>, slot: Slot<C, R>, outcome: Either<ProposeError, R>): void => {
  slot.outcome = outcome
  road.active--
  road.open--
  road.hasFailed ||= isLeft(outcome)
  advance(road)
}

/** Proposes while the window has room; whether anything moved. */
const propose = <C, R>(road: Road<C, R>): boolean => {
  const before = road.next
  while (road.next < road.slots.length && road.active < road.window && !road.subscriber.closed) {
    if (road.active === 0) road.hasFailed = false
    const slot = road.slots[road.next]!
    // A command that found no room has failed too: later ones wait for all before it.
    if (road.hasFailed || (slot.outcome !== undefined && road.active > 0)) break
    road.next++
    if (slot.outcome !== undefined) continue
    road.active++
    road.submit(slot.command, {}, outcome => settle(road, slot, outcome))
  }
  return road.next > before
}

/** Emits what has its outcome and its turn; whether anything moved. */
const emit = <C, R>(road: Road<C, R>): boolean => {
  const before = road.head
  while (road.head < road.next && !road.subscriber.closed) {
    const { command, outcome } = road.slots[road.head]!
    if (outcome === undefined) break
    road.head++
    road.subscriber.next({ command, outcome })
  }
  return road.head > before
}

const tidy = <C, R>(road: Road<C, R>): void => {
  if (road.head <= road.window || road.head <= road.slots.length / 2) return
  road.slots = road.slots.slice(road.head)
  road.next -= road.head
  road.head = 0
}

/** A fate may be known before `submit` returns, and emitting may bring the next command: the outermost call does it all. */
const advance = <C, R>(road: Road<C, R>): void => {
  if (road.isAdvancing) return
  road.isAdvancing = true
  for (let hasMoved = true; hasMoved;) {
    hasMoved = propose(road)
    hasMoved = emit(road) || hasMoved
    tidy(road)
  }
  road.isAdvancing = false
  road.moved()
}

/** An empty lane. */
export const lane = <C, R>(options: LaneOptions<C, R>): Lane<C, R> => {
  const road: Road<C, R> = { ...options, slots: [], head: 0, next: 0, active: 0, open: 0, hasFailed: false, isAdvancing: false }
  return {
    get size() {
      return road.slots.length - road.head
    },
    get open() {
      return road.open
    },
    add: (command, outcome) => {
      road.slots.push({ command, outcome })
      if (outcome === undefined) road.open++
      advance(road)
    },
  }
}
