/** One run: start, ask and strike, heal, read everything, stop, and judge what the clients saw and what the members did. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { INTERRUPTED } from '../../cli/program.js'
import type { Screen } from '../../cli/screen.js'
import type { Millis } from '../../lib/types.js'
import { FAULTS } from './faults/faults.js'
import type { Mend } from './faults/fault.js'
import { HEALTHY } from './member/protocol.js'
import { MIXES } from './mixes.js'
import { judgeHistory } from './judgement.js'
import { formatHistory } from './oracle/history.js'
import { compareLogs, readStore } from './oracle/logs.js'
import { NOBODY, type RunReport } from './report.js'
import { type Strike, drawSchedule, drawSnapshots } from './schedule.js'
import { CLUSTER, type Run, type RunOptions, openRun } from './stage.js'

/** Generous: what is measured is reported, and this is only when a machine under load could no longer be to blame. In election timeouts. */
const LONGEST_SILENCE = 30
const HEALS_WITHIN = 60
/** From the last fault to the verdict. All waits on the way have an end of their own; this one is for what nobody thought of. */
const CONCLUDES_WITHIN_MS = 15 * 60_000
const POLL_MS = 50
const SHOW_EVERY_MS = 250
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const HISTORY_FILE = 'history.jsonl'

/** Whether it came true in time. */
const until = async (withinMs: Millis, isTrue: () => boolean | Promise<boolean>): Promise<boolean> => {
  const end = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > end) return false
    await sleep(POLL_MS)
  }
  return true
}

/** The same promise; rejects when it is late. */
const within = async <A>(ms: Millis, work: Promise<A>): Promise<A> => {
  const inTime = new AbortController()
  const late = sleep(ms, undefined, { signal: inTime.signal }).then(() => { throw new Error(`the run did not come to an end within ${ms / 1000} s`) })
  try {
    return await Promise.race([work, late])
  } finally {
    inTime.abort()
  }
}

const isLed = ({ cluster, statuses }: Run): boolean => {
  const seen = cluster.ids.map(id => statuses.get(id))
  const [first] = seen
  return first?.leader !== undefined && cluster.ids.every(cluster.isAwake)
    && seen.every(status => status?.term === first.term && status.leader === first.leader) && seen.some(status => status?.role === 'leader')
}

/** Strikes as the schedule has it; what it answers ends the strikes and undoes them all. */
const strikeAll = (run: Run, schedule: readonly Strike[], display: Screen): { readonly struck: ReadonlyMap<string, number>; end(): Promise<void> } => {
  const struck = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  const mends = new Set<Mend>()
  const under = new Set<Promise<void>>()
  let isOver = false
  const after = (ms: Millis, act: () => Promise<void>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      const work: Promise<void> = act()
        .catch((error: unknown) => run.violated(`a fault could not be brought about: ${error instanceof Error ? error.message : String(error)}`))
        .finally(() => under.delete(work))
      under.add(work)
    }, ms)
    timers.add(timer)
  }
  const strike = async (blow: Strike): Promise<void> => {
    const hit = await FAULTS[blow.fault](run, blow)
    const name = hit === undefined ? `${blow.fault}${NOBODY}` : blow.fault
    struck.set(name, (struck.get(name) ?? 0) + 1)
    if (hit === undefined) return
    display.event(`${blow.fault} for ${blow.lastsMs.toFixed(0)} ms: ${hit.whom}`)
    mends.add(hit.mend)
    if (!isOver) after(blow.lastsMs, async () => { if (mends.delete(hit.mend)) await hit.mend() })
  }
  for (const blow of schedule) after(blow.atMs, () => strike(blow))
  const end = async (): Promise<void> => {
    isOver = true
    timers.forEach(timer => clearTimeout(timer))
    await Promise.all(under)
    for (const mend of mends) await mend()
  }
  return { struck, end }
}

/** Every wire, clock and disk as it was, and everybody up. */
const heal = async ({ cluster, wiring, revive }: Run): Promise<void> => {
  wiring.heal()
  for (const id of cluster.ids) {
    cluster.resume(id)
    cluster.tell(id, { type: 'disk', faults: HEALTHY })
    cluster.tell(id, { type: 'clock', wallAheadMs: 0, rate: 1 })
  }
  await Promise.all(cluster.ids.map(revive))
}

/** Waits until all members have applied the same, and says where they have not become the same. */
const compareStates = async (run: Run, withinMs: Millis): Promise<void> => {
  const { cluster, ledger } = run
  const reports = async () => Promise.all(cluster.ids.map(cluster.report))
  const isSettled = await until(withinMs, async () => (await reports()).every(report => (report?.appliedIndex ?? 0) >= ledger.lastIndex()))
  const last = await reports()
  if (!isSettled) run.violated(`not all members have applied all of it: ${JSON.stringify(last)}, of ${ledger.lastIndex()}`)
  if (new Set(last.map(report => `${report?.keys} ${report?.digest}`)).size > 1) run.violated(`members differ in what they have become: ${JSON.stringify(last)}`)
}

/** Fates against effects: what was acknowledged is there, and what was refused is not. */
const compareFates = ({ clients, ledger, violated }: Run): void => {
  for (const { op, input, fate, isRead } of clients.asked) {
    if (isRead === true) continue
    const index = ledger.indexOf(op)
    if (fate?.type === 'answered' && index === undefined) violated(`operation ${op}, ${JSON.stringify(input)}, was acknowledged and is lost`)
    if (fate?.type === 'failed' && fate.appended === 'never' && index !== undefined) violated(`operation ${op} was said to be appended never (${fate.error}) and is applied at ${index}`)
  }
}

/** Ends every member in peace, and reads their disks. */
const compareDisks = async (run: Run): Promise<void> => {
  const { cluster, ledger, members, violated } = run
  await Promise.all(cluster.ids.map(id => cluster.end(id, { type: 'stop' })))
  try {
    const stores = await Promise.all(cluster.ids.map(async id => [id, await readStore(CLUSTER, id, members, cluster.folderOf(id))] as const))
    compareLogs(new Map(stores), ledger.lastIndex()).forEach(violated)
  } catch (error) {
    violated(`a disk cannot be read back: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** From the end of the faults to the last comparison. How long it took until one led all. */
const conclude = async (run: Run, electionTimeoutMs: Millis, display: Screen): Promise<Millis> => {
  const patience = HEALS_WITHIN * electionTimeoutMs
  const began = performance.now()
  await heal(run)
  if (!await run.operator.end(patience)) run.violated(`those who belonged at first do not all belong within ${HEALS_WITHIN} election timeouts after the last fault`)
  if (!await until(patience, () => isLed(run))) run.violated(`no leader of all within ${HEALS_WITHIN} election timeouts after the last fault`)
  const healedMs = performance.now() - began
  display.event(`healed after ${healedMs.toFixed(0)} ms; reading every key`)
  await run.clients.stop()
  run.availability.end()
  const unread = await run.clients.readAll(patience)
  if (unread > 0) run.violated(`${unread} keys could not be read within ${HEALS_WITHIN} election timeouts after the last fault`)
  await compareStates(run, patience)
  run.rest()
  await run.clients.close()
  await compareDisks(run)
  run.ledger.end().forEach(run.violated)
  compareFates(run)
  return healedMs
}

const watch = (run: Run, struck: () => ReadonlyMap<string, number>, forMs: Millis, display: Screen): (() => void) => {
  const began = performance.now()
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000
    const answered = (run.clients.outcomes.get('answered') ?? 0) + (run.clients.outcomes.get('read') ?? 0)
    const faults = [...struck().values()].reduce((sum, n) => sum + n, 0)
    display.bar(seconds * 1000 / forMs, `${seconds.toFixed(0)} s, ${run.clients.asked.length} operations, ${answered} answered, ${faults} faults, leader ${run.leader() ?? 'none'}`)
  }, SHOW_EVERY_MS)
  return () => {
    clearInterval(timer)
    display.end()
  }
}

/** Asks and strikes for as long as was asked for. */
const perform = async (run: Run, options: RunOptions, display: Screen): Promise<{ readonly struck: ReadonlyMap<string, number>; readonly healedMs: Millis }> => {
  const forMs = options.minutes * 60_000
  await Promise.all(run.cluster.ids.map(run.revive))
  if (!await until(HEALS_WITHIN * options.electionTimeoutMs, () => isLed(run))) run.violated('no first leader')
  run.clients.begin()
  run.operator.begin()
  run.availability.acknowledged()
  const strikes = strikeAll(run, drawSchedule(options.seed, MIXES[options.mix], run.cluster.ids, forMs, options.electionTimeoutMs), display)
  const unwatch = watch(run, () => strikes.struck, forMs, display)
  await sleep(forMs)
  await strikes.end()
  unwatch()
  const healedMs = await conclude(run, options.electionTimeoutMs, display)
  return { struck: strikes.struck, healedMs }
}

export const runChaos = async (options: RunOptions, display: Screen): Promise<RunReport> => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-chaos-'))
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const run = await openRun(options, folder, display)
  // A paused member would outlive this process.
  const giveUp = (): void => {
    run.rest()
    void Promise.all(run.cluster.ids.map(run.cluster.kill)).then(() => {
      rmSync(folder, { recursive: true, force: true })
      process.exit(INTERRUPTED)
    })
  }
  SIGNALS.forEach(signal => process.once(signal, giveUp))
  try {
    const { struck, healedMs } = await within(options.minutes * 60_000 + CONCLUDES_WITHIN_MS, perform(run, options, display))
    delay.disable()
    const longestMs = run.availability.longestMs()
    if (longestMs > LONGEST_SILENCE * options.electionTimeoutMs) run.violated(`nothing was acknowledged for ${longestMs.toFixed(0)} ms, though a majority was up and undisturbed`)
    const judgement = judgeHistory(run.clients.asked)
    if (judgement.verdict !== 'Linearizable') run.violated(judgement.text)
    const history = run.violations.length === 0 ? undefined : join(folder, HISTORY_FILE)
    if (history !== undefined) writeFileSync(history, formatHistory(run.clients.asked))
    return {
      ...options, snapshots: drawSnapshots(options.seed), verdict: judgement.verdict, violations: run.violations, operations: Object.fromEntries(run.clients.outcomes), asked: run.clients.asked.length, deeds: Object.fromEntries(run.operator.deeds),
      applied: run.ledger.size, faults: Object.fromEntries(struck), notes: Object.fromEntries(run.counts), elections: run.terms.elections(),
      p50Ms: run.clients.latencyMs(0.5), p99Ms: run.clients.latencyMs(0.99), longestUnavailabilityMs: longestMs, healedMs,
      longestStallMs: delay.max / 1e6, history,
    }
  } finally {
    run.rest()
    await Promise.all(run.cluster.ids.map(run.cluster.kill))
    SIGNALS.forEach(signal => process.off(signal, giveUp))
    run.wiring.close()
    if (run.violations.length === 0) rmSync(folder, { recursive: true, force: true })
  }
}
