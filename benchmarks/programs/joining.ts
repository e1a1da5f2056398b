/** A fourth member joins three that are under load: what its catching up costs the writers, and how long it takes. */
import { until } from '../aids.js'
import { type Driven, type DrivenStage, drive } from '../cluster/drive.js'
import { VALUE_BYTES } from '../cluster/kv.js'
import { startProcesses } from '../cluster/processes.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

const NEWCOMER = 'n4'
/** The log is filled as fast as it goes. */
const FILLING = 1_024
const WARM_MS = 2_000
const PHASES = ['before', 'during', 'after'] as const
/** Of the throughput before, so much should be left to the writers while it catches up. */
const AIM = 0.8

interface JoiningOptions {
  /** The snapshot that the newcomer gets, and the least number of entries that follow it. */
  readonly mebibytes: number
  readonly entries: number
  readonly inFlight: number
  readonly rounds: number
  readonly seconds: number
}

/** One round: the load before the newcomer is added, while it catches up, and once it votes. */
export interface JoiningRound extends Readonly<Record<typeof PHASES[number], Driven>> {
  readonly catchUpMs: number
  /** How much of that the snapshot took. */
  readonly snapshotMs: number
}

/** The newcomer's process is up before anything is measured, so that what is measured is its catching up and not its start. */
const measureJoining = async ({ mebibytes, entries, inFlight, seconds }: Omit<JoiningOptions, 'rounds'>): Promise<JoiningRound> => {
  const cluster = await startProcesses(3, { ballastMiB: mebibytes })
  try {
    await cluster.whole()
    const ids = Object.keys(cluster.members)
    const fill = async (): Promise<void> => {
      ids.forEach(cluster.takeSnapshot)
      await until(() => ids.every(id => cluster.snapshotOf(id) !== undefined), 'the snapshots')
      const goal = Math.max(...ids.map(id => cluster.snapshotOf(id)!.index)) + entries
      await until(() => ids.every(id => (cluster.sampleOf(id)?.lastIndex ?? 0) >= goal), 'the log')
      await cluster.startNewcomer(NEWCOMER)
    }
    let [catchUpMs, snapshotMs] = [0, 0]
    const join = async (): Promise<void> => {
      const began = performance.now()
      const hasSnapshot = (): boolean => cluster.eventsOf(NEWCOMER).some(({ type }) => type === 'received')
      let isOver = false
      const received = until(() => isOver || hasSnapshot(), 'the snapshot of the newcomer')
      await cluster.addNewcomer(NEWCOMER).finally(() => { isOver = true })
      if (!hasSnapshot()) throw new Error(`${NEWCOMER} votes and got no snapshot`)
      catchUpMs = performance.now() - began
      snapshotMs = await received - began
    }
    const load: DrivenStage = { inFlight, valueBytes: VALUE_BYTES }
    const stages = [{ ...load, inFlight: FILLING, meanwhile: fill }, load, { ...load, meanwhile: join }, load]
    const [, before, during, after] = await drive(cluster, { stages, warmMs: WARM_MS, measureMs: seconds * 1000 })
    return { before: before!, during: during!, after: after!, catchUpMs, snapshotMs }
  } finally {
    await cluster.end()
  }
}

/** Medians for people. A share is one of the same round: no two rounds meet the same machine. */
export const joiningTable = (rounds: readonly JoiningRound[]): string => {
  const of = (value: (round: JoiningRound) => number): number => median(rounds.map(value))
  return tableOf(['joining', 'seconds', 'writes/s', 'of those before', 'p50 ms', 'p99 ms', 'CPU µs each'], PHASES.map(phase => [
    phase, phase === 'during' ? of(({ catchUpMs }) => catchUpMs / 1000) : '', of(round => round[phase].perSecond),
    of(round => round[phase].perSecond / round.before.perSecond), of(round => round[phase].p50Ms), of(round => round[phase].p99Ms), of(round => round[phase].cpuMicros),
  ]))
}

export const joining = async ({ rounds: count, ...options }: JoiningOptions): Promise<void> => {
  const rounds: JoiningRound[] = []
  for (let n = 1; n <= count; n++) {
    say(`a fourth member joins, round ${n} of ${count}`)
    const round = await measureJoining(options)
    rounds.push(round)
    report({ what: 'rxraft joining', mebibytes: options.mebibytes, entries: options.entries, ...round })
    const { before, during, catchUpMs, snapshotMs } = round
    say(`caught up in ${(catchUpMs / 1000).toFixed(1)} s, ${(snapshotMs / 1000).toFixed(1)} of them for the snapshot; ${(during.perSecond / before.perSecond).toFixed(2)} of the writes before`)
  }
  say(`\n${joiningTable(rounds)}\n\nduring: at least ${AIM} of those before is aimed at`)
}
