// A whole cluster in a unit test: virtual time, real members, faults on demand. Run with node --test.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as t from 'io-ts'
import { orThrow, reducerMachine } from 'rxraft'
import { counterModel, isLinearizable, simulate } from 'rxraft/testing'

const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})

test('a write survives the leader that took it', async () => {
  const cluster = simulate({ machine: counter, members: 5, seed: 7 })
  await cluster.until(() => cluster.leader() !== undefined)
  const leader = cluster.leader() ?? ''
  const [follower = '', ...others] = cluster.ids.filter(id => id !== leader)

  assert.equal(orThrow(await cluster.settle(cluster.propose({ add: 2 }, { at: follower }))), 2) // any member forwards it
  cluster.crash(leader) // loses power, and all that was not synced
  cluster.cut(follower, others[0] ?? '') // and one link fails, one way
  await cluster.until(() => cluster.leader() !== undefined)
  assert.equal(orThrow(await cluster.settle(cluster.propose({ add: 3 }, { at: cluster.leader() ?? '' }))), 5)

  await cluster.recover() // all faults end: one leader and equal logs within ten election timeouts
  for (const id of cluster.ids) assert.equal(cluster.member(id).state, 5)
})

test('no storm makes the counter forget or count twice', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const cluster = simulate({ machine: counter, members: 3, seed })
    let next = 0
    const client = (name: string): void => void cluster.clock.after(200, () => {
      const add = ++next // every command is another one, so that it is known wherever it turns up
      void cluster.propose({ add }, { at: cluster.ids[add % 3] ?? '', client: name }).then(() => client(name))
    })
    for (const name of ['ann', 'bob', 'cid']) client(name)
    await cluster.storm(10_000) // crashes, partitions, pauses, slow and full disks, skewed clocks: drawn from the seed
    await cluster.recover()
    await cluster.check() // what clients were told is what stands in the log
    assert.ok(isLinearizable(counterModel, cluster.operations()))
  }
})
