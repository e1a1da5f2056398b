/** What happens seldom: a member comes back, a member starts, a leader is killed, and nothing at all. */
import { pause } from '../aids.js'
import { startProcesses } from '../cluster/processes.js'
import { etcdFailover } from '../peers/etcd.js'
import { measureFailover } from '../programs/failover.js'
import { worldOfCounted } from '../programs/restart.js'
import { measureSnapshot } from '../programs/snapshot.js'
import { median } from '../reporting/stats.js'
import type { Sample } from '../reporting/figures.js'
import type { Measure } from './measure.js'

const SNAPSHOT_MIB = 128
const LOG_SIZES = [10_000, 100_000, 1_000_000] as const
const KILLS = 3

export const snapshot: Measure = {
  name: 'snapshot', title: `A snapshot of ${SNAPSHOT_MIB} MiB from the leader to a member that comes back, while 16 writers go on`, at: 'what', isDurable: true,
  about: ({ seconds }) => 10 + 2 * seconds,
  run: async ({ seconds }) => {
    const { mibPerSecond, idle, during, senderMiB, receiverMiB } = await measureSnapshot({ mebibytes: SNAPSHOT_MIB, seconds })
    return [
      { at: 'transfer', kind: 'mibPerSecond', value: mibPerSecond },
      { at: 'sender', kind: 'moreMiB', value: senderMiB }, { at: 'receiver', kind: 'moreMiB', value: receiverMiB },
      ...([['writes without it', idle], ['writes beside it', during]] as const).flatMap(([at, { perSecond, p50Ms, p99Ms }]): readonly Sample[] =>
        [{ at, kind: 'perSecond', value: perSecond }, { at, kind: 'p50Ms', value: p50Ms }, { at, kind: 'p99Ms', value: p99Ms }]),
    ]
  },
}

export const restart: Measure = {
  name: 'restart', title: 'A start from the log alone, its files in memory, every checksum verified and every entry applied by a machine that counts them, by entries of 128 bytes', at: 'entries', isDurable: true,
  about: () => 15,
  run: async () => {
    const world = await worldOfCounted()
    try {
      const samples: Sample[] = []
      for (const entries of LOG_SIZES) {
        await world.fill(entries)
        samples.push({ at: String(entries), kind: 'ms', value: (await world.restart()).restartMs })
      }
      return samples
    } finally {
      world.remove()
    }
  },
}

export const failover: Measure = {
  name: 'failover', title: 'From kill -9 of the leader to the next accepted write; the election timeout is 1,000 ms', at: 'what', isDurable: true,
  about: () => 2 + KILLS * 3.5,
  run: async () => (await measureFailover(KILLS, () => {})).map(ms => ({ at: 'kill -9', kind: 'ms', value: ms })),
  peers: [etcdFailover(KILLS)],
}

/** Seldom enough that asking does not count. */
const SAMPLE_EVERY_MS = 1_000

export const idle: Measure = {
  name: 'idle', title: 'Three members without any work', at: 'who', isDurable: false,
  about: ({ seconds }) => 5 + 3 * seconds,
  run: async ({ seconds }) => {
    const cluster = await startProcesses(3, { sampleEveryMs: SAMPLE_EVERY_MS })
    try {
      const leader = await cluster.elected()
      await pause(2 * SAMPLE_EVERY_MS)
      const ids = Object.keys(cluster.members)
      const before = new Map(ids.map(id => [id, cluster.sampleOf(id)!]))
      await pause(3_000 * seconds)
      const percentOf = (id: string): number => {
        const [a, b] = [before.get(id)!, cluster.sampleOf(id)!]
        return (b.cpu.user + b.cpu.system - a.cpu.user - a.cpu.system) / 1e6 / (b.upSeconds - a.upSeconds) * 100
      }
      return [
        { at: 'leader', kind: 'cpuPercent', value: percentOf(leader) },
        { at: 'follower', kind: 'cpuPercent', value: median(ids.filter(id => id !== leader).map(percentOf)) },
      ]
    } finally {
      await cluster.end()
    }
  },
}
