/** Two sets of figures beside each other: what has become slower beyond noise. */
import { SYNC, WORK, machine } from '../measures/machine.js'
import type { Measure } from '../measures/measure.js'
import { type Figure, KINDS, type Kind, OURS, nameOf } from './figures.js'
import { type Judged, judge } from './noise.js'
import { median } from './stats.js'

export interface Compared extends Judged {
  readonly figure: Figure
  readonly before: readonly number[]
}

const samplesOf = (figures: readonly Figure[], wanted: Omit<Figure, 'samples'>): readonly number[] =>
  figures.find(figure => nameOf(figure) === nameOf(wanted))?.samples ?? []

/** How many times as slow the machine has become at one of its own figures; 1 where it is not known. */
const drifted = (before: readonly Figure[], now: readonly Figure[], at: string, kind: Kind): number => {
  const [a, b] = [before, now].map(figures => median(samplesOf(figures, { measure: machine.name, side: OURS, at, kind })))
  const ratio = b! / a!
  return Number.isFinite(ratio) ? ratio : 1
}

/** How many times as slow the machine itself has become, as far as a figure of this kind goes with it. */
export const driftOf = (before: readonly Figure[], now: readonly Figure[], { isDurable }: Pick<Measure, 'isDurable'>, kind: Kind): number => {
  if (kind === 'cpuMicros' || kind === 'cpuPercent') return drifted(before, now, WORK, 'cpuMicros')
  const work = drifted(before, now, WORK, 'ms')
  return isDurable ? Math.max(work, drifted(before, now, SYNC, 'p50Ms')) : work
}

/**
 * Every figure of ours that both sides have, in the order of `now`; those that say nothing about us, as peers' and the machine's own, are left
 * out. `areInTurn`: both sides were measured in one run, so that whatever the machine did, it did to both.
 */
export const compare = (before: readonly Figure[], now: readonly Figure[], measures: readonly Measure[], areInTurn: boolean): readonly Compared[] => now.flatMap(figure => {
  const measure = measures.find(({ name }) => name === figure.measure)
  const { better } = KINDS[figure.kind]
  const old = samplesOf(before, figure)
  if (measure === undefined || measure.name === machine.name || figure.side !== OURS || better === undefined || old.length === 0) return []
  const drift = areInTurn ? 1 : driftOf(before, now, measure, figure.kind)
  return [{ figure, before: old, ...judge(old, figure.samples, better, drift) }]
})

