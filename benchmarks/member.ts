/** A durable member in a process of its own, for the benchmarks: TCP on loopback, the disk, every default that users get. */
import { auditTime } from 'rxjs'
import { createRaft, fileStorage, orThrow, tcpTransport } from '../streams/index.js'
import { flightRecorder } from '../streams/recorder/index.js'
import { kv } from './kv.js'

export interface BenchMember {
  readonly id: string
  readonly members: Readonly<Record<string, string>>
  readonly folder: string
  /** Where its inputs are recorded, if they are. */
  readonly recording?: string
}

const { id, members, folder, recording } = JSON.parse(process.argv[2] ?? '{}') as BenchMember
const raft = orThrow(await createRaft({
  cluster: 'bench', id, members, machine: kv, transport: tcpTransport(), storage: fileStorage(folder),
  ...(recording !== undefined && { recorder: flightRecorder(recording) }),
}))
raft.status$.pipe(auditTime(20)).subscribe(status => process.send?.({ ...status, rss: process.memoryUsage().rss, cpu: process.cpuUsage() }))
process.once('disconnect', () => process.exit())
