import { isDeepStrictEqual } from 'node:util'
import { type Answered, type Operation, type Unanswered, isAnswered } from './history.js'

/** An operation between the places of its call and its return among all calls and returns, which count from 1. */
export interface Span<I, O> {
  readonly operation: Answered<I, O>
  readonly called: number
  readonly returned: number
}

/** An unanswered operation. */
export interface OpenSpan<I> {
  readonly operation: Unanswered<I>
  readonly called: number
  /** The last one with the same input that was called before. */
  readonly twin: OpenSpan<I> | undefined
}

/** A history in the order of its times. */
export interface Timeline<I, O> {
  /** What was called before the return at `due` and returns there or later, in the order of the calls. */
  underWay(due: number): readonly Span<I, O>[]
  /** In the order of the calls. */
  readonly unanswered: readonly OpenSpan<I>[]
  /** The first return after `place` of an operation that is not among `taken`; 0 if there is none. */
  returnAfter(place: number, taken: readonly Span<I, O>[]): number
}

export const timelineOf = <I, O>(history: readonly Operation<I, O>[]): Timeline<I, O> => {
  const { spans, unanswered } = placed(history)
  const byReturn = spans.toSorted((one, other) => one.returned - other.returned)
  const rankOf = new Map(byReturn.map(({ returned }, rank) => [returned, rank]))
  const underWay = new Map<number, readonly Span<I, O>[]>()
  return {
    unanswered,
    underWay: due => {
      const known = underWay.get(due) ?? spans.filter(({ called, returned }) => called < due && returned >= due)
      underWay.set(due, known)
      return known
    },
    returnAfter: (place, taken) => {
      let rank = (rankOf.get(place) ?? -1) + 1
      while (rank < byReturn.length && taken.includes(byReturn[rank]!)) rank++
      return byReturn[rank]?.returned ?? 0
    },
  }
}

/** At equal times calls come before returns, by the stable sort, so that nothing is ordered that need not be. */
const placed = <I, O>(history: readonly Operation<I, O>[]): { readonly spans: readonly Span<I, O>[]; readonly unanswered: readonly OpenSpan<I>[] } => {
  const calls = history.map(operation => ({ operation, at: operation.calledAt, place: 0 }))
  const returns = calls.flatMap(call => isAnswered(call.operation) ? [{ operation: call.operation, at: call.operation.returnedAt, call, place: 0 }] : [])
  const events = [...calls, ...returns].sort((one, other) => one.at - other.at)
  events.forEach((event, before) => { event.place = before + 1 })

  const unanswered: OpenSpan<I>[] = []
  for (const { operation, place } of calls.toSorted((one, other) => one.place - other.place)) {
    if (isAnswered(operation)) continue
    const twin = unanswered.findLast(earlier => isDeepStrictEqual(earlier.operation.input, operation.input))
    unanswered.push({ operation, called: place, twin })
  }
  const spans = returns.map(({ operation, call, place }) => ({ operation, called: call.place, returned: place }))
  return { spans: spans.sort((one, other) => one.called - other.called), unanswered }
}
