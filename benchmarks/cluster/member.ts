/** A durable member in a process of its own, for the benchmarks: TCP on loopback, the disk, every default that users get. */
import { auditTime, combineLatest, timer } from 'rxjs'
import { type SnapshotEvent, type Status, createRaft, fileStorage, orThrow, tcpTransport } from '../../streams/index.js'
import { flightRecorder } from '../../streams/recorder/index.js'
import { withBallast } from './ballast.js'
import { kv } from './kv.js'

export interface BenchMember {
  readonly id: string
  readonly members: Readonly<Record<string, string>>
  readonly folder: string
  /** Its own address, where `members` does not name it: it waits until it is added. */
  readonly join?: string
  /** Where its inputs are recorded, if they are. */
  readonly recording?: string
  /** So much larger than the state are its snapshots, which it then takes only when it is told to. */
  readonly ballastMiB?: number
  /** How often it tells how it is, however much has changed; 20 unless told otherwise. */
  readonly sampleEveryMs?: number
}

export interface BenchSample extends Status {
  readonly rss: number
  readonly heap: number
  readonly cpu: NodeJS.CpuUsage
  readonly upSeconds: number
}

export type BenchNews = { readonly status: BenchSample } | { readonly snapshot: SnapshotEvent } | { readonly added: string; readonly failure?: string }
/** What it is told to do: to take a snapshot, or to have another member added. */
export type BenchOrder = { readonly type: 'snapshot' } | { readonly type: 'add'; readonly id: string; readonly address: string }

const ADD_TIMEOUT_MS = 300_000

const { id, members, folder, join, recording, ballastMiB = 0, sampleEveryMs = 20 } = JSON.parse(process.argv[2] ?? '{}') as BenchMember
const tell = (news: BenchNews): void => void process.send?.(news)
const raft = orThrow(await createRaft({
  cluster: 'bench', id, members, machine: withBallast(kv, ballastMiB), transport: tcpTransport(), storage: fileStorage(folder),
  ...(join !== undefined && { join }),
  ...(ballastMiB > 0 && { limits: { snapshotEntries: 1_000_000_000, snapshotBytes: 2 ** 30, snapshotKeepEntries: 0 } }),
  ...(recording !== undefined && { recorder: flightRecorder(recording) }),
}))
combineLatest([raft.status$, timer(0, sampleEveryMs)]).pipe(auditTime(sampleEveryMs)).subscribe(([status]) => {
  const { rss, heapUsed: heap } = process.memoryUsage()
  tell({ status: { ...status, rss, heap, cpu: process.cpuUsage(), upSeconds: process.uptime() } })
})
raft.snapshots$.subscribe(snapshot => tell({ snapshot }))
process.on('message', async message => {
  const order = message as BenchOrder
  if (order.type === 'snapshot') return void raft.snapshot()
  const outcome = await raft.members.add(order.id, order.address, { timeoutMs: ADD_TIMEOUT_MS })
  tell({ added: order.id, ...(outcome._tag === 'Left' && { failure: outcome.left.message }) })
})
process.once('disconnect', () => process.exit())
