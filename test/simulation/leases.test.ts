/** Reads by lease, where whoever promised it forgets all that it knew of others. */
import test from 'ava'
import { isRight } from '../../lib/prelude.js'
import { simulate } from '../../testing/index.js'
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, counter } from './counters.js'
import { membershipAt } from './operators.js'

test('the sole voter that is left starts again: the leader that has left, and has not heard so, reads nothing old', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = simulate({ machine: counter, seed, members: 2, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS, readLeaseMs: ELECTION_TIMEOUT_MS })
    await cluster.until(() => cluster.leader() !== undefined)
    await cluster.settle(cluster.propose({ add: 1 }))
    const old = cluster.leader()!
    const left = cluster.ids.find(id => id !== old)!
    void cluster.member(old).raft!.members.remove(old)
    const decidesAlone = (): boolean => {
      const { voters, outgoing } = membershipAt(cluster, left) ?? { voters: [], outgoing: [] }
      return voters.length === 1 && outgoing.length === 0
    }
    for (let waited = 0; !decidesAlone() && waited < ELECTION_TIMEOUT_MS; waited++) await cluster.run(0.2)
    cluster.partition([old], [left])
    cluster.kill(left)
    await cluster.run(50)
    cluster.start(left)
    await cluster.until(() => cluster.leader() === left)
    is.true(isRight(await cluster.settle(cluster.propose({ add: 100 }, { at: left }))), `seed ${seed}`)
    is.false(isRight(await cluster.settle(cluster.read(total => total, { at: old, timeoutMs: 300 }))), `seed ${seed}`)
    cluster.heal()
    await cluster.run(ELECTION_TIMEOUT_MS)
    await cluster.check()
  }
})
