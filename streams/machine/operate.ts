import { messageOf } from '../../codecs/report.js'
import type { Index, Millis } from '../../lib/types.js'
import { type Apply, type ApplyOptions, createApply } from './apply.js'
import type { Applied } from './machine.js'

/** What there is to say of a machine at work. */
export type MachineNotice =
  /** One synchronous call of the machine took longer than `applyBudgetMs`: nothing else happened meanwhile. */
  { readonly type: 'slowApply'; readonly index: Index; readonly tookMs: Millis; readonly budgetMs: Millis }

interface Operation<C, R, S> extends Pick<ApplyOptions<C, R, S>, 'protocol' | 'machine' | 'applyBudgetMs' | 'clock' | 'results' | 'commits' | 'from' | 'rested'> {
  /** A position and the state that belongs to it, never halfway between two: what the machine has become, once per slice. */
  applied(latest: Applied<S>): void
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
export const operate = <C, R, S>(operation: Operation<C, R, S>): Apply => {
  const { machine, applyBudgetMs, applied, notice, failed } = operation
  return createApply<C, R, S>({
    ...operation,
    applied: at => {
      let state: S
      try {
        state = machine.state
      } catch (thrown) {
        return failed(new ApplyFailed(at.index, thrown))
      }
      applied({ ...at, state })
    },
    slow: (tookMs, index) => notice({ type: 'slowApply', index, tookMs, budgetMs: applyBudgetMs }),
    failed: (index, error) => failed(new ApplyFailed(index, error)),
  })
}
