/** What the machine has become, as a stream: seen only between two of its calls, so that a position and its state belong together where the state is changed in place, too. */
import { Observable, Subject, distinctUntilChanged } from 'rxjs'
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
  return {
    state$: new Observable<Applied<S>>(subscriber => {
      look(applied => subscriber.next(applied))
      return changes.subscribe(subscriber)
    }).pipe(distinctUntilChanged((a, b) => a.index === b.index)),
    show: () => { if (changes.observed) look(applied => changes.next(applied)) },
    complete: () => changes.complete(),
  }
}
