/** What writers see of durable members in processes of their own: by writes in flight, over many connections and over one, by size, by members. */
import { CONNECTIONS, type Driven, type DriveOptions, drive } from '../cluster/drive.js'
import { VALUE_BYTES } from '../cluster/kv.js'
import type { Stage } from '../cluster/load.js'
import { startProcesses } from '../cluster/processes.js'
import { SAMPLE_EVERY_MS } from '../programs/durable.js'
import { etcdPuts } from '../peers/etcd.js'
import { zmqUpdates } from '../peers/zmq-raft.js'
import type { Sample } from '../reporting/figures.js'
import type { Measure } from './measure.js'

const IN_FLIGHT = [1, 16, 64, 256, 1000] as const
/** One write in flight needs no more than one. */
const OVER_ONE = [16, 64, 256, 1000] as const
/** The largest is a command of a mebibyte, with its key and its JSON around the value. */
const PAYLOADS = [16, 128, 1024, 8 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024 - 64] as const
const MEMBERS = [1, 3, 5, 7] as const

const WARM_MS = 2_000
/** To start, to elect and to warm up. */
const BEFORE_SECONDS = 5
/** One writer is measured only once it has made thousands of writes, and that takes its time. */
const SETTLE_SECONDS = 25
/** Sizes change, and the number of writers does not: the code is warm by then. */
const SETTLE_LARGE_WRITES = 300

const samplesOf = (at: string, driven: Driven): readonly Sample[] =>
  (['perSecond', 'p50Ms', 'p99Ms', 'p999Ms', 'cpuMicros', 'failed'] as const).map(kind => ({ at, kind, value: driven[kind] }))

const measure = async (
  members: number, stages: readonly Stage[], seconds: number, given: Pick<DriveOptions, 'settleWrites' | 'connections'> = {},
): Promise<readonly Driven[]> => {
  const cluster = await startProcesses(members, { sampleEveryMs: SAMPLE_EVERY_MS })
  try {
    await cluster.elected()
    return await drive(cluster, { stages, warmMs: WARM_MS, measureMs: seconds * 1000, ...given })
  } finally {
    await cluster.end()
  }
}

const byWrites = async (inFlight: readonly number[], connections: number, seconds: number): Promise<readonly Sample[]> => {
  const results = await measure(3, inFlight.map(writes => ({ inFlight: writes, valueBytes: VALUE_BYTES })), seconds, { connections })
  return results.flatMap(driven => samplesOf(String(driven.inFlight), driven))
}

export const inFlight: Measure = {
  name: 'in-flight', title: `Durable writes by writes in flight: three processes, TCP on loopback, fsync, 128-byte values, ${CONNECTIONS} connections`, at: 'in flight', isDurable: true,
  about: ({ seconds }) => BEFORE_SECONDS + SETTLE_SECONDS + IN_FLIGHT.length * seconds,
  run: ({ seconds }) => byWrites(IN_FLIGHT, CONNECTIONS, seconds),
  // One that waits for each, and as many as it is fastest with.
  peers: [etcdPuts(IN_FLIGHT, CONNECTIONS), zmqUpdates([1, 256])],
}

export const oneConnection: Measure = {
  name: 'one-connection', title: 'The same over one connection: what one client in a process sees', at: 'in flight', isDurable: true,
  about: ({ seconds }) => BEFORE_SECONDS + OVER_ONE.length * (seconds + 1),
  run: ({ seconds }) => byWrites(OVER_ONE, 1, seconds),
  peers: [etcdPuts(OVER_ONE, 1), zmqUpdates([256])],
}

export const payload: Measure = {
  name: 'payload', title: 'Durable writes by size: three processes, 16 writes in flight', at: 'bytes', isDurable: true,
  about: ({ seconds }) => BEFORE_SECONDS + PAYLOADS.length * (seconds + 1),
  run: async ({ seconds }) => {
    const results = await measure(3, PAYLOADS.map(valueBytes => ({ inFlight: 16, valueBytes })), seconds, { settleWrites: SETTLE_LARGE_WRITES })
    return results.flatMap(driven => samplesOf(String(driven.valueBytes), driven))
  },
}

export const members: Measure = {
  name: 'members', title: 'Durable writes by members: a process each on this one machine, 64 writes in flight', at: 'members', isDurable: true,
  about: ({ seconds }) => MEMBERS.length * (BEFORE_SECONDS + seconds),
  run: async ({ seconds }) => {
    const samples: Sample[] = []
    for (const count of MEMBERS) {
      const [driven] = await measure(count, [{ inFlight: 64, valueBytes: VALUE_BYTES }], seconds)
      samples.push(...samplesOf(String(count), driven!))
    }
    return samples
  },
}
