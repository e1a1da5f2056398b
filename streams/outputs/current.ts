import { type Observable, Subject, defer, startWith } from 'rxjs'

/** A value that changes, and the stream that shows it. */
export interface Current<A> {
  /** Hot; replays the current value, then tells each change; completes when the value is final, and then still replays it. */
  readonly value$: Observable<A>
  readonly isObserved: boolean
  /** Shows the value as it is now, if it differs from what was shown. Reads nothing while nobody is subscribed. */
  show(): void
  /** Shows the value for the last time. */
  complete(): void
}

/** `read` is only called while somebody looks. */
export const createCurrent = <A>(read: () => A, isSame: (a: A, b: A) => boolean = Object.is): Current<A> => {
  const changes = new Subject<A>()
  let shown: A

  const show = (): void => {
    if (!changes.observed) return
    const value = read()
    if (!isSame(shown, value)) changes.next(shown = value)
  }

  return {
    value$: defer(() => changes.pipe(startWith(changes.observed ? shown : shown = read()))),
    get isObserved() {
      return changes.observed
    },
    show,
    complete: () => {
      show()
      changes.complete()
    },
  }
}
