/** The report for people: what the figures are, where they were taken, and what does not count. */
import type { Measure } from '../measures/measure.js'
import type { Compared } from './compare.js'
import { type Figure, KINDS, type Kind, OURS, nameOf } from './figures.js'
import { isVolatile } from './machine.js'
import { summaryOf } from './noise.js'
import type { Report } from './report.js'
import { clockText } from './rounds.js'
import { digits } from './stats.js'

/** A table of markdown whose columns also stand below each other in a terminal. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(head), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}

const cellOf = (figure: Figure | undefined): string => {
  if (figure === undefined) return ''
  const { median, low, high } = summaryOf(figure.samples)
  return low === high ? digits(median) : `${digits(median)} (${digits(low)}–${digits(high)})`
}

/** How many times as good the first is as the second. */
const ratioOf = (ours: Figure | undefined, theirs: Figure | undefined): string => {
  if (ours === undefined || theirs === undefined) return ''
  const [a, b] = [summaryOf(ours.samples).median, summaryOf(theirs.samples).median]
  return `${(a / b).toFixed(2)}x`
}

/** A row for each of the circumstances; where a peer took part, its own below it, and the ratio. */
export const tableOfMeasure = ({ name, at }: Measure, all: readonly Figure[]): string => {
  const figures = all.filter(({ measure }) => measure === name)
  const distinct = <A>(values: readonly A[]): readonly A[] => [...new Set(values)]
  // What never happened is not worth a column.
  const kinds = distinct(figures.filter(({ kind, samples }) => kind !== 'failed' || samples.some(count => count > 0)).map(({ kind }) => kind))
  const find = (side: string, place: string, kind: Kind): Figure | undefined => figures.find(figure => figure.side === side && figure.at === place && figure.kind === kind)
  const peersAt = (place: string): readonly string[] => distinct(figures.filter(figure => figure.at === place && figure.side !== OURS).map(({ side }) => side))
  const rows = distinct(figures.map(figure => figure.at)).flatMap(place => [
    [place, ...kinds.map(kind => cellOf(find(OURS, place, kind)))],
    ...peersAt(place).flatMap(peer => [
      [`${place}, ${peer}`, ...kinds.map(kind => cellOf(find(peer, place, kind)))],
      [`${place}, ${OURS} / ${peer}`, ...kinds.map(kind => ratioOf(find(OURS, place, kind), find(peer, place, kind)))],
    ]),
  ])
  return table([at, ...kinds.map(kind => `${KINDS[kind].label}, ${KINDS[kind].unit}`)], rows)
}

const circumstances = ({ machine, when, tookSeconds, rounds, seconds }: Report): string => [
  `${when}; rounds: ${rounds}, of ${seconds} s for each figure; ${clockText(tookSeconds)} in all. Figures are medians, with the lowest and the highest round behind them.`,
  '',
  table(['machine', ''], [
    ['processor', `${machine.cpu}, ${machine.cores} cores`], ['memory', `${machine.memoryGiB} GiB`], ['system', machine.system], ['Node', `${machine.node}, V8 ${machine.v8}`],
    ['file system', machine.fileSystem], ['load before and after', `${machine.loadBefore.toFixed(2)}, ${machine.loadAfter.toFixed(2)}`], ['revision', machine.revision],
  ]),
  ...machine.loadBefore > machine.cores / 2 ? ['', 'The machine was busy with other work when this began: take the figures for that.'] : [],
  ...isVolatile(machine) ? ['', `The data lay on ${machine.fileSystem}: nothing was durable. Name a folder on a disk with --dir.`] : [],
].join('\n')

const VERDICTS = { slower: 'SLOWER', faster: 'faster', same: 'within noise', unknown: 'too few rounds' } as const

/** What became of each figure; `all`: also of those within noise. */
export const comparisonText = (compared: readonly Compared[], baseline: string, all: boolean): string => {
  const counts = (['slower', 'faster', 'same', 'unknown'] as const).map(verdict => `${compared.filter(one => one.verdict === verdict).length} ${VERDICTS[verdict]}`)
  const shown = compared.filter(({ verdict }) => all || verdict === 'slower' || verdict === 'faster')
  const rows = shown.map(({ figure, before, verdict, cost, noise }) =>
    [nameOf(figure), cellOf({ ...figure, samples: before }), cellOf(figure), `${cost.toFixed(2)}x`, `${(1 + noise).toFixed(2)}x`, VERDICTS[verdict]])
  return [`Beside ${baseline}: ${counts.join(', ')}.`, ...rows.length === 0 ? [] : ['', table(['figure', 'before', 'now', 'costs', 'noise up to', 'verdict'], rows)]].join('\n')
}

/** All but the comparison. `charts`: the files drawn of each measure. */
export const reportMarkdown = (report: Report, measures: readonly Measure[], charts: ReadonlyMap<string, readonly string[]>): string => {
  const sections = measures.filter(({ name }) => report.figures.some(figure => figure.measure === name)).map(measure => [
    `## ${measure.name}`, '', `${measure.title}.`, '', tableOfMeasure(measure, report.figures), '',
    ...(charts.get(measure.name) ?? []).map(file => `![${measure.title}](${file})\n`),
  ].join('\n'))
  const absences = [...report.failed.map(({ what, why }) => `- **${what} failed**: ${why}`), ...report.skipped.map(({ what, why }) => `- ${what}: ${why}`)]
  return [
    '# Benchmarks', '', circumstances(report), '', ...sections,
    ...absences.length === 0 ? [] : ['## Not measured', '', ...absences, ''],
  ].join('\n')
}
