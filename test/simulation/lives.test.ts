/** One of the shortest lives; `npm run simulate -- --lives` has longer ones, and many. */
import test from 'ava'
import { trial } from './trial.js'

const SEED = 10
const HALF_AN_HOUR_MS = 1_800_000

test('a cluster goes on for hours, with storms now and then', async t => {
  const { simulatedMs, acknowledged, read, faults, isLife } = await trial(SEED, { isLife: true })
  t.true(isLife)
  t.true(simulatedMs > HALF_AN_HOUR_MS, `${simulatedMs} ms`)
  t.true((faults['network'] ?? 0) > 1, 'each storm has its own mix of faults')
  t.true(acknowledged > 200 && read > 400, `${acknowledged} proposals, ${read} reads`)
})
