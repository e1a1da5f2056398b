import { messageOf } from '../../codecs/report.js'
import { MachineFailed } from '../../lib/errors.js'
import { isExhaustion } from '../../streams/machine/exhaustion.js'
import { isSame } from '../same.js'
import { createAgenda } from './agenda.js'
import { type Configuration, createCache, inserted, isWithin, orderOf } from './configuration.js'
import type { Operation } from './history.js'
import type { Model } from './model.js'
import { type OpenSpan, type Span, type Timeline, timelineOf } from './timeline.js'

/** An answer that does not fit, and the one that would have: a `MachineFailed` where the model throws. */
export interface Misfit<I, O> {
  readonly operation: Operation<I, O>
  readonly expected: O | MachineFailed
}

/** What became of the search for an order of one partition. */
export type Finding<S, I, O> =
  | { readonly _tag: 'Found'; readonly order: readonly Operation<I, O>[] }
  | { readonly _tag: 'Impossible'; readonly prefix: readonly Operation<I, O>[]; readonly state: S; readonly misfits: readonly Misfit<I, O>[] }
  | { readonly _tag: 'GaveUp' }

/**
 * An unanswered operation is tried somewhere only after so many answered ones were taken back and tried in other orders. Otherwise a search that
 * is stuck would try all unanswered operations in all orders where it stands, while one of them, a few steps back, was what it needed. With 8,
 * histories with one lost answer in ten are decided for the fewest states.
 */
const RESORT_COST = 8

/**
 * Looks for an order in which every operation takes effect between its call and its return and is answered as the model would answer. As Wing
 * and Gong do, it lets operations take effect one by one and goes back where nothing fits; as Lowe does, it never goes on twice from
 * configurations that are alike. It goes back to what ranks highest: depth first, as long as all is answered.
 */
export const search = <S, I, O>(model: Model<S, I, O>, history: readonly Operation<I, O>[], maxStates: number): Finding<S, I, O> => {
  const timeline = timelineOf(history)
  const steps = stepsOf(model, timeline)
  const cache = createCache<S, I, O>(model.identify ?? (state => state))
  const agenda = createAgenda<{ readonly at: Configuration<S, I, O>; readonly isResort: boolean }>(-RESORT_COST * (timeline.unanswered.length + 1))
  const first: Configuration<S, I, O> = { state: model.initial, due: timeline.returnAfter(0, []), ahead: [], used: [], answered: 0 }
  let furthest = first
  let states = 0
  agenda.push(rankOf(first), { at: first, isResort: false })

  for (let next = agenda.pop(); next !== undefined; next = agenda.pop()) {
    const { at, isResort } = next
    if (at.due === 0) return { _tag: 'Found', order: orderOf(at) }
    if (at.due > furthest.due || at.due === furthest.due && at.answered > furthest.answered) furthest = at
    if (!isResort) agenda.push(rankOf(at) - RESORT_COST, { at, isResort: true })
    for (const after of isResort ? steps.unanswered(at) : steps.answered(at)) {
      const alike = after === undefined ? [] : cache.alike(after)
      states += 1 + alike.length
      if (states > maxStates) return { _tag: 'GaveUp' }
      if (after === undefined || alike.some(used => isWithin(used, after.used))) continue
      alike.push(after.used)
      agenda.push(rankOf(after), { at: after, isResort: false })
    }
  }
  return impossible(model, timeline, furthest)
}

/** An operation that took effect, and which answers fit. */
interface Effect<S, O> extends Pick<Misfit<never, O>, 'expected'> {
  readonly state: S
  readonly fits: (output: O) => boolean
}

/** What a machine with this reducer makes of it: where that throws, nothing has changed. */
const effectOf = <S, I, O>({ reduce, accepts = isSame }: Model<S, I, O>, before: S, input: I): Effect<S, O> => {
  try {
    const [state, expected] = reduce(before, input)
    return { state, expected, fits: output => accepts(output, expected) }
  } catch (thrown) {
    if (isExhaustion(thrown)) throw thrown
    const expected = new MachineFailed(messageOf(thrown))
    return { state: before, expected, fits: output => isSame(output, expected) }
  }
}

const rankOf = <S, I, O>({ answered, used }: Configuration<S, I, O>): number => answered - RESORT_COST * used.length

/** Where each operation leads that may take effect next; undefined where one does not fit, or has an unused twin. */
const stepsOf = <S, I, O>(model: Model<S, I, O>, timeline: Timeline<I, O>) => {
  const answered = (from: Configuration<S, I, O>, span: Span<I, O>): Configuration<S, I, O> | undefined => {
    const { operation } = span
    const { state, fits } = effectOf(model, from.state, operation.input)
    if (!fits(operation.output)) return undefined
    const due = span.returned === from.due ? timeline.returnAfter(from.due, from.ahead) : from.due
    const ahead = due === from.due ? inserted(from.ahead, span) : from.ahead.filter(({ returned }) => returned > due)
    return { state, due, ahead, used: from.used, answered: from.answered + 1, reachedBy: { operation, from } }
  }
  /** Of twins the one that was called first can stand in for the other. */
  const unanswered = (from: Configuration<S, I, O>, span: OpenSpan<I>): Configuration<S, I, O> | undefined => {
    if (span.twin !== undefined && !from.used.includes(span.twin)) return undefined
    const { operation } = span
    const { state } = effectOf(model, from.state, operation.input)
    return { ...from, state, used: inserted(from.used, span), reachedBy: { operation, from } }
  }
  return {
    answered: (from: Configuration<S, I, O>) =>
      timeline.underWay(from.due).filter(span => !from.ahead.includes(span)).map(span => answered(from, span)).reverse(),
    unanswered: (from: Configuration<S, I, O>) =>
      timeline.unanswered.filter(span => span.called < from.due && !from.used.includes(span)).map(span => unanswered(from, span)).reverse(),
  }
}

/** No order comes further than this, so what should return next has no answer that fits, nor has anything that waits with it. */
const impossible = <S, I, O>(model: Model<S, I, O>, timeline: Timeline<I, O>, furthest: Configuration<S, I, O>): Finding<S, I, O> => {
  const { state, due, ahead } = furthest
  const misfits = timeline.underWay(due).filter(span => !ahead.includes(span))
  return {
    _tag: 'Impossible',
    prefix: orderOf(furthest),
    state,
    misfits: misfits.map(({ operation }) => ({ operation, expected: effectOf(model, state, operation.input).expected })),
  }
}
