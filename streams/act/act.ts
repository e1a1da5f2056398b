import { type Either, isLeft, left, right } from '../../lib/prelude.js'

/** Something to be done once, that answers once by callback: never before it is called, possibly during the call. */
export type Act<A, E = NodeJS.ErrnoException> = (done: (outcome: Either<E, A>) => void) => void

/** What came of it is known already. */
export const settled = <A, E>(outcome: Either<E, A>): Act<A, E> => done => done(outcome)

export const succeed = <A>(value: A): Act<A, never> => settled(right(value))

export const fail = <E>(error: E): Act<never, E> => settled(left(error))

/** Does `act`, then what `next` makes of its answer; a failure ends it. */
export const chain = <A, B, E, F = E>(act: Act<A, E>, next: (answer: A) => Act<B, F>): Act<B, E | F> => done =>
  act(outcome => (isLeft(outcome) ? done(outcome) : next(outcome.right)(done)))

export const map = <A, B, E>(act: Act<A, E>, change: (answer: A) => B): Act<B, E> => done =>
  act(outcome => done(isLeft(outcome) ? outcome : right(change(outcome.right))))

/** One after the other; the first failure ends it. */
export const inOrder = <E>(...acts: readonly Act<unknown, E>[]): Act<void, E> =>
  forEach(acts, act => act)

/** The act of every item, one after the other; the first failure ends it. */
export const forEach = <T, E>(items: Iterable<T>, actOf: (item: T) => Act<unknown, E>): Act<void, E> => done => {
  const iterator = items[Symbol.iterator]()
  const step = (): void => {
    const { value, done: finished } = iterator.next()
    if (finished === true) return done(right(undefined))
    actOf(value)(outcome => (isLeft(outcome) ? done(outcome) : step()))
  }
  step()
}

/** `act`, and whatever came of it, then `after`; `act`'s failure is the one that counts. */
export const ensure = <A, E>(act: Act<A, E>, after: Act<unknown, E>): Act<A, E> => done =>
  act(outcome => after(ending => done(isLeft(ending) && !isLeft(outcome) ? ending : outcome)))

/** `act`, and if it fails `undo`, before its failure is told. */
export const orUndo = <A, E>(act: Act<A, E>, undo: Act<unknown, unknown>): Act<A, E> => done =>
  act(outcome => (isLeft(outcome) ? undo(() => done(outcome)) : done(outcome)))

/**
 * What `act` answers time after time: the next answer is on its way while the last one is in use. A failure is told in its turn, and after it nothing is begun
 * before it is asked for. `rest` waits for what is on its way.
 */
export const readingAhead = <A, E>(act: Act<A, E>): { readonly next: Act<A, E>; readonly rest: Act<void, never> } => {
  let coming: Act<A, E> | undefined
  return {
    next: done => (coming ?? act)(outcome => {
      coming = isLeft(outcome) ? undefined : begun(act)
      done(outcome)
    }),
    rest: done => (coming ?? succeed(undefined))(() => done(right(undefined))),
  }
}

/** The same act, under way: whoever asks for the answer gets it when it is there. */
const begun = <A, E>(act: Act<A, E>): Act<A, E> => {
  let answer: Either<E, A> | undefined
  let tell: ((outcome: Either<E, A>) => void) | undefined
  act(outcome => {
    answer = outcome
    tell?.(outcome)
  })
  return done => {
    if (answer === undefined) tell = done
    else done(answer)
  }
}

/** Callers that come while `act` is under way wait for their turn. */
export const oneAtATime = (): (<A, E>(act: Act<A, E>) => Act<A, E>) => {
  const waiting: (() => void)[] = []
  let isBusy = false
  let isBeginning = false
  /** In a loop, for those that are answered during their calls would build a tower of them. */
  const goOn = (): void => {
    if (isBeginning) return
    isBeginning = true
    while (!isBusy && waiting.length > 0) waiting.shift()!()
    isBeginning = false
  }
  return act => done => {
    waiting.push(() => {
      isBusy = true
      act(outcome => {
        isBusy = false
        done(outcome)
        goOn()
      })
    })
    goOn()
  }
}
