import type { Observable, OperatorFunction } from 'rxjs'
import type { ProposeError } from '../../lib/errors.js'
import type { Either } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { CallOptions } from './call-options.js'

/** An action's outcome: it starts when called and never rejects; `() => action()` is a TaskEither of fp-ts. */
export type Eventual<E, A> = Promise<Either<E, A>>

export interface ProposeOptions {
  /** How long to wait for a result, a leader included; 5 000 unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
  /** Gives up waiting. A command that has left by then may still be applied. */
  readonly signal?: AbortSignal | undefined
}

export interface ReplicateOptions {
  /** Commands proposed at a time; 256 unless told otherwise. */
  readonly window?: number | undefined
  /**
   * Commands that wait for a place in the window, beyond which they come out as `Busy`, in their turn; 10 000 unless told otherwise. As many
   * of these may wait for earlier outcomes as window and queue hold, and 10 256 at least; in a flood beyond that, `Busy` comes out at once.
   */
  readonly queue?: number | undefined
  /** How long each command waits for its result once it is proposed, a leader included; as of `propose` unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
}

/** A command and what became of it. */
export interface Replicated<C, R> {
  readonly command: C
  readonly outcome: Either<ProposeError, R>
}

/** Whoever takes commands to the log: a member, a leadership and a client are all one of these. */
export interface Proposer<C, R> {
  /**
   * Resolves with the result once the command is committed and applied, or with the reason why there is none and whether it may be in the log. A result may be a part of the
   * machine's own state: nobody may write to it.
   */
  propose(command: C, options?: ProposeOptions): Eventual<ProposeError, R>
  /**
   * Proposes what it is given. Each command comes out once, in order, with its outcome, and no outcome is an error of the stream.
   * After a failure nothing later is proposed until every earlier command has its fate. Completes when the source has completed and
   * all fates are known; an error of the source passes through after them. Unsubscribing recalls nothing that was proposed. Options that make no
   * sense are an `InvalidOptions` of the stream, and nothing is proposed.
   */
  replicate(options?: ReplicateOptions): OperatorFunction<C, Replicated<C, R>>
  /** The same for what can be pulled: holds at most `window` commands and asks for the next when there is room. */
  replicateFrom(commands: Iterable<C> | AsyncIterable<C>, options?: Omit<ReplicateOptions, 'queue'>): Observable<Replicated<C, R>>
}

/** Hands over one command; `done` is called exactly once, possibly before `submit` returns. Never throws. */
export type Submit<C, R> = (command: C, options: CallOptions, done: (outcome: Either<ProposeError, R>) => void) => void
