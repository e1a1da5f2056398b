/** Durable writes: three processes over TCP, fsync on, against a peer measured in turn on the same machine. */
import { type Driven, drive } from '../cluster/drive.js'
import { VALUE_BYTES } from '../cluster/kv.js'
import { type PeerSpeed, peerRound } from '../peers/peer.js'
import { startProcesses } from '../cluster/processes.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

export interface DurableOptions {
  readonly inFlight: readonly number[]
  readonly rounds: number
  readonly seconds: number
  /** A shell command that prints one line of JSON with per_s, p50_ms and p99_ms; `{clients}` and `{secs}` are filled in. */
  readonly peer: string | undefined
}

/** Until the compiler has seen the code: a process that has just started is several times slower. */
const WARM_MS = 3000
/** Seldom enough that asking does not count. */
export const SAMPLE_EVERY_MS = 200

/** One round: a new cluster, so many writes in flight, for so long. */
export const measureDurable = async (inFlight: number, seconds: number, isRecorded = false): Promise<Driven> => {
  const cluster = await startProcesses(3, { isRecorded, sampleEveryMs: SAMPLE_EVERY_MS })
  try {
    await cluster.elected()
    const [result] = await drive(cluster, { stages: [{ inFlight, valueBytes: VALUE_BYTES }], warmMs: WARM_MS, measureMs: seconds * 1000 })
    return result!
  } finally {
    await cluster.end()
  }
}

export const durable = async ({ inFlight, rounds, seconds, peer }: DurableOptions): Promise<void> => {
  const rows: (string | number)[][] = []
  for (const writes of inFlight) {
    const mine: Driven[] = []
    const theirs: PeerSpeed[] = []
    for (let round = 0; round < rounds; round++) {
      say(`durable, ${writes} in flight, round ${round + 1} of ${rounds}`)
      // The peer first: one that does not work is known at once.
      if (peer !== undefined) theirs.push(await peerRound(peer, { clients: writes, secs: seconds }))
      const result = await measureDurable(writes, seconds)
      mine.push(result)
      report({ what: 'rxraft durable', ...result })
    }
    const us = median(mine.map(({ perSecond }) => perSecond))
    const them = median(theirs.map(({ perSecond }) => perSecond))
    rows.push([String(writes), us, median(mine.map(({ p50Ms }) => p50Ms)), median(mine.map(({ p99Ms }) => p99Ms)), median(mine.map(({ p999Ms }) => p999Ms)),
      them, median(theirs.map(({ p50Ms }) => p50Ms)), median(theirs.map(({ p99Ms }) => p99Ms)), `${(us / them).toFixed(2)}x`])
  }
  say(`\n${tableOf(['in flight', 'writes/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'peer/s', 'peer p50', 'peer p99', 'ratio'], rows)}\n`)
}
