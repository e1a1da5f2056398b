/** Members of two versions of a machine in one cluster: what both make the same of may be proposed, and nothing else. */
import test from 'ava'
import * as t from 'io-ts'
import { orThrow, reducerMachine } from '../../streams/index.js'
import { SimulationFailed, simulate } from '../../testing/index.js'

const Add = t.intersection([t.strict({ add: t.number }), t.exact(t.partial({ twice: t.boolean }))])
const before = reducerMachine({ version: 1, command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0, reduce: (total, { add }) => [total + add, total + add] })
const after = reducerMachine({
  version: 2, command: Add, result: t.number, state: t.number, initial: 0,
  reduce: (total, { add, twice = false }) => {
    const next = total + (twice ? 2 * add : add)
    return [next, next]
  },
})

/** In the midst of an upgrade: n2 has yet to be restarted. */
const midst = async (seed: number) => {
  const cluster = simulate({ machine: after, machines: { n2: before }, seed, replays: 0 })
  await cluster.until(() => cluster.leader() !== undefined)
  return cluster
}

test('in the midst of an upgrade all members make the same of what the older one reads, over faults, and know that it is there', async is => {
  const cluster = await midst(1)
  const lowest = new Map<string, number>()
  for (const id of cluster.ids) cluster.member(id).status$.subscribe(({ lowestMachineVersion }) => lowest.set(id, lowestMachineVersion))
  for (const id of cluster.ids) {
    cluster.crash(id)
    await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== id)
    orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()!, timeoutMs: 10_000 })))
    await cluster.recover()
  }
  await cluster.check()
  is.deepEqual([...lowest.values()], [1, 1, 1])
  is.deepEqual(cluster.ids.map(id => cluster.member(id).state), [3, 3, 3])
})

test('what the older one leaves out makes members differ, which a simulation says', async is => {
  const cluster = await midst(2)
  const error = await is.throwsAsync(async () => {
    await cluster.settle(cluster.propose({ add: 1, twice: true }, { at: 'n1', timeoutMs: 10_000 }))
    await cluster.recover()
  }, { instanceOf: SimulationFailed })
  is.regex(error?.message ?? '', /applied \d+ as .*twice|applied \d+ as .*result/)
})
