/** `npm run strength`: how many seeds of the simulation it takes to notice each of the mistakes, which is how strong the simulation is. */
import { availableParallelism } from 'node:os'
import * as t from 'io-ts'
import { parsed, wholeNumber } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import { runProgram } from '../../cli/program.js'
import { type Screen, createScreen } from '../../cli/screen.js'
import { checksumOf } from '../../codecs/bytes.js'
import { Count } from '../../codecs/primitives.js'
import type { Millis } from '../../lib/types.js'
import { type Kind, type Ledger, openLedger } from '../ledger.js'
import type { Mutation } from './mutation.js'
import { MUTATIONS } from './mutations.js'

const HELP = `Puts the mistakes that test/mutations/mutations.ts lists back, one at a time, and runs seeds of the simulation from 1 on against each until one notices.

  npm run strength                          every mistake; stopped at any moment, the same command goes on where it was
  npm run strength -- --only "a vote"       those with this in their name

Options
  --seeds N       at most so many for each mistake (default 1000)
  --only TEXT     only mistakes with TEXT in their name
  --jobs N        how many at a time, each in a process of its own (default: as many as there are cores)
  --ledger FILE   where seeds that are done are kept, to be removed once the simulation is another one (default data/strength.jsonl)
  --help          this text

Exit code 0 when every mistake was noticed, 1 when one was not, 2 for a mistake in the arguments.
`

interface Options {
  readonly seeds: number
  readonly only: string
  readonly jobs: number
  readonly ledger: string
}

const optionsOf = (args: readonly string[]): Options | undefined => {
  const { values } = parsed({
    args: [...args], options: {
      seeds: { type: 'string' }, only: { type: 'string' }, jobs: { type: 'string' }, ledger: { type: 'string' }, help: { type: 'boolean', default: false },
    },
  })
  return values.help ? undefined : {
    seeds: wholeNumber('seeds', values.seeds ?? '1000', 1, 1_000_000),
    jobs: wholeNumber('jobs', values.jobs ?? String(availableParallelism()), 1, 1024),
    only: values.only ?? '', ledger: values.ledger ?? 'data/strength.jsonl',
  }
}

/** One seed against one mistake, which goes by its text. */
const Line = t.intersection([
  t.type({ mistake: t.string, seed: Count, simulatedMs: t.number, wallMs: t.number }),
  t.partial({ failure: t.string }),
])
type Line = t.TypeOf<typeof Line>

const LINES: Kind<Line> = { codec: Line, opening: '{"mistake":' }

/** One mistake and its seeds from the first on, up to the one that noticed. */
interface Case {
  readonly mutation: Mutation
  readonly mistake: string
  readonly lines: Line[]
}

const mistakeOf = ({ file, from, to }: Mutation): string => checksumOf(Buffer.from(JSON.stringify([file, from, to]))).toString(16).padStart(8, '0')

const caseOf = (mutation: Mutation, all: readonly Line[], seeds: number): Case => {
  const mistake = mistakeOf(mutation)
  return { mutation, mistake, lines: all.filter(line => line.mistake === mistake && line.seed <= seeds) }
}

const killerOf = ({ lines }: Case): Line | undefined => lines.find(({ failure }) => failure !== undefined)
const sum = (lines: readonly Line[], of: (line: Line) => Millis): Millis => lines.reduce((total, line) => total + of(line), 0)
const seconds = (ms: Millis): string => (ms / 1000).toFixed(1)
const LONGEST = 80

const verdictOf = (one: Case): string => {
  const { mutation: { name }, lines } = one
  const killer = killerOf(one)
  const cost = `${seconds(sum(lines, line => line.simulatedMs)).padStart(7)} s simulated, ${seconds(sum(lines, line => line.wallMs)).padStart(6)} s`
  return `${(killer === undefined ? 'missed' : `${killer.seed}`).padStart(6)}  ${cost}  ${name}${killer === undefined ? '' : `: ${killer.failure?.slice(0, LONGEST)}`}\n`
}

const summaryOf = (cases: readonly Case[], seeds: number): string => {
  const caught = cases.flatMap(one => killerOf(one)?.seed ?? []).sort((a, b) => a - b)
  const median = caught[(caught.length - 1) >> 1]
  return `${caught.length} of ${cases.length} noticed${median === undefined ? '' : `, the median by seed ${median}, the last by seed ${caught.at(-1)}`}; ${cases.length - caught.length} missed in ${seeds} seeds\n`
}

const searchAll = async (cases: readonly Case[], { seeds, jobs }: Options, ledger: Ledger<Line>, screen: Screen): Promise<void> => {
  // With a compiler: who only asks for help, or in vain, does without.
  const { huntMutation } = await import('./run.js')
  const isOver = (one: Case): boolean => killerOf(one) !== undefined || one.lines.length >= seeds
  const show = (): void => {
    const done = cases.reduce((total, one) => total + (isOver(one) ? 1 : one.lines.length / seeds), 0)
    screen.bar(done / cases.length, `${cases.filter(isOver).length} of ${cases.length} mistakes`)
  }
  const open = [...cases]
  const work = async (): Promise<void> => {
    for (let one = open.shift(); one !== undefined; one = open.shift()) {
      const { mutation, mistake, lines } = one
      if (!isOver(one)) {
        await huntMutation(mutation, lines.length + 1, seeds, hunted => {
          const line = { mistake, ...hunted }
          lines.push(line)
          ledger.add(line)
          show()
        })
      }
      screen.end()
      process.stdout.write(verdictOf(one))
      show()
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
}

const main = async (): Promise<number> => {
  const options = optionsOf(process.argv.slice(2))
  if (options === undefined) {
    process.stdout.write(HELP)
    return 0
  }
  const wanted = MUTATIONS.filter(({ name }) => name.includes(options.only))
  if (wanted.length === 0) throw new Mistake(`no mistake has "${options.only}" in its name`)
  const ledger = openLedger(options.ledger, LINES)
  const cases = wanted.filter(({ unseen }) => unseen === undefined).map(mutation => caseOf(mutation, ledger.lines, options.seeds))
  for (const { name, unseen } of wanted) if (unseen !== undefined) process.stdout.write(`     -  ${name}: ${unseen}\n`)
  const screen = createScreen(process.stderr)
  await searchAll(cases, options, ledger, screen)
  screen.end()
  ledger.close()
  process.stdout.write(summaryOf(cases, options.seeds))
  return cases.every(one => killerOf(one) !== undefined) ? 0 : 1
}

await runProgram(main)
