/** What is promised, asked of every world, and answered from memory where it has been asked before. */
import type { MemberId } from '../../lib/types.js'
import { type Memory, type Words, blank, logOf, logOnDisk, remember, unmatched } from '../lib/promises.js'
import type { Shell } from '../lib/shell.js'
import { MANY, interned } from './interned.js'

interface Recalled { readonly memory: number; readonly broken: readonly string[] }

export interface Judge {
  /** The number of the memory of nothing. */
  readonly blank: number
  /** The number of a member's logs, in memory and on disk: equal numbers, equal logs. */
  readonly logsOf: (shell: Shell) => number
  /** What is remembered once this member, of this number, has been seen, and what contradicts the past. */
  readonly recall: (memory: number, local: number, id: MemberId, shell: Shell) => Recalled
  /** Log Matching between the logs of two members. */
  readonly mismatch: (a: number, b: number) => readonly string[]
}

export const createJudge = (): Judge => {
  const memories = interned<Memory>()
  const logs = interned<readonly Words[]>()
  const recalled = new Map<number, Recalled>()
  const matched = new Map<number, readonly string[]>()
  const numberOf = (memory: Memory): number => memories.numberOf(JSON.stringify(memory), () => memory)
  return {
    blank: numberOf(blank),
    logsOf: ({ step, disk }) => {
      const both = [logOf(step.state), logOnDisk(disk)]
      return logs.numberOf(JSON.stringify(both), () => both)
    },
    recall: (memory, local, id, { step }) => {
      const key = memory * MANY + local
      let known = recalled.get(key)
      if (known === undefined) {
        const { memory: next, broken } = remember(memories.at(memory), { id, state: step.state })
        recalled.set(key, known = { memory: numberOf(next), broken })
      }
      return known
    },
    mismatch: (a, b) => {
      const key = a * MANY + b
      let known = matched.get(key)
      if (known === undefined) {
        const differs = logs.at(a).some(one => logs.at(b).some(other => unmatched(one, other) !== undefined))
        matched.set(key, known = differs ? ['Log Matching: two logs share an entry and differ before it'] : [])
      }
      return known
    },
  }
}
