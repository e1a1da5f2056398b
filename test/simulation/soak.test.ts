/** Hours, the fewest that there are; `npm run simulate -- --soak` has more of them. */
import test from 'ava'
import { trial } from './trial.js'

const SEED = 10
const HOUR_MS = 3_600_000
/** Of a quiet time that is longer than a session lasts, at three times a minute. */
const SERVED = 300

test('a cluster goes on for hours, with storms now and then, and in quiet times everybody is served', async t => {
  const { simulatedMs, served = 0, faults } = await trial(SEED, { isSoak: true })
  t.true(simulatedMs > HOUR_MS, `${simulatedMs} ms`)
  t.true((faults['network'] ?? 0) > 1, 'each storm has its own mix of faults')
  t.true(served > SERVED, `${served} proposals and reads`)
})
