import * as t from 'io-ts'
import { tableOf } from '../../benchmarks/reporting/stats.js'
import type { Millis } from '../../lib/types.js'
import type { Kind } from '../ledger.js'
import type { Judgement } from './judgement.js'
import type { Snapshotting } from './member/protocol.js'
import { MIXES } from './mixes.js'
import type { RunOptions } from './stage.js'

/** Behind the name of a fault that found nobody to strike, as a leader where there was none. */
export const NOBODY = ' (nobody there)'

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
  readonly snapshots: Snapshotting
  readonly faults: Readonly<Record<string, number>>
  /** What an operator did meanwhile, and how often: leaderships that were moved, members that were replaced, came and left. */
  readonly deeds: Readonly<Record<string, number>>
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

/** What a ledger must have of a report, and its table shows. */
const Row = t.type({
  mix: t.string, seed: t.number, minutes: t.number, members: t.number, rate: t.number,
  asked: t.number, faults: t.record(t.string, t.number), elections: t.number, longestUnavailabilityMs: t.number, healedMs: t.number, violations: t.readonlyArray(t.string),
})
export type Row = t.TypeOf<typeof Row>

export const RUNS: Kind<Row> = { codec: Row, opening: '{"mix":' }

/** Whether it is what came of this run. */
export const isOf = ({ mix, seed, minutes, members, rate }: RunOptions) => (row: Row): boolean =>
  row.mix === mix && row.seed === seed && row.minutes === minutes && row.members === members && row.rate === rate

export const commandOf = ({ mix, seed, minutes, members, rate }: RunOptions): string =>
  `npm run chaos -- --mix ${mix} --seed ${seed} --minutes ${minutes} --members ${members} --rate ${rate}`

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).sort(([, a], [, b]) => b - a).map(([name, n]) => `${n} ${name}`).join(', ') || 'none'
const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)
/** Strikes that hit somebody. */
const hits = (faults: Readonly<Record<string, number>>): number => total(Object.fromEntries(Object.entries(faults).filter(([name]) => !name.endsWith(NOBODY))))

const describeSnapshots = ({ entries, keepEntries, paddingBytes, chunkBytes, bytesPerSecond }: Snapshotting): string =>
  `one in ${entries} entries, ${keepEntries} kept before it; ${paddingBytes} bytes and the map, in chunks of ${chunkBytes}, ${bytesPerSecond} a second at most`

export const formatReport = (report: RunReport): string => {
  const { asked, operations, applied, deeds, faults, notes, violations, history } = report
  const rows: readonly (readonly [string, string])[] = [
    ['mix', `${report.mix}: ${MIXES[report.mix].about}`],
    ['run', commandOf(report)],
    ['operations', `${asked}: ${listed(operations)}; ${applied} applied`],
    ['snapshots', describeSnapshots(report.snapshots)],
    ['operator', listed(deeds)],
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

/** A line for each run, and the sums of them all. */
export const formatTable = (rows: readonly Row[]): string => {
  const sum = (of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0)
  const broken = rows.filter(({ violations }) => violations.length > 0).length
  return `\n${tableOf(['mix', 'seed', 'minutes', 'operations', 'faults', 'elections', 'silent ms', 'healed ms', 'verdict'], [
    ...rows.map(row => [
      row.mix, String(row.seed), String(row.minutes), String(row.asked), String(hits(row.faults)), String(row.elections), row.longestUnavailabilityMs.toFixed(0),
      row.healedMs.toFixed(0), row.violations.length === 0 ? 'holds' : 'BROKEN',
    ]),
    ['all', '', String(sum(({ minutes }) => minutes)), String(sum(({ asked }) => asked)), String(sum(({ faults }) => hits(faults))), String(sum(({ elections }) => elections)), '', '', broken === 0 ? 'holds' : `${broken} BROKEN`],
  ])}\n`
}
