/** Whole clusters in virtual time, the other half of the seeds. */
import test from 'ava'
import { runSeeds } from './seeds.js'
import { trial } from './trial.js'

test('no even seed breaks a promise, every cluster heals, and one seed is one run', async t => {
  t.timeout(600_000)
  await runSeeds(t, 2, 200, 2, [2, 4, 6, 8, 10, 16, 32])
})

test('seed 1009837: a voter that has left and comes back with nothing helps elect nobody whom its cluster has left behind', async t => {
  t.true((await trial(1_009_837)).acknowledged > 0)
})

test('seed 1300150: who was named by an overwritten membership alone, lost its disk and is added is let in', async t => {
  t.true((await trial(1_300_150)).acknowledged > 0)
})

test('seed 1420189: a member that wrote more at once than its segment holds finds all of it after a crash', async t => {
  t.true((await trial(1_420_189)).acknowledged > 0)
})

test('seed 1441698: a leader with a slow disk that was alone as the step began, and adopts a change in it, still leads', async t => {
  t.true((await trial(1_441_698)).acknowledged > 0)
})

test('seed 1483285: while the only voter is down nobody is asked to lead, and least of all those whom it left out', async t => {
  t.true((await trial(1_483_285)).acknowledged > 0)
})

test('seed 1560954: a leader that commits in the very step in which it leaves has lost nothing of that', async t => {
  t.true((await trial(1_560_954)).acknowledged > 0)
})
