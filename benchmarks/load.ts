/** The benchmarks' client, a process of its own: so many connections, so many writes in flight, each its own `propose`. */
import { connect } from '../client/index.js'
import { orThrow } from '../streams/index.js'
import { VALUE_BYTES, keyOf, kv } from './kv.js'
import { quantile } from './stats.js'

export interface Load {
  readonly members: Readonly<Record<string, string>>
  readonly connections: number
  readonly inFlight: number
  readonly warmMs: number
  readonly measureMs: number
}

export interface LoadResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly failed: number
}

const { members, connections, inFlight, warmMs, measureMs } = JSON.parse(process.argv[2] ?? '{}') as Load
const clients = await Promise.all(Array.from({ length: Math.min(connections, inFlight) },
  async () => orThrow(await connect({ cluster: 'bench', members, protocol: kv }))))
const value = 'v'.repeat(VALUE_BYTES)
let latencies: number[] = []
let failed = 0
let running = true

const worker = async (n: number): Promise<void> => {
  const client = clients[n % clients.length]!
  for (let i = n; running; i += inFlight) {
    const began = performance.now()
    const outcome = await client.propose({ key: keyOf(i), value })
    if (outcome._tag === 'Right') latencies.push(performance.now() - began)
    else failed++
  }
}
const workers = Array.from({ length: inFlight }, (_, n) => worker(n))
await new Promise(resume => setTimeout(resume, warmMs))
latencies = []
const began = performance.now()
await new Promise(resume => setTimeout(resume, measureMs))
const seconds = (performance.now() - began) / 1000
const measured = latencies
running = false
await Promise.all(workers)
const result: LoadResult = {
  perSecond: measured.length / seconds, p50Ms: quantile(measured, 0.5), p99Ms: quantile(measured, 0.99), p999Ms: quantile(measured, 0.999), failed,
}
process.send?.(result)
await Promise.all(clients.map(client => client.close()))
process.disconnect?.()
