import { Observable, type OperatorFunction } from 'rxjs'
import type { Cancel, Clock } from '../time/clock.js'

/** How much one turn takes in. */
export interface TurnBounds<A> {
  /** Items of one turn for which `isBounded` holds. */
  readonly max: number
  isBounded(item: A): boolean
  /** Hears of each item for which there was no room; it is not kept. */
  overflowed(item: A): void
}

/**
 * Gathers what arrives within one turn of the event loop and emits it once, in order, at the turn's end. What arrives while
 * the gathered items are being handled belongs to the next turn: nothing downstream is ever entered twice.
 */
export const perTurn = <A>(endOfTurn: Clock['endOfTurn'], bounds: TurnBounds<A>): OperatorFunction<A, readonly A[]> =>
  source => new Observable(subscriber => {
    let gathered: A[] = []
    let bounded = 0
    let completed = false
    let cancel: Cancel = () => undefined

    const close = (): void => {
      const items = gathered
      gathered = []
      bounded = 0
      subscriber.next(items)
      if (completed && gathered.length === 0) subscriber.complete()
    }

    const gather = (item: A): void => {
      if (bounds.isBounded(item) && ++bounded > bounds.max) return bounds.overflowed(item)
      if (gathered.push(item) === 1) cancel = endOfTurn(close)
    }

    subscriber.add(() => cancel())
    subscriber.add(source.subscribe({
      next: gather,
      error: error => subscriber.error(error),
      complete: () => {
        completed = true
        if (gathered.length === 0) subscriber.complete()
      },
    }))
  })
