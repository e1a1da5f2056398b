import type { ExecutionContext } from 'ava'
import { type Outcome, trial } from './trial.js'

/** Runs every seed from `from` on, `step` apart, and fails at the first that breaks a promise. */
export const runSeeds = async (t: ExecutionContext, from: number, to: number, step: number): Promise<void> => {
  const outcomes: Outcome[] = []
  for (let seed = from; seed <= to; seed += step) {
    try {
      outcomes.push(await trial(seed))
    } catch (error) {
      return t.fail(`npm run simulate -- --seed ${seed} --trace\n${error instanceof Error ? error.message : String(error)}`)
    }
  }
  // Clusters that are never troubled, or never get anything done, would prove nothing.
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  t.true(sum(({ elections }) => elections) > 2 * outcomes.length, `${sum(({ elections }) => elections)} elections`)
  t.true(sum(({ acknowledged }) => acknowledged) > 20 * outcomes.length, `${sum(({ acknowledged }) => acknowledged)} acknowledged proposals`)
  t.true(sum(({ read }) => read) > 20 * outcomes.length, `${sum(({ read }) => read)} reads`)
}
