/** The benchmarks' client, a process of its own: so many connections, so many writes in flight, each its own `propose`. */
import { once } from 'node:events'
import { connect } from '../../client/index.js'
import { orThrow } from '../../streams/index.js'
import { pause } from '../aids.js'
import { quantile } from '../reporting/stats.js'
import { keyOf, kv } from './kv.js'

/** One way of writing, which holds for a while. */
export interface Stage {
  readonly inFlight: number
  readonly valueBytes: number
  /** Measured until the parent has had enough, and not for a time that is known. */
  readonly isOpen?: boolean
}

export interface Load {
  readonly members: Readonly<Record<string, string>>
  /** At most; a stage uses no more of them than it has writes in flight. */
  readonly connections: number
  readonly stages: readonly Stage[]
  /** How the processes are warmed up before the first stage, and how long: what one writer does would not show the compiler much. */
  readonly warm: Stage
  readonly warmMs: number
  /** How many writes each stage makes before it is measured: code that was compiled for many writers is compiled anew for one. */
  readonly settleWrites: number
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

/** However slow a machine is, it settles no longer than this. */
const SETTLE_MOST_MS = 20_000
const LOOK_EVERY_MS = 20

/** However large the values are, the keys together hold no more than this. */
const STATE_BYTES = 32 * 2 ** 20

const { members, connections, stages, warm, warmMs, settleWrites, measureMs } = JSON.parse(process.argv[2] ?? '{}') as Load
const widest = Math.max(...[warm, ...stages].map(({ inFlight }) => inFlight))
const clients = await Promise.all(Array.from({ length: Math.min(connections, widest) },
  async () => orThrow(await connect({ cluster: 'bench', members, protocol: kv }))))
// Without a parent nobody wants to know.
process.once('disconnect', () => process.exit())
const tell = (news: LoadNews): void => void process.send?.(news)

interface Writers {
  /** The latencies since this was last called, and how many writes have ended and how many failed so far. */
  taken(): readonly number[]
  ended(): number
  failed(): number
  end(): Promise<void>
}

const startWriters = ({ inFlight, valueBytes }: Stage): Writers => {
  const value = 'v'.repeat(valueBytes)
  const keys = Math.max(1, Math.floor(STATE_BYTES / valueBytes))
  let latencies: number[] = []
  let ended = 0
  let failed = 0
  let running = true
  const writer = async (n: number): Promise<void> => {
    const client = clients[n % Math.min(clients.length, inFlight)]!
    for (let i = n; running; i += inFlight) {
      const began = performance.now()
      const outcome = await client.propose({ key: keyOf(i % keys), value })
      ended++
      if (outcome._tag === 'Right') latencies.push(performance.now() - began)
      else failed++
    }
  }
  const writers = Array.from({ length: inFlight }, (_, n) => writer(n))
  return {
    taken: () => {
      const taken = latencies
      latencies = []
      return taken
    },
    ended: () => ended,
    failed: () => failed,
    end: async () => {
      running = false
      await Promise.all(writers)
    },
  }
}

const settled = async ({ ended }: Writers): Promise<void> => {
  for (const end = performance.now() + SETTLE_MOST_MS; ended() < settleWrites && performance.now() < end;) await pause(LOOK_EVERY_MS)
}

const warmUp = async (): Promise<void> => {
  const writers = startWriters(warm)
  await pause(warmMs)
  await writers.end()
}

const measure = async (stage: Stage): Promise<LoadResult> => {
  const writers = startWriters(stage)
  await settled(writers)
  writers.taken()
  tell({ measuring: stage })
  const began = performance.now()
  await (stage.isOpen ? once(process, 'message') : pause(measureMs))
  const seconds = (performance.now() - began) / 1000
  const taken = writers.taken()
  await writers.end()
  return { perSecond: taken.length / seconds, p50Ms: quantile(taken, 0.5), p99Ms: quantile(taken, 0.99), p999Ms: quantile(taken, 0.999), failed: writers.failed() }
}

await warmUp()
for (const stage of stages) tell({ result: await measure(stage) })
await Promise.all(clients.map(client => client.close()))
process.disconnect?.()
