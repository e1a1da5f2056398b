/** Memory while the log grows: one durable cluster in three processes takes millions of commands, and what its members hold is watched. */
import { connect } from '../client/index.js'
import { orThrow } from '../streams/index.js'
import { VALUE_BYTES, keyOf, kv } from './kv.js'
import { startProcesses } from './processes.js'
import { report, say } from './stats.js'

const WINDOW = 2_048
const SAMPLES = 20
const MEGABYTE = 2 ** 20

/** Prints every member's resident memory at each twentieth of the way, and the growth over the second half. */
export const endless = async ({ commands }: { readonly commands: number }): Promise<void> => {
  const cluster = await startProcesses(3)
  const value = 'v'.repeat(VALUE_BYTES)
  const half = new Map<string, number>()
  let failed = 0
  try {
    await cluster.elected()
    const client = orThrow(await connect({ cluster: 'bench', members: cluster.members, protocol: kv }))
    function* writes(): Generator<{ key: string; value: string }> {
      for (let n = 0; n < commands; n++) yield { key: keyOf(n), value }
    }
    const began = performance.now()
    let done = 0
    const sample = (): void => {
      const sizes = Object.keys(cluster.members).map(id => [id, Math.round((cluster.sampleOf(id)?.rss ?? 0) / MEGABYTE)] as const)
      if (done * 2 >= commands) for (const [id, rss] of sizes) if (!half.has(id)) half.set(id, rss)
      const perSecond = Math.round(done / ((performance.now() - began) / 1000))
      report({ what: 'rxraft endless', done, perSecond, rssMiB: Object.fromEntries(sizes) })
      say(`${Math.round((100 * done) / commands)} %  ${perSecond.toLocaleString('en')}/s  ${sizes.map(([id, rss]) => `${id} ${rss} MiB`).join('  ')}`)
    }
    await new Promise<void>((resolve, reject) => client.replicateFrom(writes(), { window: WINDOW }).subscribe({
      next: ({ outcome }) => {
        if (outcome._tag === 'Left') failed++
        if (++done % Math.ceil(commands / SAMPLES) === 0) sample()
      },
      error: reject,
      complete: resolve,
    }))
    const growth = [...half].map(([id, rss]) => `${id} ${Math.round((cluster.sampleOf(id)?.rss ?? 0) / MEGABYTE) - rss} MiB`)
    say(`${commands.toLocaleString('en')} commands, ${failed} failed; growth over the second half: ${growth.join(', ')}`)
    await client.close()
  } finally {
    await cluster.end()
  }
}
