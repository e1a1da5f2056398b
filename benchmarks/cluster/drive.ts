/** Lets a client process write to a cluster, stage after stage, and reads off what that cost its members. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { VALUE_BYTES } from './kv.js'
import type { Load, LoadNews, LoadResult, Stage } from './load.js'
import type { Processes } from './processes.js'

const program = fileURLToPath(new URL('./load.js', import.meta.url))
/** As etcd's side has them. */
export const CONNECTIONS = 16
const WARM: Stage = { inFlight: 256, valueBytes: VALUE_BYTES }

/** As many as it takes until the compiler has seen the code. */
export const SETTLE_WRITES = 8_000

export interface DrivenStage extends Pick<Stage, 'inFlight' | 'valueBytes'> {
  /** The stage is measured for as long as this takes, and not for `measureMs`. */
  readonly meanwhile?: () => Promise<unknown>
}

export interface DriveOptions extends Pick<Load, 'warmMs' | 'measureMs'> {
  readonly stages: readonly DrivenStage[]
  /** Many writers of small values unless told otherwise. */
  readonly warm?: Stage
  /** `SETTLE_WRITES` unless told otherwise. */
  readonly settleWrites?: number
  /** `CONNECTIONS` unless told otherwise. */
  readonly connections?: number
}

export interface Driven extends Pick<Stage, 'inFlight' | 'valueBytes'>, LoadResult {
  /** What all members that the cluster began with spent together on an entry of the log, in microseconds of CPU. */
  readonly cpuMicros: number
}

interface Spent {
  readonly cpuMicros: number
  readonly lastIndex: number
}

/** Of the members that are up. */
const spentBy = (cluster: Processes): Spent => {
  const samples = Object.keys(cluster.members).flatMap(id => cluster.sampleOf(id) ?? [])
  return { cpuMicros: samples.reduce((sum, { cpu }) => sum + cpu.user + cpu.system, 0), lastIndex: Math.max(...samples.map(({ lastIndex }) => lastIndex)) }
}

/** One result for each stage, in order. */
export const drive = async (cluster: Processes, { stages, warm = WARM, settleWrites = SETTLE_WRITES, connections = CONNECTIONS, ...times }: DriveOptions): Promise<readonly Driven[]> => {
  const load: Load = { ...times, stages: stages.map(({ meanwhile, ...stage }) => ({ ...stage, isOpen: meanwhile !== undefined })), warm, settleWrites, members: cluster.members, connections }
  const child = fork(program, [JSON.stringify(load)])
  const results: Driven[] = []
  let before: Spent | undefined
  let mishap: unknown
  const begin = async (meanwhile: () => Promise<unknown>): Promise<void> => {
    try {
      await meanwhile()
      if (child.connected) child.send('enough')
    } catch (error) {
      mishap = error
      child.kill()
    }
  }
  child.on('message', message => {
    const news = message as LoadNews
    const spent = spentBy(cluster)
    const { meanwhile, ...stage } = stages[results.length]!
    if ('measuring' in news) {
      before = spent
      if (meanwhile !== undefined) void begin(meanwhile)
    } else if (before !== undefined) {
      results.push({ ...stage, ...news.result, cpuMicros: (spent.cpuMicros - before.cpuMicros) / (spent.lastIndex - before.lastIndex) })
    }
  })
  const [code] = await once(child, 'close') as [number | null]
  if (mishap !== undefined) throw mishap
  if (code !== 0 || results.length < stages.length) throw new Error(`the benchmarks' client ended with code ${code} after ${results.length} of ${stages.length} stages`)
  return results
}
