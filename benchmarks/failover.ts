/** How long a cluster is without a leader that takes writes, after its leader is killed with SIGKILL. */
import { connect } from '../client/index.js'
import { orThrow } from '../streams/index.js'
import { kv } from './kv.js'
import { startProcesses } from './processes.js'
import { median, report, say } from './stats.js'

const ELECTION_TIMEOUT_MS = 1_000
const SETTLE_MS = 1_500

/** Kills the leader `times` times, each time of a whole cluster; a write is tried all the while, one at a time. */
export const failover = async ({ times }: { readonly times: number }): Promise<void> => {
  const cluster = await startProcesses(3)
  const silences: number[] = []
  try {
    await cluster.elected()
    const client = orThrow(await connect({ cluster: 'bench', members: cluster.members, protocol: kv }))
    for (let n = 0; n < times; n++) {
      await cluster.whole()
      await client.propose({ key: 'before', value: String(n) })
      await new Promise(resume => setTimeout(resume, SETTLE_MS + Math.random() * 100))
      const leader = await cluster.elected()
      const killedAt = performance.now()
      await cluster.kill(leader)
      while ((await client.propose({ key: 'after', value: String(n) }, { timeoutMs: 10_000 }))._tag === 'Left');
      silences.push(performance.now() - killedAt)
      report({ what: 'rxraft failover', ms: silences.at(-1), electionTimeoutMs: ELECTION_TIMEOUT_MS })
      cluster.start(leader)
    }
    await client.close()
  } finally {
    await cluster.end()
  }
  say(`failover: median ${Math.round(median(silences))} ms over ${times} kills, ${(median(silences) / ELECTION_TIMEOUT_MS).toFixed(2)}x the election timeout`)
}
