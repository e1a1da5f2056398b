/** `npm run fuzz -- --mutants 50000000 --from 1`: the decoders against bytes that almost make sense, for as long as one likes. */
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.js'

const { values } = parseArgs({ options: { mutants: { type: 'string', default: '5000000' }, from: { type: 'string', default: '1' } } })
const mutants = Number(values.mutants)
const from = Number(values.from)
const PORTION = 100_000
const MEGABYTE = 2 ** 20

const began = performance.now()
const read: Record<string, number> = {}
const accepted: Record<string, number> = {}
const add = (sums: Record<string, number>, more: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count
}
let most = 0
for (let done = 0; done < mutants; done += PORTION) {
  const fuzzed = fuzz(from + done, Math.min(PORTION, mutants - done))
  add(read, fuzzed.read)
  add(accepted, fuzzed.accepted)
  most = Math.max(most, process.memoryUsage().rss)
  const share = Math.min(1, (done + PORTION) / mutants)
  const rate = Math.round(Math.min(mutants, done + PORTION) / ((performance.now() - began) / 1000))
  process.stderr.write(`\r[${'█'.repeat(Math.round(share * 30)).padEnd(30, '·')}] ${Math.round(share * 100)} %  ${rate.toLocaleString('en')}/s  ${Math.round(most / MEGABYTE)} MiB `)
}
process.stderr.write('\n')
for (const [name, count] of Object.entries(read)) process.stdout.write(`${name.padEnd(32)} ${count.toLocaleString('en').padStart(12)} read ${(accepted[name] ?? 0).toLocaleString('en').padStart(12)} accepted\n`)
process.stdout.write(`${mutants.toLocaleString('en')} mutants from seed ${from}, 0 uncaught, at most ${Math.round(most / MEGABYTE)} MiB\n`)
