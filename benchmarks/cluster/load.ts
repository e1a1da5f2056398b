/** The benchmarks' client, a process of its own: so many connections, so many writes in flight, each its own `propose`. */
import { connect } from '../../client/index.js'
import { orThrow } from '../../streams/index.js'
import { quantile } from '../reporting/stats.js'
import { keyOf, kv } from './kv.js'

/** One way of writing, which holds for a while. */
export interface Stage {
  readonly inFlight: number
  readonly valueBytes: number
}

export interface Load {
  readonly members: Readonly<Record<string, string>>
  /** At most; a stage uses no more of them than it has writes in flight. */
  readonly connections: number
  readonly stages: readonly Stage[]
  /** Before the first stage is measured, and before each later one. */
  readonly warmMs: number
  readonly settleMs: number
  readonly measureMs: number
}

export interface LoadResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly failed: number
}

/** What the client tells: a stage begins to be measured, and ends with its result. */
export type LoadNews = { readonly measuring: Stage } | { readonly result: LoadResult }

/** However large the values are, the keys together hold no more than this. */
const STATE_BYTES = 32 * 2 ** 20

const { members, connections, stages, warmMs, settleMs, measureMs } = JSON.parse(process.argv[2] ?? '{}') as Load
const widest = Math.max(...stages.map(({ inFlight }) => inFlight))
const clients = await Promise.all(Array.from({ length: Math.min(connections, widest) },
  async () => orThrow(await connect({ cluster: 'bench', members, protocol: kv }))))
const pause = (ms: number): Promise<void> => new Promise(resume => setTimeout(resume, ms))
const tell = (news: LoadNews): void => void process.send?.(news)

const measure = async ({ inFlight, valueBytes }: Stage, idleMs: number): Promise<LoadResult> => {
  const value = 'v'.repeat(valueBytes)
  const keys = Math.max(1, Math.floor(STATE_BYTES / valueBytes))
  let latencies: number[] = []
  let failed = 0
  let running = true
  const worker = async (n: number): Promise<void> => {
    const client = clients[n % Math.min(clients.length, inFlight)]!
    for (let i = n; running; i += inFlight) {
      const began = performance.now()
      const outcome = await client.propose({ key: keyOf(i % keys), value })
      if (outcome._tag === 'Right') latencies.push(performance.now() - began)
      else failed++
    }
  }
  const workers = Array.from({ length: inFlight }, (_, n) => worker(n))
  await pause(idleMs)
  latencies = []
  tell({ measuring: { inFlight, valueBytes } })
  const began = performance.now()
  await pause(measureMs)
  const seconds = (performance.now() - began) / 1000
  const measured = latencies
  latencies = []
  running = false
  await Promise.all(workers)
  return { perSecond: measured.length / seconds, p50Ms: quantile(measured, 0.5), p99Ms: quantile(measured, 0.99), p999Ms: quantile(measured, 0.999), failed }
}

for (const [i, stage] of stages.entries()) tell({ result: await measure(stage, i === 0 ? warmMs : settleMs) })
await Promise.all(clients.map(client => client.close()))
process.disconnect?.()
