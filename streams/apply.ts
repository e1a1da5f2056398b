/** Committed batches in log order into the machine, in slices of time; an entry is never skipped. */
import type { MachineFailed } from '../lib/errors.js'
import type { EntryBatch, Index, Millis, Term } from '../lib/types.js'
import type { CommitEvent, Position, Protocol, RunningMachine } from './machine.js'

export interface ApplyOptions<C, R, S> {
  readonly protocol: Protocol<C, R>
  readonly machine: RunningMachine<C, R, S>
  /** How long entries are applied before the rest is put off to another turn of the event loop. */
  readonly applyBudgetMs: Millis
  /** Monotonic. */
  readonly now: () => Millis
  /** Runs `work` once in a later turn of the event loop: `setImmediate`, or a virtual one. */
  readonly schedule: (work: () => void) => void
  /** Everything up to and including `at` is applied: an event for the inbox, and a value for `state$`. At most once per slice. */
  readonly applied: (at: Position) => void
  /** The results of commands from `firstIndex` on, all of `term`, in log order: goes to the intake. */
  readonly results: (firstIndex: Index, term: Term, results: readonly (R | MachineFailed)[]) => void
  /** Commits are made only while somebody observes them. Called after `results`. */
  readonly commits: { readonly observed: boolean; next(event: CommitEvent<C, R, S>): void }
  /** One synchronous call of the machine took longer than the budget: it held up everything else in this process. */
  readonly slow: (tookMs: Millis, firstIndex: Index) => void
  /** The machine failed on entries from `index` on, or the command at `index` no longer decodes. Nothing is applied after it. */
  readonly failed: (index: Index, error: Error) => void
}

export interface Apply {
  /** Committed batches, contiguous with those before. Applies at once what the budget allows. */
  committed(batches: readonly EntryBatch[]): void
  /** Nothing more is applied; a call of the machine that is under way is left to itself. */
  stop(): void
}

export declare const apply: <C, R, S>(options: ApplyOptions<C, R, S>) => Apply
