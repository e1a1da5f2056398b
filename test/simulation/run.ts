/** `npm run simulate -- --from 1 --to 1000`, or `--seed 7 --trace`. */
import { parseArgs } from 'node:util'
import { type Outcome, simulate } from './world.js'

const { values } = parseArgs({
  options: { from: { type: 'string', default: '1' }, to: { type: 'string', default: '1000' }, seed: { type: 'string' }, trace: { type: 'boolean', default: false } },
})
const from = Number(values.seed ?? values.from)
const to = Number(values.seed ?? values.to)
const PROGRESS_EVERY_MS = 2000
const began = performance.now()
let shown = began
let steps = 0
let simulatedMs = 0
let slowest: Outcome | undefined
const failures: string[] = []

for (let seed = from; seed <= to; seed++) {
  const outcome = simulate(seed, values.trace ? { trace: line => { console.log(line) } } : {})
  steps += outcome.steps
  simulatedMs += outcome.simulatedMs
  if (outcome.failure === undefined && outcome.healedAfter > (slowest?.healedAfter ?? 0)) slowest = outcome
  if (outcome.failure !== undefined) {
    failures.push(`seed ${seed}: ${outcome.failure}`)
    console.log(failures.at(-1))
  }
  if (values.seed !== undefined) console.log(outcome)
  if (performance.now() - shown > PROGRESS_EVERY_MS) {
    shown = performance.now()
    console.log(`seed ${seed} of ${from}..${to}, ${failures.length} failed`)
  }
}

const seconds = (performance.now() - began) / 1000
console.log(`${to - from + 1} seeds, ${failures.length} failed; ${steps} steps, ${(simulatedMs / 1000).toFixed(0)} simulated seconds in ${seconds.toFixed(1)} s: `
  + `${(simulatedMs / 1000 / seconds).toFixed(0)} to one, ${(steps / seconds).toFixed(0)} steps/s; slowest healing ${slowest?.healedAfter.toFixed(1)} election timeouts, seed ${slowest?.seed}`)
if (failures.length > 0) {
  console.log(failures.map(failure => `${failure}\n  npm run simulate -- --seed ${/\d+/.exec(failure)?.[0]} --trace`).join('\n'))
  process.exitCode = 1
}
