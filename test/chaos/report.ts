import type { Millis } from '../../lib/types.js'
import type { Judgement } from './judgement.js'
import { MIXES } from './mixes.js'
import type { RunOptions } from './stage.js'

/** What came of a run. */
export interface RunReport extends RunOptions {
  readonly verdict: Judgement['verdict']
  /** Every promise that was found broken; the run holds if there is none. */
  readonly violations: readonly string[]
  readonly asked: number
  /** Operations by what their clients were told. */
  readonly operations: Readonly<Record<string, number>>
  /** Operations in the log. */
  readonly applied: number
  readonly faults: Readonly<Record<string, number>>
  /** What else happened, and how often. */
  readonly notes: Readonly<Record<string, number>>
  readonly elections: number
  readonly p50Ms: Millis
  readonly p99Ms: Millis
  /** The longest time without an acknowledged write while a majority was up, undisturbed and linked both ways. */
  readonly longestUnavailabilityMs: Millis
  /** From the end of the last fault to a leader of all. */
  readonly healedMs: Millis
  /** The longest time that the parent itself did not get to run: what the machine's load adds to everything. */
  readonly longestStallMs: Millis
  /** Where the history was kept. */
  readonly history: string | undefined
}

export const commandOf = ({ mix, seed, minutes, members, rate }: RunOptions): string =>
  `npm run chaos -- --mix ${mix} --seed ${seed} --minutes ${minutes} --members ${members} --rate ${rate}`

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).sort(([, a], [, b]) => b - a).map(([name, n]) => `${n} ${name}`).join(', ') || 'none'
const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)

export const formatReport = (report: RunReport): string => {
  const { asked, operations, applied, faults, notes, violations, history } = report
  const rows: readonly (readonly [string, string])[] = [
    ['mix', `${report.mix}: ${MIXES[report.mix].about}`],
    ['run', commandOf(report)],
    ['operations', `${asked}: ${listed(operations)}; ${applied} applied`],
    ['faults', `${total(faults)}: ${listed(faults)}`],
    ...Object.keys(notes).length === 0 ? [] : [['seen', listed(notes)] as const],
    ['elections', String(report.elections)],
    ['latency', `p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms`],
    ['silence', `${report.longestUnavailabilityMs.toFixed(0)} ms at most without an acknowledged write while an undisturbed majority was up; healed after ${report.healedMs.toFixed(0)} ms; this process itself stood still for ${report.longestStallMs.toFixed(0)} ms`],
    ['verdict', violations.length === 0 ? 'linearizable; nothing lost, nothing twice, all members equal' : `BROKEN (${report.verdict})`],
    ...violations.map(violation => ['', violation] as const),
    ...history === undefined ? [] : [['history', `${history}; judge it again: npm run chaos -- --judge ${history}`] as const],
  ]
  return `\n${rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`).join('\n')}\n`
}
