/** The simulation alone notices what it noticed before: seeds that were found by `npm run strength`, run again. */
import test from 'ava'
import type { Hunted } from './hunt.js'
import { MUTATIONS } from './mutations.js'
import { huntMutation } from './run.js'

/** So many seeds behind the one that is kept count, too: whatever a member does in another order makes another run of each. */
const SPARE = 20

for (const mutation of MUTATIONS) {
  const { name, seed, unseen } = mutation
  test(`of no mistake are both a seed and a reason kept: ${name}`, t => t.true(seed === undefined || unseen === undefined))
  if (seed === undefined) continue
  test.serial(`seed ${seed} notices: ${name}`, async t => {
    t.timeout(120_000)
    const hunted: Hunted[] = []
    await huntMutation(mutation, seed, seed + SPARE, one => { hunted.push(one) })
    t.true(hunted.some(({ failure }) => failure !== undefined), `npm run strength -- --only "${name}" finds another seed`)
  })
}
