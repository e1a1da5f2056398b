/** What the machine has become, as a stream: seen only between two of its calls, so that a position and its state belong together where the state is changed in place, too. */
import { Observable, Subject, type Subscriber, distinctUntilChanged } from 'rxjs'
import type { Applied } from '../machine/machine.js'
import type { Look } from '../machine/run-machine.js'

export interface StateView<S> {
  /** Hot; replays what there is, in the midst of a call once that is over; completes when nothing more is applied, and then still replays it. */
  readonly state$: Observable<Applied<S>>
  /** There is more to see. Looks at nothing while nobody is subscribed. */
  show(): void
  complete(): void
}

export const createStateView = <S>(look: Look<S>): StateView<S> => {
  const changes = new Subject<Applied<S>>()
  /** Those who have seen nothing yet. */
  const newcomers = new Set<Subscriber<Applied<S>>>()
  let isLooking = false
  let isDue = false
  const see = (applied: Applied<S>): void => {
    const wasDue = isDue
    isLooking = isDue = false
    for (const newcomer of newcomers) {
      newcomers.delete(newcomer)
      newcomer.next(applied)
    }
    if (wasDue) changes.next(applied)
  }
  /** One look is enough for all who wait for the end of a call. */
  const lookOnce = (): void => {
    if (isLooking) return
    isLooking = true
    look(see)
  }
  return {
    state$: new Observable<Applied<S>>(subscriber => {
      newcomers.add(subscriber)
      subscriber.add(() => newcomers.delete(subscriber))
      lookOnce()
      return changes.subscribe(subscriber)
    }).pipe(distinctUntilChanged((a, b) => a.index === b.index)),
    show: () => {
      if (!changes.observed) return
      isDue = true
      lookOnce()
    },
    complete: () => changes.complete(),
  }
}
