import type { Operation } from './history.js'
import type { OpenSpan, Span } from './timeline.js'

/**
 * Where a search stands. Which answered operations have taken effect follows from little: all that returned before the return that is due
 * have, none that is called after it has, and of those in between the ones that are named.
 */
export interface Configuration<S, I, O> {
  readonly state: S
  /** The place of the first return whose operation has not taken effect; 0 if all have taken effect that must. */
  readonly due: number
  /** Answered operations that have taken effect and return after the one that is due, in the order of their calls. */
  readonly ahead: readonly Span<I, O>[]
  /** Unanswered operations that have taken effect, in the order of their calls. */
  readonly used: readonly OpenSpan<I>[]
  /** How many answered operations have taken effect. */
  readonly answered: number
  /** The operation that took effect last, and where. */
  readonly reachedBy?: { readonly operation: Operation<I, O>; readonly from: Configuration<S, I, O> }
}

/** What took effect on the way here, in order. */
export const orderOf = <S, I, O>({ reachedBy }: Configuration<S, I, O>): readonly Operation<I, O>[] => {
  const order: Operation<I, O>[] = []
  for (let at = reachedBy; at !== undefined; at = at.from.reachedBy) order.push(at.operation)
  return order.reverse()
}

/** With one more, in the order of the calls. */
export const inserted = <A extends { readonly called: number }>(spans: readonly A[], span: A): readonly A[] =>
  spans.toSpliced(spans.findLastIndex(({ called }) => called < span.called) + 1, 0, span)

/** Knows where a search has been. */
export interface Cache<S, I, O> {
  /** What was used by the earlier configurations that are like this one in all but that: to compare with, and to add to. */
  alike(configuration: Configuration<S, I, O>): (readonly OpenSpan<I>[])[]
}

export const createCache = <S, I, O>(identify: (state: S) => unknown): Cache<S, I, O> => {
  const numbers = new Map<unknown, number>()
  const known = new Map<string, (readonly OpenSpan<I>[])[]>()
  return {
    alike: ({ state, due, ahead }) => {
      const identity = identify(state)
      const number = numbers.get(identity) ?? numbers.size
      numbers.set(identity, number)
      let key = `${number} ${due}`
      for (const { called } of ahead) key += ` ${called}`
      const alike = known.get(key) ?? []
      known.set(key, alike)
      return alike
    },
  }
}

/**
 * Whether all of `fewer` is in `more`. A configuration that used fewer unanswered operations can do all that one can do that is like it and
 * used these and more: they need not take effect, and nothing waits for them.
 */
export const isWithin = <A>(fewer: readonly A[], more: readonly A[]): boolean => fewer.length <= more.length && fewer.every(one => more.includes(one))
