/** Which charts a report has, and what they draw of its figures. */
import { type Figure, KINDS, type Kind, OURS } from './figures.js'
import { summaryOf } from './noise.js'
import { compact } from './scales.js'
import { type LineChart, type Point, type Series, barChart, lineChart } from './svg.js'

export interface Chart {
  /** The file is `NAME.svg`. */
  readonly name: string
  readonly title: string
  /** The measures that it shows. */
  readonly measures: readonly string[]
  draw(figures: readonly Figure[]): string
}

const pointOf = (x: number, { samples }: Figure): Point => {
  const { median, low, high } = summaryOf(samples)
  return { x, y: median, low, high }
}

interface Wanted {
  readonly measure: string
  readonly kind: Kind
  /** In the legend, after whose it is. */
  readonly word?: string
}

/** Ours and the first of the others, which all have one colour; the tables have all of them. */
const shownSides = (figures: readonly Figure[]): readonly string[] => {
  const sides = [...new Set(figures.map(({ side }) => side))]
  const [other] = sides.filter(side => side !== OURS)
  return sides.filter(side => side === OURS || side === other)
}

/** One line for each side that is shown and has figures of what is wanted. */
const seriesOf = (figures: readonly Figure[], wanted: readonly Wanted[], scale = 1): readonly Series[] => wanted.flatMap(({ measure, kind, word }, hue) => {
  const found = figures.filter(figure => figure.measure === measure && figure.kind === kind)
  return shownSides(found).map(side => ({
    name: word === undefined ? side : `${side}, ${word}`, isDashed: side !== OURS, hue: wanted.length > 1 ? hue : side === OURS ? 0 : 1,
    points: found.filter(figure => figure.side === side).map(figure => pointOf(Number(figure.at), figure))
      .map(point => scale === 1 ? point : { x: point.x, y: point.y * point.x * scale, low: point.low * point.x * scale, high: point.high * point.x * scale })
      .sort((a, b) => a.x - b.x),
  }))
})

const percentiles = (measure: string): readonly Wanted[] => (['p50Ms', 'p99Ms', 'p999Ms'] as const).map(kind => ({ measure, kind, word: KINDS[kind].label }))

/** A chart whose axis has the values that were measured. */
const byValue = (name: string, title: string, x: { readonly label: string; readonly isLog?: boolean; readonly text?: (value: number) => string },
  y: LineChart['y'], wanted: readonly Wanted[], scale?: number): Chart => ({
  name, title, measures: [...new Set(wanted.map(({ measure }) => measure))],
  draw: figures => {
    const series = seriesOf(figures, wanted, scale)
    const values = [...new Set(series.flatMap(({ points }) => points.map(point => point.x)))]
    const ticks = values.map(value => ({ value, text: (x.text ?? compact)(value) }))
    return lineChart({ title, x: { label: x.label, isLog: x.isLog ?? true, ticks }, y, series })
  },
})

const bars = (measure: string, title: string, kind: Kind): Chart => ({
  name: measure, title, measures: [measure],
  draw: figures => barChart({
    title, label: `${KINDS[kind].label}, ${KINDS[kind].unit}`,
    bars: figures.filter(figure => figure.measure === measure && figure.kind === kind && figure.side === OURS).map(figure => ({ name: figure.at, ...pointOf(0, figure) })),
  }),
})

/** Each sample with the share of samples that are no larger, in percent. */
const shares = (samples: readonly number[]): readonly Point[] => [...samples].sort((a, b) => a - b).map((x, i) => {
  const y = (i + 1) / samples.length * 100
  return { x, y, low: y, high: y }
})

const distribution: Chart = {
  name: 'failover', title: 'kill -9 of the leader: writes go on within …', measures: ['failover'],
  draw: figures => lineChart({
    title: distribution.title, x: { label: 'ms', isLog: false }, y: { label: '% of kills', isLog: false },
    series: figures.filter(({ measure }) => measure === 'failover').map(({ side, samples }, hue) => ({ name: side, hue, isDashed: side !== OURS, points: shares(samples) })),
  }),
}

const bytes = (value: number): string => value >= 2 ** 20 - 64 ? '1 MiB' : value >= 1024 ? `${value / 1024} KiB` : `${value} B`
const perSecond = { label: 'writes/s', isLog: true }
const millis = { label: 'ms', isLog: true }

export const CHARTS: readonly Chart[] = [
  byValue('in-flight-throughput', 'Durable writes per second', { label: 'writes in flight' }, perSecond,
    [{ measure: 'in-flight', kind: 'perSecond' }, { measure: 'one-connection', kind: 'perSecond', word: 'one connection' }]),
  byValue('in-flight-latency', 'How long a durable write takes', { label: 'writes in flight' }, millis, percentiles('in-flight')),
  byValue('payload-throughput', 'Durable writes per second by size, 16 in flight', { label: 'value', text: bytes }, perSecond, [{ measure: 'payload', kind: 'perSecond' }]),
  byValue('payload-bytes', 'The same as bytes', { label: 'value', text: bytes }, { label: 'MiB/s', isLog: true }, [{ measure: 'payload', kind: 'perSecond' }], 2 ** -20),
  byValue('payload-latency', 'How long a durable write takes by size', { label: 'value', text: bytes }, millis, percentiles('payload')),
  byValue('members-throughput', 'Durable writes per second by members, all on one machine', { label: 'members', isLog: false }, { label: 'writes/s', isLog: false },
    [{ measure: 'members', kind: 'perSecond' }]),
  byValue('members-latency', 'How long a durable write takes by members', { label: 'members', isLog: false }, millis, percentiles('members')),
  byValue('pipelines', 'Pipelines in one process: commands per second', { label: 'commands at a time' }, { label: 'commands/s', isLog: true }, [
    { measure: 'pipelines', kind: 'perSecond' }, { measure: 'pipelines-encoded', kind: 'perSecond', word: 'encoded' },
  ]),
  byValue('in-process', 'In process: commands per second', { label: 'commands at a time' }, { label: 'commands/s', isLog: true }, [
    { measure: 'in-process', kind: 'perSecond' }, { measure: 'in-process-encoded', kind: 'perSecond', word: 'encoded' },
  ]),
  bars('replicate', 'propose beside replicate → commits$, in process', 'perSecond'),
  bars('layers', 'What each layer costs alone', 'cpuMicros'),
  bars('snapshot', 'p99 of writes without and beside a snapshot on its way', 'p99Ms'),
  byValue('restart', 'A start from the log alone', { label: 'entries' }, millis, [{ measure: 'restart', kind: 'ms' }]),
  distribution,
  bars('idle', 'A member without any work', 'cpuPercent'),
]
