import { messageOf } from '../codecs/report.js'
import type { RaftState } from '../lib/state.js'
import type { Index } from '../lib/types.js'
import { type Apply, type ApplyOptions, apply } from './apply.js'
import type { MemberNotice } from './diagnostics.js'
import type { Applied } from './outputs.js'
import type { Member } from './member.js'

/** A machine at work, and what it has become. */
export interface Machinery<S> extends Apply {
  /** A position and the state that belongs to it, never halfway between two. */
  latest(): Applied<S>
}

/** The rest of the loop, as the machine's side needs it. */
interface Surroundings<C, R, S> extends Pick<ApplyOptions<C, R, S>, 'results' | 'commits'> {
  applied(index: Index): void
  notice(notice: MemberNotice): void
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
export const operate = <C, R, S>(member: Member<C, R, S>, first: RaftState, around: Surroundings<C, R, S>): Machinery<S> => {
  const { settled, protocol, machine, initial, host } = member
  const { applyBudgetMs } = settled.limits
  let latest: Applied<S> = { index: first.appliedIndex, term: first.log.base.term, time: 0, state: initial }
  const applier = apply<C, R, S>({
    protocol, machine, applyBudgetMs, clock: host.clock, results: around.results, commits: around.commits,
    applied: at => {
      try {
        latest = { ...at, state: machine.state }
      } catch (thrown) {
        return around.failed(new ApplyFailed(at.index, thrown))
      }
      around.applied(at.index)
    },
    slow: (tookMs, index) => around.notice({ type: 'slowApply', index, tookMs, budgetMs: applyBudgetMs }),
    failed: (index, error) => around.failed(new ApplyFailed(index, error)),
  })
  return { ...applier, latest: () => latest }
}
