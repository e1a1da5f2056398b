/** How soon a cluster has another leader: it depends on how the former one went. */
import test from 'ava'
import { orThrow } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_MS = 100

/** A cluster that has a leader and one entry, all of it in all logs. */
const begun = async (seed: number, members = 3): Promise<SimulatedCluster<{ add: number }, number, number>> => {
  const cluster = simulate({ machine: counter, seed, members, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS })
  await cluster.until(() => cluster.leader() !== undefined)
  orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! })))
  await cluster.run(3 * ELECTION_TIMEOUT_MS)
  return cluster
}

for (const members of [3, 4, 5]) {
  test(`of ${members} members, one whose leader is killed has another within a tenth of the election timeout, and its writes`, async t => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = await begun(seed, members)
      const first = cluster.leader()!
      const elections = cluster.counts.elections()
      cluster.kill(first)
      await cluster.until(() => cluster.leader() !== undefined, ELECTION_TIMEOUT_MS / 10)
      t.is(orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! }), HEARTBEAT_MS)), 2)
      t.is(cluster.counts.elections(), elections + 1, 'the first election is won')
      cluster.start(first)
      await cluster.calm(3 * ELECTION_TIMEOUT_MS)
      await cluster.check()
    }
  })
}

const SILENT: Readonly<Record<string, (cluster: Awaited<ReturnType<typeof begun>>, leader: string) => void>> = {
  'loses its power': (cluster, leader) => cluster.crash(leader),
  'is stopped': (cluster, leader) => cluster.pause(leader),
  'is cut off': (cluster, leader) => cluster.partition([leader], cluster.ids.filter(id => id !== leader)),
}
for (const [how, happen] of Object.entries(SILENT)) {
  test(`a leader that ${how} is waited for as long as ever`, async t => {
    const cluster = await begun(7)
    const first = cluster.leader()!
    const elections = cluster.counts.elections()
    happen(cluster, first)
    await cluster.run(ELECTION_TIMEOUT_MS - 2 * HEARTBEAT_MS)
    t.is(cluster.counts.elections(), elections)
    await cluster.until(() => cluster.counts.elections() > elections, 2 * ELECTION_TIMEOUT_MS)
  })
}

test('a leader whose connections break again and again stays the leader', async t => {
  const cluster = await begun(8)
  const first = cluster.leader()!
  const elections = cluster.counts.elections()
  for (let n = 0; n < 10; n++) {
    for (const id of cluster.ids) if (id !== first) cluster.inflict({ type: 'reset', a: first, b: id })
    await cluster.run(ELECTION_TIMEOUT_MS + HEARTBEAT_MS)
    t.is(cluster.leader(), first)
  }
  t.is(cluster.counts.elections(), elections)
})
