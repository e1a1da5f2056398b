import { messageOf } from '../../codecs/report.js'
import { type ReadError, SelectFailed } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { Position } from '../machine/machine.js'

export interface ReadOptions {
  /** How long to wait, for a leader and for this member's own machine; 5 000 unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined
}

/** A state, and how much of the log it is made of. */
export interface Seen<S> {
  readonly state: S
  readonly at: Position
}

/** One read on its way, from its call to its one outcome. */
export interface PendingRead<S> {
  readonly timeoutMs: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
  /** Undefined once whoever reads has been told. */
  done: ((outcome: Either<ReadError, Seen<S>>) => void) | undefined
}

export const isLive = ({ done }: PendingRead<never>): boolean => done !== undefined

/** What `select` makes of the state, whatever it does. */
export const selected = <S, A>(select: (state: S, at: Position) => A, seen: Either<ReadError, Seen<S>>): Either<ReadError, A> => {
  if (isLeft(seen)) return seen
  try {
    return right(select(seen.right.state, seen.right.at))
  } catch (thrown) {
    return left(new SelectFailed(thrown, messageOf(thrown)))
  }
}
