/** Every machine is handed the same commands in the same order, each once, and makes the same of them. */
import { isDeepStrictEqual } from 'node:util'
import type { Index, MemberId } from '../../../lib/types.js'
import type { Commit } from '../../../streams/machine/machine.js'
import type { Logs } from './logs.js'
import type { Judge } from './violation.js'

export interface Appliances<C, R> {
  /** A member's machine has applied these. */
  readonly applied: (id: MemberId, commits: readonly Commit<C, R>[]) => void
  /** A member's machine begins anew. */
  readonly restarted: (id: MemberId) => void
  /** Commands with what came of them, by index; indexes that carry no command are left out. */
  readonly commits: ReadonlyMap<Index, Commit<C, R>>
}

const told = ({ command, result }: Commit<unknown, unknown>): string => `${JSON.stringify(command)} with the result ${JSON.stringify(result)}`

export const createAppliances = <C, R>({ history }: Logs, { demand }: Judge): Appliances<C, R> => {
  const commits = new Map<Index, Commit<C, R>>()
  const last = new Map<MemberId, Index>()

  return {
    commits,
    restarted: id => last.delete(id),
    applied: (id, applied) => {
      for (const commit of applied) {
        const { index, term } = commit
        const earlier = last.get(id) ?? 0
        demand(index > earlier, () => `${id} applied ${index} after ${earlier}`)
        last.set(id, index)
        demand(history.terms[index - 1] === term, () => `${id} applied ${index} of term ${term}, which was committed in term ${history.terms[index - 1] ?? 'none'}`)
        const first = commits.get(index)
        if (first === undefined) commits.set(index, commit)
        else demand(isDeepStrictEqual([commit.command, commit.result], [first.command, first.result]), () => `${id} applied ${index} as ${told(commit)}, others as ${told(first)}`)
      }
    },
  }
}
