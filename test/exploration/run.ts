/** `npm run explore -- --states 10000000 --opening "one leader"`: as far as the states given, from one opening or from each. */
import { parseArgs } from 'node:util'
import { type Explored, type Progress, explore } from './explore.js'
import { OPENINGS } from './openings.js'

const { values } = parseArgs({ options: { states: { type: 'string', default: '1000000' }, depth: { type: 'string' }, opening: { type: 'string' } } })
const states = Number(values.states)
const depth = Number(values.depth ?? Number.POSITIVE_INFINITY)
const openings = OPENINGS.filter(({ name }) => values.opening === undefined || name === values.opening)
if (openings.length === 0) throw new Error(`openings: ${OPENINGS.map(({ name }) => name).join(', ')}`)

const PROGRESS_EVERY_MS = 2000
const megabytes = (): string => `${Math.round(process.memoryUsage().rss / 1e6)} MB`
const count = (number: number): string => number.toLocaleString('en')

const watch = (): ((now: Progress) => void) => {
  let shown = performance.now()
  let before = 0
  return ({ states: reached, depth: acts, waiting, met }) => {
    const elapsed = performance.now() - shown
    if (elapsed < PROGRESS_EVERY_MS) return
    const speed = `${count(Math.round((reached - before) / elapsed * 1000))}/s`
    console.log(`  ${count(reached)} worlds, ${speed}, ${acts} acts deep, ${count(waiting)} waiting on this depth; ${met}; ${megabytes()}`)
    shown += elapsed
    before = reached
  }
}

const summary = ({ states: reached, depth: acts, isComplete, met, violation }: Explored, seconds: number): string => {
  const end = violation ? `VIOLATION after ${violation.acts} acts: ${violation.broken.join('; ')}`
    : isComplete ? 'all there is within the bounds' : `all within ${acts} acts`
  return `  ${count(reached)} worlds in ${seconds.toFixed(1)} s (${count(Math.round(reached / seconds))}/s): ${end}; ${met}; ${megabytes()}`
}

for (const opening of openings) {
  console.log(`${opening.name}: ${JSON.stringify(opening.bounds)}`)
  const began = performance.now()
  const explored = explore(opening, { states, depth, progress: watch() })
  console.log(summary(explored, (performance.now() - began) / 1000))
  if (explored.violation) {
    console.log(explored.violation.story.map(line => `    ${line}`).join('\n'))
    process.exitCode = 1
    break
  }
}
