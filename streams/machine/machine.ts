import type { Type } from 'io-ts'
import type { ObservableInput } from 'rxjs'
import type { MachineFailed } from '../../lib/errors.js'
import type { Index, Millis, Term } from '../../lib/types.js'

/** The codecs of an application's commands and results: all that a client needs. */
export interface Protocol<C, R> {
  readonly command: Type<C, unknown>
  readonly result: Type<R, unknown>
}

/** A replicated machine as a recipe: every member starts a copy of its own, and equal commands lead all copies to equal states. */
export interface Machine<C, R, S> extends Protocol<C, R> {
  /**
   * Raised whenever a member with the machine of before would not read a command or a state of this one, or would make something else of it; a whole number, 0 unless told otherwise. Members tell
   * each other, and `status$` says which version all of them have: what only that one knows is not proposed before.
   */
  readonly version?: number | undefined
  start(): RunningMachine<C, R, S>
}

/** One copy of a machine, as one member runs it. It is called by one at a time: the next call comes when the last has completed. */
export interface RunningMachine<C, R, S> {
  readonly state: S
  /**
   * Applies committed entries in log order, as many as one call is given: emits one list with one result per entry, then
   * completes. Entries and the bytes in them are read-only and valid only until then. An error ends the member: it never skips an
   * entry. A result that is a `MachineFailed` says that this command failed and changed nothing, on every member alike.
   */
  apply(entries: readonly Entry<C>[]): ObservableInput<readonly (R | MachineFailed)[]>
  /**
   * The state at the moment of the call, in chunks; entries may be applied while it is being read. Called between two calls of `apply`, and the
   * first chunk is asked for before the next one, so that a generator may freeze or copy what it needs. A chunk belongs to the member until
   * the next one is asked for, which is when it has been written; where nothing more is wanted `return` is called. It may fail: the
   * member reports it, goes on and tries again later.
   */
  snapshot(): AsyncIterable<Uint8Array>
  /**
   * Replaces the state by the one that `snapshot` wrote, possibly cut elsewhere; completes when done, and leaves the old state when it fails. A chunk
   * is valid until the next one is asked for.
   */
  restore(bytes: AsyncIterable<Uint8Array>): ObservableInput<void>
}

/** A place in the log, as a machine may know it: the same on every member. */
export interface Position {
  readonly index: Index
  readonly term: Term
  /**
   * The leader's clock when it appended the entry, in milliseconds since 1970. Never decreases; after a clock is set back, it advances at half speed until
   * the clock catches up.
   */
  readonly time: Millis
}

/** What a member's machine has become, and where that was. */
export interface Applied<S> extends Position {
  readonly state: S
}

/** A committed command and where it stands. */
export interface Entry<C> extends Position {
  readonly command: C
}

/** An applied command with what came of it. */
export interface Commit<C, R> extends Entry<C> {
  /** A `MachineFailed` where the machine failed on this command, which changed nothing then. */
  readonly result: R | MachineFailed
}

/** What moved a member's state: commands in log order, or a snapshot that stands for all commands up to `at`. */
export type CommitEvent<C, R, S> =
  | { readonly _tag: 'Applied'; readonly commits: readonly Commit<C, R>[] }
  | { readonly _tag: 'Restored'; readonly at: Position; readonly state: S }
