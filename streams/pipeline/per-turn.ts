import { Observable, type OperatorFunction } from 'rxjs'
import type { Cancel, Clock } from '../time/clock.js'

/** What begins a turn, and how much it takes in. */
export interface TurnRules<A> {
  /** Whether anything waits for the item; else it joins the next turn, in its place, and begins none unless there is no room for another. */
  isAwaited(item: A): boolean
  /** Items of one turn for which `isBounded` holds. */
  readonly max: number
  isBounded(item: A): boolean
  /** Hears of each item for which there was no room; it is not kept. */
  overflowed(item: A): void
}

/**
 * Gathers what arrives and emits it once, in order, at the end of the turn in which something came that is awaited. What arrives while
 * the gathered items are being handled belongs to the next turn: nothing downstream is ever entered twice.
 */
export const perTurn = <A>(endOfTurn: Clock['endOfTurn'], { max, isBounded, overflowed, isAwaited }: TurnRules<A>): OperatorFunction<A, readonly A[]> =>
  source => new Observable(subscriber => {
    let gathered: A[] = []
    let bounded = 0
    let hasBegun = false
    let completed = false
    let cancel: Cancel = () => undefined

    const close = (): void => {
      const items = gathered
      gathered = []
      bounded = 0
      hasBegun = false
      subscriber.next(items)
      if (completed && !hasBegun) subscriber.complete()
    }

    const gather = (item: A): void => {
      if (isBounded(item) && ++bounded > max) return overflowed(item)
      gathered.push(item)
      if (hasBegun || (bounded < max && !isAwaited(item))) return
      hasBegun = true
      cancel = endOfTurn(close)
    }

    subscriber.add(() => cancel())
    subscriber.add(source.subscribe({
      next: gather,
      error: error => subscriber.error(error),
      complete: () => {
        completed = true
        if (!hasBegun) subscriber.complete()
      },
    }))
  })
