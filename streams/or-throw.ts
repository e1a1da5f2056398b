import { type Either, isLeft } from '../lib/prelude.js'

/** The value of a Right; throws the error of a Left. For those who would rather catch than ask. */
export const orThrow = <E extends Error, A>(outcome: Either<E, A>): A => {
  if (isLeft(outcome)) throw outcome.left
  return outcome.right
}
