import { availableParallelism } from 'node:os'
import { parsed, wholeNumber } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import type { Millis } from '../../lib/types.js'

const LEDGERS = { storm: 'data/simulation.jsonl', soak: 'data/soak.jsonl' } as const
const MAX_SEEDS = 100_000_000
const MAX_JOBS = 1024
const MAX_PATIENCE_S = 86_400

export const HELP = `Whole clusters in virtual time, one per seed: each draws its members, limits, clients and faults, and every promise is checked after every step.

  npm run simulate                                a thousand seeds, in as many processes as there are cores
  npm run simulate -- --seeds 10000 --from 2000   these; stopped at any moment, the same command goes on where it was
  npm run simulate -- --seeds 500 --twice         each twice: both traces must be the same, byte for byte
  npm run simulate -- --soak --seeds 50           some two hours of each, with a few storms and long quiet times, in place of one storm
  npm run simulate -- --failed                    those again that failed
  npm run simulate -- --report                    what the ledger has so far, and nothing is run
  npm run simulate -- --seed 7 --trace            one of them, step by step

Options
  --seeds N       how many (default 1000)
  --from N        the first of them (default 1)
  --jobs N        how many at a time, each in a process of its own (default: as many as there are cores)
  --soak          hours in place of one storm, for what only time brings; with --twice it wants much memory
  --twice         runs each twice and compares
  --patience S    a seed that takes longer than S seconds is ended and counts as failed (default 600)
  --ledger FILE   where seeds that are done are kept, a line of JSON for each (default data/simulation.jsonl, with --soak data/soak.jsonl)
  --failed        runs the seeds of the ledger that failed, and no others
  --report        prints the sums of the ledger
  --seed N        runs this one alone, in this process and without the ledger
  --trace         with --seed: prints every step
  --help          this text

Exit code 0 when no seed of the ledger failed, 1 when one did, 2 for a mistake in the arguments, 130 when interrupted.
`

const OPTIONS = {
  seeds: { type: 'string' }, from: { type: 'string' }, jobs: { type: 'string' }, patience: { type: 'string' }, ledger: { type: 'string' }, seed: { type: 'string' },
  soak: { type: 'boolean', default: false }, twice: { type: 'boolean', default: false }, failed: { type: 'boolean', default: false }, report: { type: 'boolean', default: false },
  trace: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} as const
type Name = keyof typeof OPTIONS

export interface Many {
  readonly type: 'many'
  readonly from: number
  readonly seeds: number
  /** Those that failed before, in place of the range. */
  readonly onlyFailed: boolean
  readonly jobs: number
  readonly isSoak: boolean
  readonly isTwice: boolean
  readonly patienceMs: Millis
  readonly ledger: string
}

export type Command =
  | { readonly type: 'help' }
  | { readonly type: 'report'; readonly ledger: string }
  | { readonly type: 'one'; readonly seed: number; readonly isSoak: boolean; readonly isTraced: boolean; readonly isTwice: boolean }
  | Many

/** Which options go with these; any other would have been typed in vain. */
const ONLY: Readonly<Partial<Record<Name, readonly Name[]>>> = {
  seed: ['seed', 'soak', 'trace', 'twice'],
  report: ['report', 'ledger'],
  failed: ['failed', 'soak', 'jobs', 'twice', 'patience', 'ledger'],
}

export const commandFrom = (args: readonly string[]): Command => {
  const { values } = parsed({ args: [...args], options: OPTIONS })
  if (values.help) return { type: 'help' }
  const given = (Object.keys(OPTIONS) as readonly Name[]).filter(name => values[name] !== undefined && values[name] !== false)
  for (const [name, company] of Object.entries(ONLY)) {
    const stray = given.find(other => !company.includes(other))
    if (given.includes(name as Name) && stray !== undefined) throw new Mistake(`--${stray} does not go with --${name}`)
  }
  const { soak: isSoak, ledger = LEDGERS[isSoak ? 'soak' : 'storm'] } = values
  if (values.seed !== undefined) return { type: 'one', seed: wholeNumber('seed', values.seed, 0), isSoak, isTraced: values.trace, isTwice: values.twice }
  if (values.trace) throw new Mistake('--trace goes with --seed N')
  if (values.report) return { type: 'report', ledger }
  return {
    type: 'many', ledger, onlyFailed: values.failed, isSoak, isTwice: values.twice,
    from: wholeNumber('from', values.from ?? '1', 0, Number.MAX_SAFE_INTEGER - MAX_SEEDS),
    seeds: wholeNumber('seeds', values.seeds ?? '1000', 1, MAX_SEEDS),
    jobs: wholeNumber('jobs', values.jobs ?? String(availableParallelism()), 1, MAX_JOBS),
    patienceMs: 1000 * wholeNumber('patience', values.patience ?? '600', 1, MAX_PATIENCE_S),
  }
}
