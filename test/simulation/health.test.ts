/** How members fare by their own word, against what is done to them. */
import test from 'ava'
import { type Health, orThrow } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_MS = 100

/** A cluster that has written something, and the latest word of each member. */
const begun = async (seed: number) => {
  const cluster: SimulatedCluster<{ add: number }, number, number> =
    simulate({ machine: counter, seed, members: 3, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS })
  const told = new Map<string, Health[]>(cluster.ids.map(id => [id, []]))
  for (const id of cluster.ids) cluster.member(id).health$.subscribe(health => told.get(id)!.push(health))
  await cluster.until(() => cluster.leader() !== undefined)
  orThrow(await cluster.settle(cluster.propose({ add: 1 })))
  await cluster.run(5 * HEARTBEAT_MS)
  const leader = cluster.leader()!
  const [follower, other] = cluster.ids.filter(id => id !== leader)
  return { cluster, leader, follower: follower!, other: other!, told: (id: string) => told.get(id)!, latest: (id: string): Health => told.get(id)!.at(-1)! }
}

test('all is well: everybody is in touch, nobody lags, and there is a value each heartbeat', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const { cluster, leader, told, latest } = await begun(seed)
    const before = told(leader).length
    await cluster.run(10 * HEARTBEAT_MS)
    is.true(Math.abs(told(leader).length - before - 10) <= 1, `seed ${seed}`)
    is.deepEqual(cluster.ids.map(id => [latest(id).isInTouch, latest(id).behindEntries]), cluster.ids.map(() => [true, 0]))
    const health = latest(leader)
    if (health.role !== 'leader') return is.fail(health.role)
    is.deepEqual(health.peers.map(({ mode, lagEntries, silentMs }) => [mode, lagEntries, silentMs <= 2 * HEARTBEAT_MS]), [['replicate', 0, true], ['replicate', 0, true]])
  }
})

test('a follower that is cut off: it is out of touch, its leader sees it silent and lagging, and afterwards all is well again', async is => {
  const { cluster, leader, follower, other, latest } = await begun(6)
  const peer = (id: string) => {
    const health = latest(leader)
    return health.role === 'leader' ? health.peers.find(one => one.id === id) : undefined
  }
  cluster.partition([follower], [leader, other])
  for (let n = 0; n < 3; n++) orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: leader })))
  await cluster.run(2 * ELECTION_TIMEOUT_MS)
  is.false(latest(follower).isInTouch)
  is.true(latest(leader).isInTouch)
  is.true(peer(follower)!.silentMs >= 1.9 * ELECTION_TIMEOUT_MS, `${peer(follower)?.silentMs}`)
  is.is(peer(follower)!.lagEntries, 3)
  is.like(peer(other), { lagEntries: 0, mode: 'replicate' })
  cluster.heal()
  await cluster.recover()
  await cluster.run(2 * HEARTBEAT_MS)
  is.true(cluster.ids.every(id => latest(id).isInTouch))
  const last = latest(cluster.leader()!)
  is.deepEqual(last.role === 'leader' && last.peers.map(({ lagEntries }) => lagEntries), [0, 0])
})

test('an event loop that stalls, and nobody else, is late by as much', async is => {
  const { cluster, leader, follower, told } = await begun(7)
  const [before, beforeThere] = [told(follower).length, told(leader).length]
  cluster.stall(follower, 400)
  await cluster.run(10 * HEARTBEAT_MS)
  const worst = (id: string, from: number): number => Math.max(...told(id).slice(from).map(({ loopDelayMs }) => loopDelayMs))
  is.true(worst(follower, before) > 300 && worst(follower, before) < 500, `${worst(follower, before)}`)
  is.true(worst(leader, beforeThere) < 50, `${worst(leader, beforeThere)}`)
})
