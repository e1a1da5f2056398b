/** `npm run explore`: every order of events in a small world, as far as one likes, from one opening or from each. */
import { parsed, wholeNumber } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import { runProgram } from '../../cli/program.js'
import { type Screen, createScreen } from '../../cli/screen.js'
import { type Explored, type Limits, type Progress, explore } from './explore.js'
import { OPENINGS, type Opening } from './openings.js'

const HELP = `Every order of events in a world of three members and a few terms, breadth first; every promise is asked of every world.

  npm run explore                                             a million worlds from each opening
  npm run explore -- --states 10000000 --opening "one leader" ten million from one: about 1 GB of memory

Options
  --states N       stop after N different worlds (default 1000000)
  --depth N        stop after N acts in a row (default: as deep as N worlds go)
  --opening NAME   begin here alone
  --help           this text

Openings
${OPENINGS.map(({ name, bounds }) => `  ${name.padEnd(30)}${Object.entries(bounds).map(([bound, value]) => `${bound} ${value}`).join(', ')}`).join('\n')}

Exit code 0 when every promise holds, 1 when one is broken (a shortest way to it is printed), 2 for a mistake in the arguments.
`
const OPTIONS = { states: { type: 'string', default: '1000000' }, depth: { type: 'string' }, opening: { type: 'string' }, help: { type: 'boolean', default: false } } as const
const MAX_STATES = 1_000_000_000
const PLAIN_EVERY_MS = 5000

const megabytes = (): string => `${Math.round(process.memoryUsage().rss / 1e6)} MB`
const count = (number: number): string => number.toLocaleString('en')

const watch = (screen: Screen, most: number): ((now: Progress) => void) => {
  const began = performance.now()
  return ({ states, depth, waiting, met }) => {
    const rate = Math.round(states / (performance.now() - began) * 1000)
    screen.bar(states / most, `${count(states)} worlds, ${count(rate)}/s, ${depth} acts deep, ${count(waiting)} waiting on this depth; ${met}; ${megabytes()}`)
  }
}

const summary = ({ states, depth, isComplete, met, violation }: Explored, seconds: number): string => {
  const end = violation ? `VIOLATION after ${violation.acts} acts: ${violation.broken.join('; ')}`
    : isComplete ? 'all there is within the bounds' : `all within ${depth} acts`
  return `  ${count(states)} different worlds in ${seconds.toFixed(1)} s (${count(Math.round(states / seconds))}/s): ${end}; ${met}; ${megabytes()}\n`
}

/** Whether every promise holds. */
const run = (opening: Opening, limits: Limits): boolean => {
  const screen = createScreen(process.stderr, PLAIN_EVERY_MS)
  const began = performance.now()
  process.stdout.write(`${opening.name}: ${JSON.stringify(opening.bounds)}\n`)
  const explored = explore(opening, { ...limits, progress: watch(screen, limits.states) })
  screen.end()
  process.stdout.write(summary(explored, (performance.now() - began) / 1000))
  if (explored.violation) process.stdout.write(explored.violation.story.map(line => `    ${line}\n`).join(''))
  return explored.violation === undefined
}

await runProgram(async () => {
  const { values } = parsed({ options: OPTIONS })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const limits: Limits = {
    states: wholeNumber('states', values.states, 1, MAX_STATES),
    ...values.depth !== undefined && { depth: wholeNumber('depth', values.depth, 1) },
  }
  const openings = OPENINGS.filter(({ name }) => values.opening === undefined || name === values.opening)
  if (openings.length === 0) throw new Mistake(`there is no opening "${values.opening}"; there are ${OPENINGS.map(({ name }) => `"${name}"`).join(', ')}`)
  return openings.every(opening => run(opening, limits)) ? 0 : 1
})
