import type { ExecutionContext } from 'ava'
import { step } from '../../lib/step.js'
import { type Outcome, type TrialOptions, trial } from './trial.js'

const traced = async (seed: number, options: TrialOptions = {}): Promise<{ readonly outcome: Outcome; readonly lines: readonly string[] }> => {
  const lines: string[] = []
  return { outcome: await trial(seed, { ...options, trace: line => { lines.push(line) } }), lines }
}

/**
 * Runs every seed from `from` on, so far apart, and fails at the first that breaks a promise. Some are run once more when all are done: one seed is one run, line by line, whatever
 * ran before it, and whether the core may touch the state that it was given or not.
 */
export const runSeeds = async (t: ExecutionContext, from: number, to: number, apart: number, again: readonly number[]): Promise<void> => {
  const outcomes: Outcome[] = []
  const traces = new Map<number, readonly string[]>()
  for (let seed = from; seed <= to; seed += apart) {
    try {
      if (!again.includes(seed)) outcomes.push(await trial(seed))
      else {
        const { outcome, lines } = await traced(seed)
        outcomes.push(outcome)
        traces.set(seed, lines)
      }
    } catch (error) {
      return t.fail(`npm run simulate -- --seed ${seed} --trace\n${error instanceof Error ? error.message : String(error)}`)
    }
  }
  for (const seed of again) {
    const first = traces.get(seed) ?? []
    t.true(first.length > 500, `seed ${seed}: ${first.length} lines`)
    const { lines } = await traced(seed, { fold: step })
    const at = lines.findIndex((line, i) => line !== first[i])
    t.deepEqual([lines.length, lines[at]], [first.length, first[at]], `seed ${seed}, line ${at + 1} of its traces`)
  }
  // Clusters that are never troubled, or never get anything done, would prove nothing.
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  t.true(sum(({ elections }) => elections) > 2 * outcomes.length, `${sum(({ elections }) => elections)} elections`)
  t.true(sum(({ acknowledged }) => acknowledged) > 20 * outcomes.length, `${sum(({ acknowledged }) => acknowledged)} acknowledged proposals`)
  t.true(sum(({ read }) => read) > 20 * outcomes.length, `${sum(({ read }) => read)} reads`)
  t.true(sum(({ taken }) => taken) > 5 * outcomes.length && sum(({ received }) => received) > 0.2 * outcomes.length,
    `${sum(({ taken }) => taken)} snapshots taken, ${sum(({ received }) => received)} received`)
}
