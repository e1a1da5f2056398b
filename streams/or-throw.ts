import { InvalidOptions } from '../lib/errors.js'
import { type Either, isLeft } from '../lib/prelude.js'

/** The value of a Right; throws the error of a Left, and `InvalidOptions` where it is neither. For those who would rather catch than ask. */
export const orThrow = <E extends Error, A>(outcome: Either<E, A>): A => {
  if (!isOutcome(outcome)) throw new InvalidOptions([`outcome: must be a Left or a Right${outcome instanceof Promise ? ', and is a promise: await it first' : ''}`])
  if (isLeft(outcome)) throw outcome.left
  return outcome.right
}

/** Plain JavaScript may hand over anything, a promise that nobody has awaited above all. */
const isOutcome = (outcome: unknown): boolean => {
  const { _tag, left } = Object(outcome) as { readonly _tag?: unknown; readonly left?: unknown }
  return _tag === 'Left' ? Object(left) === left : _tag === 'Right' && 'right' in Object(outcome)
}
