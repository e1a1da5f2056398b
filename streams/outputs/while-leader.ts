import { EMPTY, type Observable, type ObservableInput, type OperatorFunction, defer, distinctUntilChanged, endWith, switchMap, throwError } from 'rxjs'
import { Callback, misuse } from '../../codecs/judging.js'

const misused = (work: unknown): Observable<never> | undefined => {
  const fault = misuse({ work: Callback }, { work })
  return fault && throwError(() => fault)
}

/**
 * Does `work` while there is a leadership: it begins when one is ready and is unsubscribed when its term, or the source, ends.
 * Work that completes waits for the next term; an error of the work is an error of the result, and so is work that is no function.
 */
export const whileLeader = <L, A>(work: (leadership: L) => ObservableInput<A>): OperatorFunction<L | undefined, A> =>
  leadership$ => misused(work) ?? leadership$.pipe(
    // A source that ends has no leadership any more: the work must not outlive the member.
    endWith(undefined),
    distinctUntilChanged(),
    switchMap(leadership => leadership === undefined ? EMPTY : defer(() => work(leadership))),
  )
