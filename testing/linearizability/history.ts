/** An operation from the side of the client that asked for it. */
interface Call<I> {
  /** Who asked: for people who read the verdict. */
  readonly client: string
  readonly input: I
  /** All times of a history are readings of one clock, in any unit. What happens at equal times counts as concurrent. */
  readonly calledAt: number
}

/** It took effect once, at some moment from its call to its return. */
export interface Answered<I, O> extends Call<I> {
  readonly output: O
  readonly returnedAt: number
}

/** Nobody knows what became of it: it may take effect once, at any moment after its call, or never. */
export interface Unanswered<I> extends Call<I> {
  readonly output?: undefined
  readonly returnedAt?: undefined
}

/**
 * What one client asked, and what became of it. Where a proposal failed, its error says which it is: with `appended: 'unknown'` it is
 * unanswered; with `'never'` it took no effect and must be left out of the history, or an effect that it cannot have had might excuse a fault;
 * with `'yes'` it is unanswered, unless the model knows which commands its machine fails on.
 */
export type Operation<I, O> = Answered<I, O> | Unanswered<I>

export const isAnswered = <I, O>(operation: Operation<I, O>): operation is Answered<I, O> => operation.returnedAt !== undefined
