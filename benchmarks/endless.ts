/** Load without end: one durable cluster in three processes takes all it can, and what its members hold is watched. */
import { connect } from '../client/index.js'
import { orThrow } from '../streams/index.js'
import { VALUE_BYTES, keyOf, kv } from './kv.js'
import { startProcesses } from './processes.js'
import { report, say, tableOf } from './stats.js'

const WINDOW = 2_048
const SAMPLES = 20
const MEGABYTE = 2 ** 20
const DAY_MINUTES = 24 * 60

interface Sample {
  readonly minutes: number
  readonly rssMiB: number
  readonly heapMiB: number
  readonly diskMiB: number
  readonly handles: number
}

/** How much `value` grows in a minute, by a line through the samples. */
const slopeOf = (samples: readonly Sample[], value: (sample: Sample) => number): number => {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const [x, y] = [mean(({ minutes }) => minutes), mean(value)]
  return samples.reduce((sum, sample) => sum + (sample.minutes - x) * (value(sample) - y), 0) / samples.reduce((sum, { minutes }) => sum + (minutes - x) ** 2, 0)
}

/** Prints what every member holds at each twentieth of the way, and what a day would add by the second half. */
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
    const rows = ids.map(id => {
      const half = samples.get(id)!.filter(one => one.minutes >= minutes / 2)
      const { rssMiB, heapMiB, diskMiB, handles } = half.at(-1)!
      const perDay = (of: (sample: Sample) => number): number => Math.round(slopeOf(half, of) * DAY_MINUTES)
      return [id, rssMiB, perDay(one => one.rssMiB), heapMiB, diskMiB, perDay(one => one.diskMiB), handles, perDay(one => one.handles)]
    })
    say(`${done.toLocaleString('en')} commands in ${minutes} min, ${failed} failed`)
    say(tableOf(['endless', 'rss MiB', 'a day adds', 'heap MiB', 'disk MiB', 'a day adds', 'handles', 'a day adds'], rows))
  } finally {
    await cluster.end()
  }
}
