/** When a difference counts on a machine that is never the same for long; `benchmarks/README.md` says it in words. */
import { median } from './stats.js'

/** The value at `share` of the way through the sorted list, between neighbours in proportion. */
const between = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  return below + ((sorted[Math.ceil(place)] ?? below) - below) * (place % 1)
}

export interface Summary {
  readonly median: number
  readonly low: number
  readonly high: number
  /** From the first quarter to the third, as a share of the median: what a sample is worth. */
  readonly spread: number
}

export const summaryOf = (samples: readonly number[]): Summary => ({
  median: median(samples), low: Math.min(...samples), high: Math.max(...samples),
  spread: (between(samples, 0.75) - between(samples, 0.25)) / Math.abs(median(samples)),
})

/** How many of the ways to deal n + m samples to two sides have exactly each U from 0 on. */
const waysByU = (n: number, m: number): readonly number[] => {
  // ways[j][u]: of the sides that have i and j samples, for the i at hand. The largest sample of all is on one side or the other.
  let ways: number[][] = Array.from({ length: m + 1 }, () => [1])
  for (let i = 1; i <= n; i++) {
    const next: number[][] = [[1]]
    for (let j = 1; j <= m; j++) {
      const row: number[] = Array.from({ length: i * j + 1 }, () => 0)
      for (const [u, count] of ways[j]!.entries()) row[u + j]! += count
      for (const [u, count] of next[j - 1]!.entries()) row[u]! += count
      next.push(row)
    }
    ways = next
  }
  return ways[m]!
}

/** The chance that samples of one and the same thing would have `lower` as far below `higher` as they are, or further (Mann and Whitney, one-sided, exact). */
export const chanceOf = (lower: readonly number[], higher: readonly number[]): number => {
  // A tie speaks for neither side.
  const u = lower.reduce((sum, a) => sum + higher.reduce((wins, b) => wins + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0)
  const ways = waysByU(lower.length, higher.length)
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
  return sum(ways.slice(0, Math.ceil(u) + 1)) / sum(ways)
}

export type Verdict = 'slower' | 'faster' | 'same' | 'unknown'

export interface Judged {
  readonly verdict: Verdict
  /** How many times as costly the figure has become: 2 is half as fast. */
  readonly cost: number
  /** Up to this the difference is noise. */
  readonly noise: number
}

/** A smaller difference than this is never told, however often it was measured. */
const LEAST_DIFFERENCE = 0.05
const LARGEST_CHANCE = 0.05
const LEAST_SAMPLES = 3

/** How far medians of such samples lie apart by themselves: at three samples their whole range, and less by the root of their number. */
const noiseOf = ({ spread }: Summary, samples: number): number => 2 * spread * Math.sqrt(LEAST_SAMPLES / samples)

/**
 * Whether `now` costs more than `before`. `drift` is how many times as slow the machine itself has become between the two: so much is
 * put down to it, and no more.
 */
export const judge = (before: readonly number[], now: readonly number[], better: 'more' | 'less', drift = 1): Judged => {
  const [a, b] = [summaryOf(before), summaryOf(now)]
  const cost = better === 'less' ? b.median / a.median : a.median / b.median
  const noise = Math.max(LEAST_DIFFERENCE, noiseOf(a, before.length), noiseOf(b, now.length))
  if (Math.min(before.length, now.length) < LEAST_SAMPLES || !(cost > 0 && Number.isFinite(cost))) return { verdict: 'unknown', cost, noise }
  const chanceBelow = (one: readonly number[], other: readonly number[]): number => better === 'less' ? chanceOf(one, other) : chanceOf(other, one)
  const isSlower = cost > (1 + noise) * Math.max(1, drift) && chanceBelow(before, now) <= LARGEST_CHANCE
  const isFaster = 1 / cost > (1 + noise) * Math.max(1, 1 / drift) && chanceBelow(now, before) <= LARGEST_CHANCE
  return { verdict: isSlower ? 'slower' : isFaster ? 'faster' : 'same', cost, noise }
}
