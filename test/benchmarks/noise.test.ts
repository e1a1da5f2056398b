/** When a difference counts. */
import test from 'ava'
import { chanceOf, judge, summaryOf } from '../../benchmarks/reporting/noise.js'

/** Every way to choose so many of the numbers below n. */
const choices = (n: number, size: number): readonly (readonly number[])[] =>
  size === 0 ? [[]] : Array.from({ length: n }, (_, first) => first).flatMap(first =>
    choices(n - first - 1, size - 1).map(rest => [first, ...rest.map(number => number + first + 1)]))

test('the chance of a difference is what counting every way to deal the samples says', t => {
  for (const [n, m] of [[3, 3], [2, 4], [4, 3]] as const) {
    const deals = choices(n + m, n).map(lower => ({ lower, higher: Array.from({ length: n + m }, (_, i) => i).filter(i => !lower.includes(i)) }))
    const uOf = ({ lower, higher }: (typeof deals)[number]): number => lower.flatMap(a => higher.filter(b => a > b)).length
    for (const deal of deals) {
      const counted = deals.filter(other => uOf(other) <= uOf(deal)).length / deals.length
      t.true(Math.abs(chanceOf(deal.lower, deal.higher) - counted) < 1e-12, JSON.stringify(deal))
    }
  }
})

test('three rounds that lie wholly apart are the least that counts', t => {
  t.is(chanceOf([1, 2, 3], [4, 5, 6]), 1 / 20)
  t.is(chanceOf([1, 2, 4], [3, 5, 6]), 2 / 20)
})

test('equal samples speak for neither side', t => {
  t.true(chanceOf([5, 5, 5], [5, 5, 5]) >= 0.5)
})

test('a summary has the middle, the ends and the quarters', t => {
  t.is(summaryOf([12, 8, 10, 9]).median, 9.5)
  t.deepEqual(summaryOf([12, 8, 10]), { median: 10, low: 8, high: 12, spread: 0.2 })
  t.is(summaryOf([7]).spread, 0)
})

test('half as fast is slower, whichever way is better', t => {
  t.is(judge([1000, 1010, 990], [500, 505, 495], 'more').verdict, 'slower')
  t.is(judge([10, 10.1, 9.9], [20, 20.2, 19.8], 'less').verdict, 'slower')
  t.is(judge([500, 505, 495], [1000, 1010, 990], 'more').verdict, 'faster')
  t.is(judge([20, 20.2, 19.8], [10, 10.1, 9.9], 'less').verdict, 'faster')
  t.is(judge([1000, 1010, 990], [500, 505, 495], 'more').cost, 2)
})

test('a difference within the spread of either side is noise', t => {
  t.is(judge([100, 101, 99], [130, 160, 112], 'less').verdict, 'same', 'all of one side above the other, and yet the side is too wide')
  t.is(judge([100, 130, 90], [125, 150, 140], 'less').verdict, 'same')
})

test('a difference below five percent is not told, however even the samples are', t => {
  t.is(judge([100, 100, 100], [104, 104, 104], 'less').verdict, 'same')
  t.is(judge([100, 100, 100], [106, 106, 106], 'less').verdict, 'slower')
})

test('with many samples one out of place does not hide a difference', t => {
  const before = [100, 101, 99, 100, 102, 131]
  const now = [125, 126, 124, 125, 123, 127]
  t.is(judge(before, now, 'less').verdict, 'slower')
  t.is(judge(before.slice(3), now.slice(3), 'less').verdict, 'same', 'among three it does')
})

test('what the machine itself has lost is not held against the figure', t => {
  const before = [100, 101, 99]
  const now = [150, 151, 149]
  t.is(judge(before, now, 'less', 1).verdict, 'slower')
  t.is(judge(before, now, 'less', 1.5).verdict, 'same')
  t.is(judge(before, [200, 201, 199], 'less', 1.5).verdict, 'slower', 'but no more than that')
  t.is(judge(now, before, 'less', 1 / 1.5).verdict, 'same', 'nor is what it has gained a merit')
})

test('too few samples, or none above zero, allow no verdict', t => {
  t.is(judge([100, 100], [300, 300, 300], 'less').verdict, 'unknown')
  t.is(judge([0, 0, 0], [1, 1, 1], 'less').verdict, 'unknown')
})

test('two draws of the same noise are hardly ever told apart', t => {
  let seed = 1
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const draw = (): readonly number[] => Array.from({ length: 3 }, () => 100 * Math.exp(0.4 * (random() + random() + random() - 1.5)))
  const slower = Array.from({ length: 2_000 }, () => judge(draw(), draw(), 'less').verdict).filter(verdict => verdict === 'slower').length
  t.true(slower / 2_000 < 0.03, `${slower} of 2000`)
})
