/** The charts of a report: every one is drawn, whole, and shows what was measured. */
import test from 'ava'
import { CHARTS } from '../../benchmarks/reporting/charts.js'
import { linear, logarithmic, compact, named } from '../../benchmarks/reporting/scales.js'
import { barChart, lineChart } from '../../benchmarks/reporting/svg.js'
import { MEASURES } from '../../benchmarks/measures/index.js'
import { aFigures } from './figures.js'

/** Whether every element that is opened is closed, and every attribute is quoted. */
const isWhole = (svg: string): boolean => {
  const open: string[] = []
  for (const [tag, close, name, , self] of svg.matchAll(/<(\/?)([a-z]+)((?:\s+[\w-]+="[^"<>]*")*)\s*(\/?)>/g)) {
    if (tag !== undefined && close === '/') {
      if (open.pop() !== name) return false
    } else if (self !== '/') open.push(name!)
  }
  const rest = svg.replace(/<\/?[a-z]+(?:\s+[\w-]+="[^"<>]*")*\s*\/?>/g, '')
  return open.length === 0 && !/[<>]/.test(rest)
}

const numbersIn = (svg: string): readonly number[] =>
  [...svg.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy)="([^"]*)"/g)].map(([, number]) => Number(number))

test('every chart is drawn whole, on its sheet, of what a report has', t => {
  for (const chart of CHARTS) {
    const svg = chart.draw(aFigures())
    t.true(isWhole(svg), chart.name)
    t.regex(svg, /fill="#ffffff"/, 'light, whatever it stands on')
    t.true(svg.includes(chart.title), chart.name)
    t.true(numbersIn(svg).every(number => number >= 0 && number <= 760), chart.name)
    t.false(/NaN|Infinity|undefined/.test(svg), chart.name)
  }
})

test('a chart shows ours and the first of the others, and no two sides in one colour', t => {
  const svg = CHARTS.find(({ name }) => name === 'in-flight-throughput')!.draw(aFigures())
  t.deepEqual(['rxraft', 'etcd', 'zmq-raft'].map(side => svg.includes(side)), [true, true, false])
})

test('every chart is of measures that there are, and no two share a file', t => {
  const names = MEASURES.map(({ name }) => name)
  t.deepEqual(CHARTS.flatMap(({ measures }) => measures).filter(name => !names.includes(name)), [])
  t.is(new Set(CHARTS.map(({ name }) => name)).size, CHARTS.length)
})

test('where nothing was measured nothing is drawn', t => {
  for (const chart of CHARTS) t.is(chart.draw([]), '', chart.name)
})

test('words cannot break out of a chart', t => {
  const svg = barChart({ title: 'a < b & "c"', label: 'x', bars: [{ name: '<script>', y: 1, low: 1, high: 1 }] })
  t.true(isWhole(svg))
  t.false(svg.includes('<script'))
})

test('a line has a point for each value, in the place that its value has', t => {
  const point = (x: number, y: number) => ({ x, y, low: y, high: y })
  const svg = lineChart({ title: 'a', x: { label: 'x', isLog: true }, y: { label: 'y', isLog: true }, series: [{ name: 's', points: [point(1, 1), point(10, 10), point(100, 100)] }] })
  const places = [...svg.matchAll(/<circle cx="([^"]*)" cy="([^"]*)"/g)].map(([, x, y]) => [Number(x), Number(y)] as const)
  t.is(places.length, 3)
  const [[x1, y1], [x2, y2], [x3, y3]] = places as unknown as readonly [readonly [number, number], readonly [number, number], readonly [number, number]]
  t.true(Math.abs(x2 - x1 - (x3 - x2)) < 0.3 && Math.abs(y1 - y2 - (y2 - y3)) < 0.3, 'tenfold is as far everywhere')
  t.true(x1 < x2 && y1 > y2, 'more is right and up')
})

test('what has no logarithm is left out of a logarithmic chart', t => {
  const point = (x: number, y: number) => ({ x, y, low: y, high: y })
  const svg = lineChart({ title: 'a', x: { label: 'x', isLog: true }, y: { label: 'y', isLog: true }, series: [{ name: 's', points: [point(1, 0), point(0, 1), point(10, 10)] }] })
  t.is([...svg.matchAll(/<circle/g)].length, 1)
})

test('axes begin and end at round numbers that hold all values', t => {
  t.deepEqual(linear([0, 873], 0, 100).ticks.map(({ text }) => text), ['0', '200', '400', '600', '800', '1k'])
  t.deepEqual(logarithmic([3, 42], 0, 100).ticks.map(({ value }) => Math.round(value)), [2, 5, 10, 20, 50])
  t.deepEqual(logarithmic([0.02, 90_000], 0, 100).ticks.map(({ text }) => text), ['0.01', '0.1', '1', '10', '100', '1k', '10k', '100k'])
  t.is(linear([5, 5], 0, 100).ticks.length >= 2, true, 'one value has an axis, too')
  t.is(named([{ value: 7, text: '7' }], true, 0, 100).place(7), 50)
  t.deepEqual([0.00773, 12.34, 999, 1_048_512, 17_166].map(compact), ['0.00773', '12.3', '999', '1.05M', '17.2k'])
})
