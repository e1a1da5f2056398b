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
  /** Where its inputs are recorded, if they are. */
  readonly recording?: string
  /** So much larger than the state are its snapshots, which it then takes only when it is told to. */
  readonly ballastMiB?: number
}

export type BenchNews = { readonly status: Status & { readonly rss: number; readonly heap: number; readonly cpu: NodeJS.CpuUsage } } | { readonly snapshot: SnapshotEvent }

const { id, members, folder, recording, ballastMiB = 0 } = JSON.parse(process.argv[2] ?? '{}') as BenchMember
const tell = (news: BenchNews): void => void process.send?.(news)
const raft = orThrow(await createRaft({
  cluster: 'bench', id, members, machine: withBallast(kv, ballastMiB), transport: tcpTransport(), storage: fileStorage(folder),
  ...(ballastMiB > 0 && { limits: { snapshotEntries: 1_000_000_000, snapshotBytes: 2 ** 30, snapshotKeepEntries: 0 } }),
  ...(recording !== undefined && { recorder: flightRecorder(recording) }),
}))
combineLatest([raft.status$, timer(0, 50)]).pipe(auditTime(20)).subscribe(([status]) => tell({ status: { ...status, rss: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed, cpu: process.cpuUsage() } }))
raft.snapshots$.subscribe(snapshot => tell({ snapshot }))
process.on('message', () => void raft.snapshot())
process.once('disconnect', () => process.exit())
