import { messageOf } from '../../codecs/report.js'
import { Tagged } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Index, Millis, Snapshot } from '../../lib/types.js'
import { type Apply, type ApplyOptions, createApply } from './apply.js'
import type { Cancel } from '../time/clock.js'
import type { Applied } from './machine.js'

/** What there is to say of a machine at work. */
export type MachineNotice =
  /** One synchronous call of the machine took longer than `applyBudgetMs`: nothing else happened meanwhile. */
  | { readonly type: 'slowApply'; readonly index: Index; readonly tookMs: Millis; readonly budgetMs: Millis }
  /** A call of the machine that began so long ago has not answered yet: nothing after it is applied meanwhile. */
  | { readonly type: 'lateApply'; readonly index: Index; readonly lastsMs: Millis; readonly bound: 'stallMs' }

interface Operation<C, R, S> extends Pick<ApplyOptions<C, R, S>, 'protocol' | 'machine' | 'sessions' | 'commands' | 'applyBudgetMs' | 'stallMs' | 'clock' | 'results' | 'commits' | 'from' | 'rested' | 'applied'> {
  /** Sets the machine to the state of the newest snapshot; tells why it could not, unless it is called off. */
  restoreMachine(done: (failure: string | undefined) => void): Cancel
  notice(notice: MachineNotice): void
  failed(error: Error): void
}

/** The machine stopped this member: an entry that cannot be applied is never skipped. */
export class ApplyFailed extends Tagged<'ApplyFailed'> {
  readonly _tag = 'ApplyFailed'
  constructor(
    /** The first entry that is not applied. */
    readonly index: Index,
    override readonly cause: unknown,
  ) {
    super(`The entry at ${index} cannot be applied: ${messageOf(cause)}`)
  }
}

/** A snapshot that came from another member stopped this one: it is here and whole, but the machine does not begin from it. */
export class RestoreFailed extends Tagged<'RestoreFailed'> {
  readonly _tag = 'RestoreFailed'
  constructor(readonly snapshot: Snapshot, readonly reason: string) {
    super(`The machine could not be restored from the snapshot at ${snapshot.index}: ${reason}`)
  }
}

/** Has a position and the state that belongs to it seen between two calls of the machine: now if none is under way, and never where it ended in the midst of one, or that was called off. */
export type Look<S> = (see: (applied: Applied<S>) => void) => Cancel

export interface Applier<S> extends Pick<Apply, 'committed' | 'atRest' | 'halt'> {
  readonly look: Look<S>
  /** Sets the machine to the state of the newest snapshot, which is this one; what is committed next is applied to that. */
  restore(snapshot: Snapshot): void
}

/** Sets the machine to work on what is committed; a machine that fails ends the member. */
export const runMachine = <C, R, S>(operation: Operation<C, R, S>): Applier<S> => {
  const { machine, applyBudgetMs, commits, results, restoreMachine, notice, failed } = operation
  let giveUp: Cancel = () => undefined
  const stateAt = (index: Index): Either<ApplyFailed, S> => {
    try {
      return right(machine.state)
    } catch (thrown) {
      return left(new ApplyFailed(index, thrown))
    }
  }
  const apply = createApply<C, R, S>({
    ...operation,
    slow: (tookMs, index) => notice({ type: 'slowApply', index, tookMs, budgetMs: applyBudgetMs }),
    late: (lastsMs, index) => notice({ type: 'lateApply', index, lastsMs, bound: 'stallMs' }),
    failed: (index, error) => failed(new ApplyFailed(index, error)),
  })
  return {
    ...apply,
    look: see => apply.atRest(({ index, term, time }) => {
      const state = stateAt(index)
      if (isLeft(state)) failed(state.left)
      else see({ index, term, time, state: state.right })
    }),
    restore: snapshot => apply.restore(done => {
      giveUp = restoreMachine(failure => {
        if (failure !== undefined) return failed(new RestoreFailed(snapshot, failure))
        const { index, term, time } = snapshot
        const state = stateAt(index)
        if (isLeft(state)) return failed(state.left)
        if (commits.observed) commits.next({ _tag: 'Restored', at: { index, term, time }, state: state.right })
        // Whoever still waits for the results of what the snapshot stands for will not get them.
        results(index + 1, term, [])
        done({ index, term, time })
      })
    }),
    halt: () => {
      giveUp()
      apply.halt()
    },
  }
}
