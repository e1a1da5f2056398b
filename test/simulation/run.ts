/** `npm run simulate -- --seeds 1000 --from 1`: as many seeds, and on from where it was stopped; or one: `--seed 7 --trace`. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Line, bar, openLedger, summaryOf } from './progress.js'
import { trial } from './trial.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' },
    seed: { type: 'string' }, trace: { type: 'boolean', default: false },
    ledger: { type: 'string', default: join(import.meta.dirname, '../../data/simulation.jsonl') },
  },
})

const runOne = async (seed: number): Promise<void> => {
  try {
    console.log(await trial(seed, values.trace ? { trace: line => { console.log(line) } } : {}))
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

const lineOf = async (seed: number): Promise<Line> => {
  try {
    return await trial(seed)
  } catch (error) {
    return { seed, failure: error instanceof Error ? error.message : String(error) }
  }
}

const show = (text: string): void => {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}\u001b[K`)
  else console.log(text)
}
const SHOW_EVERY_MS = process.stdout.isTTY ? 500 : 10_000

const runMany = async (from: number, count: number): Promise<void> => {
  const ledger = openLedger(values.ledger)
  const wanted = Array.from({ length: count }, (_, at) => from + at)
  const open = wanted.filter(seed => !ledger.done.has(seed))
  const began = performance.now()
  let shown = Number.NEGATIVE_INFINITY
  let simulatedMs = 0
  let failed = 0
  for (const [at, seed] of open.entries()) {
    const line = await lineOf(seed)
    ledger.add(line)
    simulatedMs += line.simulatedMs ?? 0
    if (line.failure !== undefined) {
      failed++
      console.log(`\nseed ${seed}: ${line.failure}`)
    }
    if (performance.now() - shown < SHOW_EVERY_MS) continue
    shown = performance.now()
    show(bar(wanted.length - open.length + at + 1, wanted.length, failed, (shown - began) / 1000 / (at + 1) * (open.length - at - 1)))
  }
  const lines = wanted.flatMap(seed => ledger.done.get(seed) ?? [])
  console.log(`\n${summaryOf(lines, (performance.now() - began) / 1000, simulatedMs)}`)
  if (lines.some(({ failure }) => failure !== undefined)) process.exitCode = 1
}

if (values.seed !== undefined) await runOne(Number(values.seed))
else await runMany(Number(values.from), Number(values.seeds))
