/** Makes a report: measures, writes the folder, and compares where there is something to compare with. */
import { accessSync, constants, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { asMistake } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import { INTERRUPTED } from '../../cli/program.js'
import { type Screen, createScreen } from '../../cli/screen.js'
import { newFolder } from '../aids.js'
import { MEASURES, NOT_MEASURED } from '../measures/index.js'
import type { Measure } from '../measures/measure.js'
import { CHARTS } from './charts.js'
import { type Compared, compare } from './compare.js'
import { type Figure, OURS, createFigures } from './figures.js'
import { describeMachine } from './machine.js'
import { comparisonText, reportMarkdown } from './markdown.js'
import { type Absence, type Report, readReport, reportText } from './report.js'
import { type Task, clockText, runRounds } from './rounds.js'
import { checkoutTask, endSides, ownTask, peerTasks } from './sides.js'

export interface ReportOptions {
  readonly rounds: number
  readonly seconds: number
  /** Names of measures; all of them when empty. */
  readonly only: readonly string[]
  readonly peers: boolean
  /** A `report.json`, or the folder of another checkout that is built. */
  readonly baseline: string | undefined
  /** Where the report goes. */
  readonly out: string
  /** Another copy of `report.json`. */
  readonly save: string | undefined
}

const PLAIN_EVERY_MS = 10_000

/** What a run has measured so far. */
interface Gathered {
  readonly ours: ReturnType<typeof createFigures>
  readonly baseline: ReturnType<typeof createFigures>
  readonly failed: Absence[]
  /** Whether one of them was ours: a peer that does not work says nothing about us. */
  hasFailed: boolean
}

/** The measures named, and the machine's own, without which nothing can be compared later. */
const chosenMeasures = (only: readonly string[]): readonly Measure[] => {
  const stranger = only.find(name => !MEASURES.some(measure => measure.name === name))
  if (stranger !== undefined) throw new Mistake(`there is no measure "${stranger}", only ${MEASURES.map(({ name }) => name).join(', ')}`)
  return MEASURES.filter(({ name }) => only.length === 0 || name === 'machine' || only.includes(name))
}

type Baseline = { readonly type: 'none' } | { readonly type: 'report'; readonly report: Report } | { readonly type: 'checkout'; readonly folder: string }

const baselineAt = (path: string | undefined): Baseline => {
  if (path === undefined) return { type: 'none' }
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new Mistake(`--compare: there is no ${path}`)
  return found.isDirectory() ? { type: 'checkout', folder: path } : { type: 'report', report: readReport(path) }
}

/** What is written in the end must have its place before anything is measured. */
const demandPlace = (option: string, path: string, place: () => void): void => {
  try {
    place()
  } catch (error) {
    throw new Mistake(`--${option}: ${path} cannot be written: ${asMistake(error).message}`)
  }
}

const demandWritable = (path: string): void => accessSync(path, constants.W_OK)

/** Throws a `Mistake` where something that was asked of a report cannot be. */
export const checkReport = ({ only, baseline, out, save }: ReportOptions): void => {
  chosenMeasures(only)
  baselineAt(baseline)
  const kindOf = (path: string): 'folder' | 'file' | undefined => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found && (found.isDirectory() ? 'folder' : 'file')
  }
  demandPlace('out', out, () => {
    if (kindOf(out) === 'file') throw new Mistake('it is a file, and a report is a folder')
    mkdirSync(out, { recursive: true })
    demandWritable(out)
  })
  if (save !== undefined) demandPlace('save', save, () => {
    const kind = kindOf(save)
    if (kind === 'folder') throw new Mistake('it is a folder, and a copy of report.json is a file')
    demandWritable(kind === 'file' ? save : dirname(save))
  })
}

const round = async (tasks: readonly Task[], rounds: number, screen: Screen, baseline: Baseline, gathered: Gathered): Promise<void> => {
  const { ours, baseline: theirs } = gathered
  const areOlder = (side: string): boolean => baseline.type === 'checkout' && side === baseline.folder
  await runRounds({
    tasks, rounds, screen, now: () => performance.now(),
    measured: ({ measure, side }, samples) => areOlder(side) ? theirs.add(measure, OURS, samples) : ours.add(measure, side, samples),
    failed: ({ measure, side }, error) => {
      screen.event(`${measure}, ${side}: ${error.message}`)
      gathered.hasFailed ||= side === OURS
      gathered.failed.push({ what: `${measure}, ${side}`, why: error.message.split('\n')[0] ?? '' })
    },
  })
}

const compared = (baseline: Baseline, { ours, baseline: theirs }: Gathered, measures: readonly Measure[]): readonly Compared[] => {
  const before = baseline.type === 'report' ? baseline.report.figures : theirs.all()
  return baseline.type === 'none' ? [] : compare(before, ours.all(), measures, baseline.type === 'checkout')
}

/** What looks slower is measured once more as often, and judged by all of its samples: a bad minute is not a slower library. */
const lookAgain = async (first: readonly Compared[], tasks: readonly Task[], measureAgain: (tasks: readonly Task[]) => Promise<void>): Promise<void> => {
  const suspects = new Set(first.filter(({ verdict }) => verdict === 'slower').map(({ figure }) => figure.measure))
  // The machine's own figures belong to every judgement.
  if (suspects.size > 0) await measureAgain(tasks.filter(({ measure }) => measure === 'machine' || suspects.has(measure)))
}

const writeFolder = (folder: string, report: Report, comparison: string): string => {
  mkdirSync(folder, { recursive: true })
  const drawn = CHARTS.map(chart => ({ chart, svg: chart.draw(report.figures) })).filter(({ svg }) => svg !== '')
  const filesOf = (measure: string): readonly string[] => drawn.filter(({ chart }) => chart.measures.includes(measure)).map(({ chart }) => `${chart.name}.svg`)
  // Nothing of an earlier report stands beside this one.
  for (const { name } of CHARTS) rmSync(join(folder, `${name}.svg`), { force: true })
  for (const { chart, svg } of drawn) writeFileSync(join(folder, `${chart.name}.svg`), svg)
  const text = `${reportMarkdown(report, MEASURES, new Map(MEASURES.map(({ name }) => [name, filesOf(name)])))}${comparison}`
  writeFileSync(join(folder, 'report.md'), text)
  writeFileSync(join(folder, 'report.json'), reportText(report))
  return text
}

/** All data in one folder, which goes whatever ends this process. */
const withScratch = async <A>(work: () => Promise<A>): Promise<A> => {
  const before = process.env['TMPDIR']
  const scratch = newFolder()
  // Members that end only now may still write.
  const remove = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 10 })
  const interrupted = (): void => {
    endSides()
    remove()
    process.exit(INTERRUPTED)
  }
  process.env['TMPDIR'] = scratch
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return await work()
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    remove()
  }
}

/** The exit code: 1 where something is slower beyond noise, or failed. */
export const makeReport = async ({ rounds, seconds, only, peers, baseline: path, out, save }: ReportOptions): Promise<number> => {
  const measures = chosenMeasures(only)
  const baseline = baselineAt(path)
  const settings = { seconds }
  const others = peers ? measures.map(measure => peerTasks(measure, settings, process.env['PATH'] ?? '')) : []
  const tasks = measures.flatMap((measure, i) => [
    ownTask(measure, settings), ...baseline.type === 'checkout' ? [checkoutTask(baseline.folder, measure, settings)] : [], ...others[i]?.tasks ?? [],
  ])
  const screen = createScreen(process.stderr, PLAIN_EVERY_MS)
  const machine = describeMachine(tmpdir())
  const gathered: Gathered = { ours: createFigures(), baseline: createFigures(), failed: [], hasFailed: false }
  const [when, began] = [new Date(), performance.now()]
  await withScratch(async () => {
    await round(tasks, rounds, screen, baseline, gathered)
    await lookAgain(compared(baseline, gathered, measures), tasks, async suspects => {
      screen.event('what looks slower is measured again')
      await round(suspects, rounds, screen, baseline, gathered)
    })
  })
  const figures: readonly Figure[] = gathered.ours.all()
  const report: Report = {
    format: 1, when: when.toISOString(), tookSeconds: Math.round((performance.now() - began) / 1000), rounds, seconds, figures,
    machine: { ...machine, loadAfter: describeMachine(tmpdir()).loadAfter },
    skipped: [...others.flatMap(({ skipped }) => skipped), ...NOT_MEASURED], failed: gathered.failed,
  }
  const judged = compared(baseline, gathered, measures)
  const beside = path === undefined ? '' : `\n## Comparison\n\n${comparisonText(judged, path, true)}\n`
  const text = writeFolder(out, report, beside)
  if (save !== undefined) writeFileSync(save, reportText(report))
  process.stdout.write(`${text}\n`)
  if (path !== undefined) process.stdout.write(`${comparisonText(judged, path, false)}\n`)
  screen.event(`took ${clockText(report.tookSeconds)}; the report with its charts is in ${out}`)
  return judged.some(({ verdict }) => verdict === 'slower') || gathered.hasFailed ? 1 : 0
}
