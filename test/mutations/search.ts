/** `npm run strength`: how many seeds of the simulation it takes to notice each of the mistakes, which is how strong the simulation is. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Mistake } from '../../cli/mistake.js'
import { createScreen } from '../../cli/screen.js'
import { checksumOf } from '../../codecs/bytes.js'
import { type Ledger, type Line, openLedger } from '../simulation/progress.js'
import { root } from '../run.js'
import { MUTATIONS, type Mutation } from './mutations.js'
import { huntMutation } from './run.js'

const HELP = `npm run strength -- [options]

Puts the mistakes of test/mutations/mutations.ts back, one at a time, and runs seeds of the simulation from 1 on against each until one notices.

  --seeds N      at most so many seeds for each mistake; 1000 unless told otherwise
  --only TEXT    only mistakes with TEXT in their name
  --jobs N       so many processes at a time; one for each core unless told otherwise
  --ledger DIR   where seeds that are done are remembered, a file for each mistake; data/strength unless told otherwise
  --help         this text

A search that was stopped goes on where it was; remove the ledger once the simulation is another one. Results go to standard output,
progress to standard error. Exit code 0 when every mistake was noticed, 1 when one was not, 2 for a mistake in the arguments.
`

interface Options {
  readonly seeds: number
  readonly only: string
  readonly jobs: number
  readonly ledger: string
}

const optionsOf = (args: readonly string[]): Options | undefined => {
  const { values } = parseArgs({
    args: [...args], options: {
      seeds: { type: 'string', default: '1000' }, only: { type: 'string', default: '' }, jobs: { type: 'string', default: `${availableParallelism()}` },
      ledger: { type: 'string', default: join(root, 'data/strength') }, help: { type: 'boolean', default: false },
    },
  })
  const count = (name: 'seeds' | 'jobs'): number => {
    const number = /^\d+$/.test(values[name]) ? Number(values[name]) : 0
    if (number < 1 || !Number.isSafeInteger(number)) throw new Mistake(`--${name} takes a whole number, 1 or more, not "${values[name]}"`)
    return number
  }
  return values.help ? undefined : { seeds: count('seeds'), only: values.only, jobs: count('jobs'), ledger: values.ledger }
}

/** One mistake and what is known of it. */
interface Case {
  readonly mutation: Mutation
  readonly ledger: Ledger
}

/** The seeds done without a gap from the first, up to the one that noticed. */
const knownOf = ({ ledger }: Case, seeds: number): readonly Line[] => {
  const known: Line[] = []
  for (let seed = 1; seed <= seeds && known.at(-1)?.failure === undefined; seed++) {
    const line = ledger.done.get(seed)
    if (line === undefined) break
    known.push(line)
  }
  return known
}

const wallMsOf = (line: Line): number => 'wallMs' in line && typeof line.wallMs === 'number' ? line.wallMs : 0
const sum = (lines: readonly Line[], of: (line: Line) => number): number => lines.reduce((total, line) => total + of(line), 0)
const seconds = (ms: number): string => (ms / 1000).toFixed(1)

const verdictOf = (one: Case, seeds: number): string => {
  const lines = knownOf(one, seeds)
  const { failure, seed } = lines.at(-1) ?? {}
  const cost = `${seconds(sum(lines, ({ simulatedMs = 0 }) => simulatedMs)).padStart(8)} s simulated ${seconds(sum(lines, wallMsOf)).padStart(7)} s`
  const found = failure === undefined ? 'missed' : `${seed}`
  return `${found.padStart(6)} ${cost}  ${one.mutation.name}${failure === undefined ? '' : `: ${failure.length > 100 ? `${failure.slice(0, 100)} …` : failure}`}`
}

const summaryOf = (cases: readonly Case[], seeds: number): string => {
  const killers = cases.flatMap(one => {
    const last = knownOf(one, seeds).at(-1)
    return last?.failure === undefined ? [] : [last.seed]
  }).sort((a, b) => a - b)
  const missed = cases.length - killers.length
  return [`${killers.length} of ${cases.length} noticed`, ...killers.length === 0 ? [] : [`median seed ${killers[killers.length >> 1]}`, `worst ${killers.at(-1)}`],
    `${missed} missed in ${seeds} seeds`].join(', ')
}

const search = async ({ seeds, only, jobs, ledger }: Options): Promise<number> => {
  const wanted = MUTATIONS.filter(({ name }) => name.includes(only))
  if (wanted.length === 0) throw new Mistake(`no mistake has "${only}" in its name`)
  const keyOf = ({ file, from, to }: Mutation): string => checksumOf(Buffer.from(JSON.stringify([file, from, to]))).toString(16).padStart(8, '0')
  const cases = wanted.filter(({ unseen }) => unseen === undefined).map((mutation): Case => ({ mutation, ledger: openLedger(join(ledger, `${keyOf(mutation)}.jsonl`)) }))
  for (const { name, unseen } of wanted) if (unseen !== undefined) console.log(`     - ${name}: ${unseen}`)
  const screen = createScreen(process.stderr)
  let ended = 0
  const show = (): void => {
    const share = sum(cases.flatMap(one => {
      const known = knownOf(one, seeds)
      return known.at(-1)?.failure === undefined ? [...known] : []
    }), () => 1) / seeds
    screen.bar(Math.min(1, (ended + share) / cases.length), `${ended} of ${cases.length} mistakes`)
  }
  const open = [...cases]
  const work = async (): Promise<void> => {
    for (let one = open.shift(); one !== undefined; one = open.shift()) {
      const current = one
      const known = knownOf(current, seeds)
      if (known.at(-1)?.failure === undefined && known.length < seeds) {
        await huntMutation(current.mutation, known.length + 1, seeds, hunted => {
          current.ledger.add(hunted)
          show()
        })
      }
      ended++
      screen.end()
      console.log(verdictOf(current, seeds))
      show()
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  screen.end()
  console.log(summaryOf(cases, seeds))
  return cases.every(one => knownOf(one, seeds).at(-1)?.failure !== undefined) ? 0 : 1
}

try {
  const options = optionsOf(process.argv.slice(2))
  if (options === undefined) process.stdout.write(HELP)
  else process.exitCode = await search(options)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  // Searches that are still under way in other processes are of no use any more.
  process.exit(2)
}
