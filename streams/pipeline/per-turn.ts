import { EMPTY, Observable, type OperatorFunction } from 'rxjs'
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
 * the gathered items are being handled belongs to the next turn: nothing downstream is ever entered twice. What `asides$` tells
 * joins the next turn, in its place, and begins none.
 */
export const perTurn = <A>(endOfTurn: Clock['endOfTurn'], bounds: TurnBounds<A>, asides$: Observable<A> = EMPTY): OperatorFunction<A, readonly A[]> =>
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

    const gather = (item: A): boolean => {
      if (bounds.isBounded(item) && ++bounded > bounds.max) {
        bounds.overflowed(item)
        return false
      }
      gathered.push(item)
      return true
    }
    const begin = (): void => {
      if (hasBegun) return
      hasBegun = true
      cancel = endOfTurn(close)
    }

    subscriber.add(() => cancel())
    subscriber.add(asides$.subscribe({
      next: gather,
      error: error => subscriber.error(error),
    }))
    subscriber.add(source.subscribe({
      next: item => { if (gather(item)) begin() },
      error: error => subscriber.error(error),
      complete: () => {
        completed = true
        if (!hasBegun) subscriber.complete()
      },
    }))
  })
