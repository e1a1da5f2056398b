/** `npm run simulate`: as many seeds as one likes, shared among processes and kept in a ledger; or one of them. See `options.ts`. */
import { existsSync } from 'node:fs'
import { Mistake } from '../../cli/mistake.js'
import { INTERRUPTED, runProgram } from '../../cli/program.js'
import { createScreen } from '../../cli/screen.js'
import { openLedger, readLedger } from '../ledger.js'
import { createCrew } from './crew.js'
import { type Command, HELP, type Many, commandFrom } from './options.js'
import { type Line, SEEDS, commandOf, hasFailed, latest, summaryOf } from './record.js'

const PLAIN_EVERY_MS = 15_000

/** A seed that failed once and not the last time has not failed. */
const codeOf = (lines: readonly Line[]): number => [...latest(lines).values()].some(hasFailed) ? 1 : 0

const report = (ledger: string): number => {
  if (!existsSync(ledger)) throw new Mistake(`there is no ledger ${ledger}`)
  const lines = readLedger(ledger, SEEDS)
  process.stdout.write(`${ledger}\n${summaryOf(lines)}`)
  return codeOf(lines)
}

/** Who only counts what children do, or what was done, has no need of a cluster and does not load one. */
const runOne = async ({ seed, isSoak, isTraced, isTwice }: Extract<Command, { type: 'one' }>): Promise<number> => {
  try {
    if (!isTwice) {
      const { trial } = await import('./trial.js')
      console.log(await trial(seed, { isSoak, ...isTraced && { trace: line => { console.log(line) } } }))
      return 0
    }
    const { lineOf } = await import('./line.js')
    const line = await lineOf(seed, { isSoak, isTwice })
    console.log(hasFailed(line) ? line.reason : line)
    return hasFailed(line) ? 1 : 0
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
    return 1
  }
}

/** The seeds that are still to be run, one after the other, and how many there were at first. */
const openSeeds = ({ from, seeds, onlyFailed, isTwice }: Many, lines: readonly Line[]) => {
  const known = latest(lines)
  if (onlyFailed) {
    const failed = [...known.values()].filter(hasFailed).map(({ seed }) => seed)
    return { all: failed.length, open: failed.length, next: () => failed.shift() }
  }
  const isDone = (line: Line): boolean => !isTwice || hasFailed(line) || line.digest !== undefined
  const done = new Set([...known.values()].filter(line => line.seed >= from && line.seed < from + seeds && isDone(line)).map(({ seed }) => seed))
  let seed = from
  const next = (): number | undefined => {
    while (done.has(seed)) seed++
    return seed < from + seeds ? seed++ : undefined
  }
  return { all: seeds, open: seeds - done.size, next }
}

const durationOf = (seconds: number): string => {
  const minutes = Math.ceil(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const runMany = async (options: Many): Promise<number> => {
  const ledger = openLedger(options.ledger, SEEDS)
  if (ledger.lines.some(({ isSoak = false }) => isSoak !== options.isSoak)) throw new Mistake(`${options.ledger} holds seeds that were run ${options.isSoak ? 'without' : 'with'} --soak: each kind needs a ledger of its own`)
  const { all, open, next } = openSeeds(options, ledger.lines)
  const screen = createScreen(process.stderr, PLAIN_EVERY_MS)
  const crew = createCrew({ ...options, jobs: Math.min(options.jobs, Math.max(1, open)) })
  const began = performance.now()
  let run = 0
  let failed = 0
  let simulatedMs = 0
  const show = (): void => {
    const seconds = (performance.now() - began) / 1000
    screen.bar((all - open + run) / Math.max(1, all), [
      `${all - open + run} of ${all} seeds, ${failed} failed`, ...run === 0 ? [] : [`${durationOf(seconds / run * (open - run))} left`],
      `${(run / seconds).toFixed(2)} seeds/s`, `${(simulatedMs / 1000 / seconds).toFixed(1)} simulated s/s`,
    ].join(', '))
  }
  const done = (line: Line): void => {
    ledger.add(line)
    run++
    simulatedMs += line.simulatedMs ?? 0
    if (hasFailed(line)) {
      failed++
      screen.event(`seed ${line.seed} ${line.failure}: ${line.reason}\n  ${commandOf(line)}`)
    }
    show()
  }
  const conclude = (): void => {
    screen.end()
    const seconds = (performance.now() - began) / 1000
    const speed = run === 0 ? '' : ` at ${(run / seconds).toFixed(2)} seeds and ${(simulatedMs / 1000 / seconds).toFixed(1)} simulated seconds a second`
    process.stdout.write(`this run: ${run} seeds${speed}, ${failed} failed\n${options.ledger}\n${summaryOf(ledger.lines)}`)
    ledger.close()
  }
  // Everything that is done is in the ledger; what was under way is begun again by whoever goes on.
  const interrupted = (): void => {
    crew.stop()
    conclude()
    process.exit(INTERRUPTED)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
  show()
  await crew.run(next, done)
  conclude()
  return codeOf(ledger.lines)
}

// Whoever reads a trace may have seen enough.
process.stdout.on('error', () => process.exit())
await runProgram(async () => {
  const command = commandFrom(process.argv.slice(2))
  switch (command.type) {
    case 'help':
      process.stdout.write(HELP)
      return 0
    case 'report': return report(command.ledger)
    case 'one': return runOne(command)
    case 'many': return runMany(command)
  }
})
