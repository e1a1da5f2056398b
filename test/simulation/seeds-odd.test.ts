/** Whole clusters in virtual time, one half of the seeds; the other half runs beside it. More of them: `npm run simulate`. */
import test from 'ava'
import { runSeeds } from './seeds.js'

test('no odd seed breaks a promise, and every cluster heals', async t => {
  t.timeout(600_000)
  await runSeeds(t, 1, 200, 2)
})
