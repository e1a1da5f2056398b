/** Every machine is handed the same commands in the same order, each once, and makes the same of them. */
import { checksumOf } from '../../../codecs/bytes.js'
import { encodeValue } from '../../../codecs/values.js'
import { MachineFailed } from '../../../lib/errors.js'
import { isLeft } from '../../../lib/prelude.js'
import type { Index, MemberId } from '../../../lib/types.js'
import type { Commit, Protocol } from '../../../streams/machine/machine.js'
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

export const createAppliances = <C, R>({ command, result }: Protocol<C, R>, { history }: Logs, { demand }: Judge): Appliances<C, R> => {
  const commits = new Map<Index, Commit<C, R>>()
  const sums: number[] = []
  const last = new Map<MemberId, Index>()

  const sumOf = (commit: Commit<C, R>): number => {
    const encoded = encodeValue(command, commit.command)
    const input = isLeft(encoded) ? 0 : checksumOf(encoded.right)
    if (commit.result instanceof MachineFailed) return checksumOf(Buffer.from(commit.result.reason), input)
    const output = encodeValue(result, commit.result)
    return isLeft(output) ? input : checksumOf(output.right, input)
  }
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
        const sum = sumOf(commit)
        demand((sums[index] ?? sum) === sum, () => `${id} applied ${index} and made of it ${JSON.stringify(commit.result)}, others ${JSON.stringify(commits.get(index)?.result)}`)
        if (sums[index] !== undefined) continue
        sums[index] = sum
        commits.set(index, commit)
      }
    },
  }
}
