/** Clusters that count: what stories of who leads and who belongs are told with. */
import * as t from 'io-ts'
import { type Limits, reducerMachine } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'

export const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})
export type Counters = SimulatedCluster<{ add: number }, number, number>
export const ELECTION_TIMEOUT_MS = 1_000
export const HEARTBEAT_MS = 100

/** A cluster that has a leader and has counted to one. */
export const begun = async (seed: number, members = 3, limits: Partial<Limits> = {}): Promise<Counters> => {
  const cluster = simulate({ machine: counter, seed, members, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS, limits })
  await cluster.until(() => cluster.leader() !== undefined)
  await cluster.settle(cluster.propose({ add: 1 }))
  return cluster
}
export const followersOf = (cluster: Counters): readonly string[] => cluster.ids.filter(id => id !== cluster.leader())
