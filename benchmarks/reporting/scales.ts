/** From values to places, and which values are written beside an axis. */

export interface Tick {
  readonly value: number
  readonly text: string
}

export interface Scale {
  place(value: number): number
  readonly ticks: readonly Tick[]
}

/** Three digits at most, thousands as k and M. */
export const compact = (value: number): string => {
  const size = Math.abs(value)
  const short = (number: number): string => String(Number(number.toPrecision(3)))
  return size >= 1e6 ? `${short(value / 1e6)}M` : size >= 1e3 ? `${short(value / 1e3)}k` : short(value)
}

/** Steps of 1, 2 or 5 times a power of ten, about five of them. */
const stepFor = (range: number): number => {
  const rough = range / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].find(times => times * power >= rough)! * power
}

/** The numbers between `low` and `high`, the neighbours outside included, that are 1, 2 or 5 times a power of ten: powers alone where there are many. */
const roundValues = (low: number, high: number): readonly number[] => {
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 }, (_, i) => 10 ** (Math.floor(Math.log10(low)) + i))
  const finer = powers.flatMap(power => [power, 2 * power, 5 * power])
  const around = (values: readonly number[]): readonly number[] => {
    const first = values.findLastIndex(value => value <= low * 1.000001)
    const last = values.findIndex(value => value >= high * 0.999999)
    return values.slice(Math.max(0, first), last + 1)
  }
  return powers.length > 4 ? around(powers) : around(finer)
}

export const linear = (values: readonly number[], from: number, to: number): Scale => {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const step = stepFor(high > low ? high - low : Math.abs(high) || 1)
  const [first, last] = [Math.floor(low / step), Math.max(Math.floor(low / step) + 1, Math.ceil(high / step))]
  const place = (value: number): number => from + (value - first * step) / ((last - first) * step) * (to - from)
  return { place, ticks: Array.from({ length: last - first + 1 }, (_, i) => ({ value: (first + i) * step, text: compact((first + i) * step) })) }
}

/** All values are above zero. */
export const logarithmic = (values: readonly number[], from: number, to: number): Scale => {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const marks = roundValues(low, high > low ? high : low * 2)
  const [first, last] = [Math.log10(marks[0]!), Math.log10(marks.at(-1)!)]
  const place = (value: number): number => from + (Math.log10(value) - first) / (last - first) * (to - from)
  return { place, ticks: marks.map(value => ({ value, text: compact(value) })) }
}

/** From the first of the values that are written to the last: what was measured at just these. */
export const named = (ticks: readonly Tick[], isLog: boolean, from: number, to: number): Scale => {
  const along = (value: number): number => isLog ? Math.log10(value) : value
  const ends = ticks.map(({ value }) => along(value))
  const [first, last] = [Math.min(...ends), Math.max(...ends)]
  return { ticks, place: value => last === first ? (from + to) / 2 : from + (along(value) - first) / (last - first) * (to - from) }
}
