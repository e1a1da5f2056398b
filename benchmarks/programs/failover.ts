/** How long a cluster is without a leader that takes writes, after its leader is killed with SIGKILL. */
import { connect } from '../../client/index.js'
import { orThrow } from '../../streams/index.js'
import { pause } from '../aids.js'
import { kv } from '../cluster/kv.js'
import { startProcesses } from '../cluster/processes.js'
import { median, report, say } from '../reporting/stats.js'

/** What members have when nothing is said. */
const ELECTION_TIMEOUT_MS = 1_000
const SETTLE_MS = 1_500

/** Kills the leader `times` times, each time of a whole cluster; a write is tried all the while, one at a time. The milliseconds from each kill to the next accepted write. */
export const measureFailover = async (times: number, told: (ms: number) => void): Promise<readonly number[]> => {
  const cluster = await startProcesses(3)
  const silences: number[] = []
  try {
    await cluster.elected()
    const client = orThrow(await connect({ cluster: 'bench', members: cluster.members, protocol: kv }))
    for (let n = 0; n < times; n++) {
      await cluster.whole()
      await client.propose({ key: 'before', value: String(n) })
      await pause(SETTLE_MS + Math.random() * 100)
      const leader = await cluster.elected()
      const killedAt = performance.now()
      await cluster.kill(leader)
      while ((await client.propose({ key: 'after', value: String(n) }, { timeoutMs: 10_000 }))._tag === 'Left');
      silences.push(performance.now() - killedAt)
      told(silences.at(-1)!)
      cluster.start(leader)
    }
    await client.close()
  } finally {
    await cluster.end()
  }
  return silences
}

export const failover = async ({ times }: { readonly times: number }): Promise<void> => {
  const silences = await measureFailover(times, ms => report({ what: 'rxraft failover', ms, electionTimeoutMs: ELECTION_TIMEOUT_MS }))
  say(`failover: median ${Math.round(median(silences))} ms over ${times} kills, ${(median(silences) / ELECTION_TIMEOUT_MS).toFixed(2)}x the election timeout`)
}
