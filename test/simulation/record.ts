/** What is kept of every seed that was run, and what they all come to. */
import * as t from 'io-ts'
import { Count } from '../../codecs/primitives.js'
import type { Kind } from '../ledger.js'

/**
 * How a seed fails: a promise was broken, its two runs were not the same, its process did not survive it, or it did not come to an end.
 */
const Failure = t.keyof({ broken: null, differs: null, crashed: null, hung: null })

const Line = t.intersection([
  t.type({ seed: Count }),
  t.partial({
    failure: Failure, reason: t.string,
    /** It took hours, and was no single storm. */
    isSoak: t.boolean,
    /** Of the lines of its trace, if it was run twice. */
    digest: t.string,
    steps: t.number, elections: t.number, committed: t.number, calls: t.number, acknowledged: t.number, read: t.number, joined: t.number, served: t.number, taken: t.number, begun: t.number, received: t.number, simulatedMs: t.number, faults: t.record(t.string, t.number),
  }),
])

/** One line per seed that is done: what came of it, or how it failed and why. */
export type Line = t.TypeOf<typeof Line>

export const SEEDS: Kind<Line> = { codec: Line, opening: '{"seed":' }

/** The command that makes a seed's run again. */
export const commandOf = ({ seed, failure, isSoak = false }: Line): string =>
  `npm run simulate -- --seed ${seed}${isSoak ? ' --soak' : ''} ${failure === 'differs' ? '--twice' : '--trace'}`

const counted = (number: number): string => number.toLocaleString('en')
const HOUR_MS = 3_600_000
/** Failed seeds that are shown one by one; all are in the ledger. */
const MOST_SHOWN = 20

/** By seed; of one that was run more than once the last run counts. */
export const latest = (lines: readonly Line[]): ReadonlyMap<number, Line> => new Map(lines.map(line => [line.seed, line]))

export const hasFailed = ({ failure }: Line): boolean => failure !== undefined

/** What the seeds of a ledger come to. */
export const summaryOf = (all: readonly Line[]): string => {
  const lines = [...latest(all).values()]
  const sum = (of: (line: Line) => number | undefined): number => lines.reduce((total, line) => total + (of(line) ?? 0), 0)
  const faults = new Map<string, number>()
  for (const { faults: struck = {} } of lines) for (const [name, count] of Object.entries(struck)) faults.set(name, (faults.get(name) ?? 0) + count)
  const failed = lines.filter(hasFailed).sort((a, b) => a.seed - b.seed)
  const twice = lines.filter(({ digest }) => digest !== undefined).length
  const rows: readonly (readonly [string, string])[] = [
    ['seeds', `${counted(lines.length)}${twice > 0 ? `, ${counted(twice)} of them twice with the same trace` : ''}`],
    ['simulated', `${(sum(({ simulatedMs }) => simulatedMs) / HOUR_MS).toFixed(2)} hours, ${counted(sum(({ steps }) => steps))} steps, ${counted(sum(({ elections }) => elections))} elections`],
    ['operations', `${counted(sum(({ calls }) => calls))}, ${counted(sum(({ acknowledged }) => acknowledged))} of them acknowledged; ${counted(sum(({ committed }) => committed))} entries, ${counted(sum(({ read }) => read))} reads`],
    ...lines.some(({ isSoak }) => isSoak) ? [['quiet times', `${counted(sum(({ served }) => served))} proposals and reads served`] as const] : [],
    ['joined', counted(sum(({ joined }) => joined))],
    ['snapshots', `${counted(sum(({ taken }) => taken))} taken, ${counted(sum(({ begun }) => begun))} begun to be sent, ${counted(sum(({ received }) => received))} received`],
    ['faults', [...faults].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${counted(count)}`).join(', ') || 'none'],
    ['failed', failed.length === 0 ? '0' : `${counted(failed.length)} seeds`],
    ...failed.slice(0, MOST_SHOWN).flatMap(line => [['', `seed ${line.seed} ${line.failure}: ${line.reason?.split('\n')[0] ?? ''}`], ['', `  ${commandOf(line)}`]] as const),
    ...failed.length > MOST_SHOWN ? [['', `and ${counted(failed.length - MOST_SHOWN)} more`] as const] : [],
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(12)}${value}\n`).join('')
}
