/** `npm run fuzz`: the decoders against bytes that almost make sense, for as long as one likes. */
import { parsed, wholeNumber } from '../../cli/arguments.js'
import { runProgram } from '../../cli/program.js'
import { createScreen } from '../../cli/screen.js'
import { Uncaught, fuzz } from './fuzz.js'

const HELP = `Everything that reads bytes from outside, against mutants of what it may read: it must answer with a value, and accept again what it accepted.

  npm run fuzz                                    five million mutants
  npm run fuzz -- --mutants 50000000 --from 1     as many as one likes, one for each seed

Options
  --mutants N    how many (default 5000000)
  --from N       the seed of the first (default 1)
  --help         this text

Exit code 0 when nothing was thrown, 1 at the first mutant that something is wrong with: it is printed with its seed, and
--from SEED --mutants 1 reads it again. 2 for a mistake in the arguments.
`
const PORTION = 100_000
const PLAIN_EVERY_MS = 15_000
const MEGABYTE = 2 ** 20
/** Mutants are drawn from 32 bits; more seeds than that would be the same again. */
const MAX_SEED = 2 ** 32 - 1

const shown = (count: number): string => count.toLocaleString('en')

const run = (from: number, mutants: number): void => {
  const screen = createScreen(process.stderr, PLAIN_EVERY_MS)
  const began = performance.now()
  const sums = { read: new Map<string, number>(), accepted: new Map<string, number>() }
  let most = 0
  for (let done = 0; done < mutants;) {
    const fuzzed = fuzz(from + done, Math.min(PORTION, mutants - done))
    for (const which of ['read', 'accepted'] as const) for (const [name, count] of Object.entries(fuzzed[which])) sums[which].set(name, (sums[which].get(name) ?? 0) + count)
    done = Math.min(mutants, done + PORTION)
    most = Math.max(most, process.memoryUsage().rss)
    const rate = done / (performance.now() - began) * 1000
    screen.bar(done / mutants, `${shown(done)} mutants, ${shown(Math.round(rate))}/s, ${Math.ceil((mutants - done) / rate)} s left, ${Math.round(most / MEGABYTE)} MiB`)
  }
  screen.end()
  for (const [name, count] of sums.read) process.stdout.write(`${name.padEnd(32)} ${shown(count).padStart(12)} read ${shown(sums.accepted.get(name) ?? 0).padStart(12)} accepted\n`)
  process.stdout.write(`${shown(mutants)} mutants from seed ${from}, 0 uncaught, at most ${Math.round(most / MEGABYTE)} MiB\n`)
}

await runProgram(async () => {
  const { values } = parsed({
    options: { mutants: { type: 'string', default: '5000000' }, from: { type: 'string', default: '1' }, help: { type: 'boolean', default: false } },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const from = wholeNumber('from', values.from, 0, MAX_SEED)
  const mutants = wholeNumber('mutants', values.mutants, 1, MAX_SEED - from + 1)
  try {
    run(from, mutants)
    return 0
  } catch (error) {
    if (!(error instanceof Uncaught)) throw error
    process.stdout.write(`${error.message}\n  npm run fuzz -- --from ${error.seed} --mutants 1\n`)
    return 1
  }
})
