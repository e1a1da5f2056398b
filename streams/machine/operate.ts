import { messageOf } from '../../codecs/report.js'
import type { Index, Millis } from '../../lib/types.js'
import { type Apply, type ApplyOptions, createApply } from './apply.js'
import type { Applied } from './machine.js'

/** A machine at work, and what it has become. */
export interface Machinery<S> extends Apply {
  /** A position and the state that belongs to it, never halfway between two. */
  latest(): Applied<S>
}

/** What there is to say of a machine at work. */
export type MachineNotice =
  /** One synchronous call of the machine took longer than `applyBudgetMs`: nothing else happened meanwhile. */
  { readonly type: 'slowApply'; readonly index: Index; readonly tookMs: Millis; readonly budgetMs: Millis }

interface Operation<C, R, S> extends Pick<ApplyOptions<C, R, S>, 'protocol' | 'machine' | 'applyBudgetMs' | 'clock' | 'results' | 'commits'> {
  /** What the machine begins with. */
  readonly first: Applied<S>
  applied(index: Index): void
  notice(notice: MachineNotice): void
  failed(error: Error): void
}

/** The machine stopped this member: an entry that cannot be applied is never skipped. */
export class ApplyFailed extends Error {
  override readonly name = 'ApplyFailed'
  constructor(
    /** The first entry that is not applied. */
    readonly index: Index,
    override readonly cause: unknown,
  ) {
    super(`The member was stopped because the entry at ${index} cannot be applied: ${messageOf(cause)}`)
  }
}

/** Sets the machine to work on what is committed; a machine that fails ends the member. */
export const operate = <C, R, S>(operation: Operation<C, R, S>): Machinery<S> => {
  const { machine, applyBudgetMs, first, applied, notice, failed } = operation
  let latest = first
  const applier = createApply<C, R, S>({
    ...operation,
    applied: at => {
      try {
        latest = { ...at, state: machine.state }
      } catch (thrown) {
        return failed(new ApplyFailed(at.index, thrown))
      }
      applied(at.index)
    },
    slow: (tookMs, index) => notice({ type: 'slowApply', index, tookMs, budgetMs: applyBudgetMs }),
    failed: (index, error) => failed(new ApplyFailed(index, error)),
  })
  return { ...applier, latest: () => latest }
}
