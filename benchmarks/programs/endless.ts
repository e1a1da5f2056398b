/** Load without end: one durable cluster in three processes takes all it can, and what its members hold is watched. */
import { connect } from '../../client/index.js'
import { orThrow } from '../../streams/index.js'
import { VALUE_BYTES, keyOf, kv } from '../cluster/kv.js'
import { startProcesses } from '../cluster/processes.js'
import { report, say, tableOf } from '../reporting/stats.js'

const WINDOW = 2_048
const SAMPLES = 60
const MEGABYTE = 2 ** 20

interface Sample {
  readonly minutes: number
  readonly rssMiB: number
  readonly heapMiB: number
  readonly diskMiB: number
  readonly handles: number
}

/** The peak of the third quarter and of the last: everything here goes up and down, and what grows has a higher peak each time. */
const peaksOf = (samples: readonly Sample[], value: (sample: Sample) => number): string => {
  const quarter = Math.floor(samples.length / 4)
  const [third, last] = [samples.slice(-2 * quarter, -quarter), samples.slice(-quarter)].map(some => Math.max(...some.map(value)))
  return `${third?.toFixed(0)} → ${last?.toFixed(0)}`
}

/** Prints what every member holds at each sixtieth of the way, and whether its peaks still rise. */
export const endless = async ({ minutes }: { readonly minutes: number }): Promise<void> => {
  const cluster = await startProcesses(3)
  const ids = Object.keys(cluster.members)
  const samples = new Map<string, Sample[]>(ids.map(id => [id, []]))
  const value = 'v'.repeat(VALUE_BYTES)
  try {
    await cluster.elected()
    const client = orThrow(await connect({ cluster: 'bench', members: cluster.members, protocol: kv }))
    const began = performance.now()
    const passed = (): number => (performance.now() - began) / 60_000
    function* writes(): Generator<{ key: string; value: string }> {
      for (let n = 0; passed() < minutes; n++) yield { key: keyOf(n), value }
    }
    let done = 0
    let failed = 0
    const sample = (): void => {
      const perSecond = Math.round(done / (passed() * 60))
      for (const id of ids) {
        const { rss = 0, heap = 0 } = cluster.sampleOf(id) ?? {}
        const one: Sample = { minutes: passed(), rssMiB: rss / MEGABYTE, heapMiB: heap / MEGABYTE, diskMiB: cluster.diskBytesOf(id) / MEGABYTE, handles: cluster.handlesOf(id) ?? 0 }
        samples.get(id)?.push(one)
        report({ what: 'rxraft endless', id, done, perSecond, ...one })
      }
      const told = ids.map(id => {
        const { rssMiB, diskMiB, handles } = samples.get(id)!.at(-1)!
        return `${id} ${rssMiB.toFixed(0)} MiB, disk ${diskMiB.toFixed(0)} MiB, ${handles} handles`
      })
      say(`${Math.round((100 * passed()) / minutes)} %  ${perSecond.toLocaleString('en')}/s  ${told.join('  ')}`)
    }
    const timer = setInterval(sample, (minutes * 60_000) / SAMPLES)
    await new Promise<void>((resolve, reject) => client.replicateFrom(writes(), { window: WINDOW }).subscribe({
      next: ({ outcome }) => {
        if (outcome._tag === 'Left') failed++
        done++
      },
      error: reject,
      complete: resolve,
    }))
    clearInterval(timer)
    sample()
    await client.close()
    const rows = ids.map(id => [id, ...(['rssMiB', 'heapMiB', 'diskMiB', 'handles'] as const).map(name => peaksOf(samples.get(id)!, one => one[name]))])
    say(`${done.toLocaleString('en')} commands in ${minutes} min, ${failed} failed`)
    say(tableOf(['endless: peaks of the last two quarters', 'rss MiB', 'heap MiB', 'disk MiB', 'handles'], rows))
  } finally {
    await cluster.end()
  }
}
