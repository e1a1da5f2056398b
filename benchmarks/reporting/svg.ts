/** Charts as SVG text: lines with the band of their samples, and bars. Nothing but numbers goes in, and every word is escaped. */
import { type Scale, type Tick, compact, linear, logarithmic, named } from './scales.js'

export interface Point {
  readonly x: number
  readonly y: number
  /** The lowest and highest sample. */
  readonly low: number
  readonly high: number
}

export interface Series {
  readonly name: string
  readonly points: readonly Point[]
  /** Drawn broken: whoever is compared with. */
  readonly isDashed?: boolean
  /** The hue, by number; series of one hue are one thing in several ways. */
  readonly hue?: number
}

export interface LineChart {
  readonly title: string
  readonly x: { readonly label: string; readonly isLog: boolean; readonly ticks?: readonly Tick[] }
  readonly y: { readonly label: string; readonly isLog: boolean }
  readonly series: readonly Series[]
}

export interface BarChart {
  readonly title: string
  readonly label: string
  readonly bars: readonly (Omit<Point, 'x'> & { readonly name: string })[]
}

const WIDTH = 760
const HEIGHT = 456
const PLOT = { left: 76, right: WIDTH - 24, top: 100, bottom: HEIGHT - 58 }
/** Told apart also by those who see few colours. */
const HUES = ['#0b63b0', '#d1590a', '#16825d', '#a8488f', '#8a6d00', '#4f5b66']
const INK = '#1f2933'
const FAINT = '#5f6c7b'

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, sign => ENTITIES[sign] ?? sign)

const at = (value: number): string => String(Math.round(value * 10) / 10)

const text = (x: number, y: number, words: string, attributes = ''): string => `<text x="${at(x)}" y="${at(y)}" ${attributes}>${escaped(words)}</text>`

const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${stroke}"/>`

const sheet = (title: string, height: number, parts: readonly string[]): string => [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}"`,
  ` font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12" fill="${FAINT}">`,
  `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
  text(24, 32, title, `font-size="16" font-weight="600" fill="${INK}"`),
  ...parts,
  '</svg>\n',
].join('\n')

const colourOf = (series: Series, i: number): string => HUES[(series.hue ?? i) % HUES.length]!

const legend = (series: readonly Series[]): readonly string[] => {
  let x = 24
  return series.flatMap((one, i) => {
    const from = x
    x += 52 + one.name.length * 6.6
    return [
      `<line x1="${at(from)}" y1="54" x2="${at(from + 24)}" y2="54" stroke="${colourOf(one, i)}" stroke-width="2.5"${one.isDashed ? ' stroke-dasharray="5 4"' : ''}/>`,
      text(from + 30, 58, one.name, `fill="${INK}"`),
    ]
  })
}

const drawSeries = (one: Series, i: number, x: Scale, y: Scale): readonly string[] => {
  const colour = colourOf(one, i)
  const path = (points: readonly (readonly [number, number])[]): string => points.map(([a, b]) => `${at(x.place(a))},${at(y.place(b))}`).join(' ')
  const band = [...one.points.map(({ x: a, high }) => [a, high] as const), ...one.points.toReversed().map(({ x: a, low }) => [a, low] as const)]
  return [
    `<polygon points="${path(band)}" fill="${colour}" fill-opacity="0.12"/>`,
    `<polyline points="${path(one.points.map(({ x: a, y: b }) => [a, b]))}" fill="none" stroke="${colour}" stroke-width="2.25" stroke-linejoin="round"${one.isDashed ? ' stroke-dasharray="5 4"' : ''}/>`,
    ...one.points.map(({ x: a, y: b }) => `<circle cx="${at(x.place(a))}" cy="${at(y.place(b))}" r="3.5" fill="#ffffff" stroke="${colour}" stroke-width="2"/>`),
  ]
}

/** Axes with their grid and words. */
const frame = (x: Scale, y: Scale, xLabel: string, yLabel: string): readonly string[] => [
  ...y.ticks.flatMap(tick => [
    line(PLOT.left, y.place(tick.value), PLOT.right, y.place(tick.value), '#e4e8ec'),
    text(PLOT.left - 10, y.place(tick.value) + 4, tick.text, 'text-anchor="end"'),
  ]),
  ...x.ticks.flatMap(tick => [
    line(x.place(tick.value), PLOT.bottom, x.place(tick.value), PLOT.bottom + 5, '#9aa5b1'),
    text(x.place(tick.value), PLOT.bottom + 20, tick.text, 'text-anchor="middle"'),
  ]),
  line(PLOT.left, PLOT.bottom, PLOT.right, PLOT.bottom, '#9aa5b1'),
  text((PLOT.left + PLOT.right) / 2, HEIGHT - 16, xLabel, 'text-anchor="middle"'),
  text(24, PLOT.top - 16, yLabel),
]

/** Empty where there is nothing to draw. */
export const lineChart = ({ title, x, y, series: given }: LineChart): string => {
  // A logarithm has no place for what is not above zero.
  const series = given.map(one => ({ ...one, points: one.points.filter(point => !(x.isLog && point.x <= 0) && !(y.isLog && point.low <= 0)) }))
  const points = series.flatMap(one => one.points)
  if (points.length === 0) return ''
  const values = points.map(point => point.x)
  const [left, right] = [PLOT.left + 20, PLOT.right - 20]
  const across = x.ticks === undefined ? (x.isLog ? logarithmic : linear)(values, left, right) : named(x.ticks, x.isLog, left, right)
  const ends = points.flatMap(({ low, high }) => [low, high])
  const up = y.isLog ? logarithmic(ends, PLOT.bottom, PLOT.top) : linear([0, ...ends], PLOT.bottom, PLOT.top)
  return sheet(title, HEIGHT, [...frame(across, up, x.label, y.label), ...series.flatMap((one, i) => drawSeries(one, i, across, up)), ...legend(series)])
}

const BAR = { left: 190, right: WIDTH - 96, top: 56, each: 34 }

/** One bar below the other, from zero; a thin line spans the samples. */
export const barChart = ({ title, label, bars }: BarChart): string => {
  if (bars.length === 0) return ''
  const scale = linear([0, ...bars.map(({ high }) => high)], BAR.left, BAR.right)
  const bottom = BAR.top + bars.length * BAR.each
  return sheet(title, bottom + 56, [
    ...scale.ticks.flatMap(tick => [line(scale.place(tick.value), BAR.top, scale.place(tick.value), bottom, '#e4e8ec'), text(scale.place(tick.value), bottom + 18, tick.text, 'text-anchor="middle"')]),
    ...bars.flatMap(({ name, y, low, high }, i) => {
      const middle = BAR.top + (i + 0.5) * BAR.each
      return [
        text(BAR.left - 12, middle + 4, name, `text-anchor="end" fill="${INK}"`),
        `<rect x="${BAR.left}" y="${at(middle - 10)}" width="${at(Math.max(0, scale.place(y) - BAR.left))}" height="20" rx="2" fill="${HUES[0]!}"/>`,
        line(scale.place(low), middle, scale.place(high), middle, INK),
        text(Math.max(scale.place(y), scale.place(high)) + 8, middle + 4, compact(y), `fill="${INK}"`),
      ]
    }),
    line(BAR.left, BAR.top, BAR.left, bottom, '#9aa5b1'),
    text((BAR.left + BAR.right) / 2, bottom + 42, label, 'text-anchor="middle"'),
  ])
}
