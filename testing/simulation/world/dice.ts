import { checksumOf } from '../../../codecs/bytes.js'
import { randomFrom } from '../../../lib/random.js'

/** Chance: equal seeds draw equal numbers. */
export interface Dice {
  /** In [0, 1). */
  readonly number: () => number
  readonly chance: (probability: number) => boolean
  readonly between: (low: number, high: number) => number
  /** Both ends included. */
  readonly integer: (low: number, high: number) => number
  /** As likely within one power of ten as within another: bounds are interesting where they are tiny. */
  readonly magnitude: (low: number, high: number) => number
  /** Gaps of events that come at no particular time. */
  readonly exponential: (mean: number) => number
  readonly pick: <T>(items: readonly T[]) => T
  readonly shuffled: <T>(items: readonly T[]) => readonly T[]
  readonly bytes: (count: number) => Uint8Array
}

/** A seed for one of many: each part of a world draws for itself, so that what one leaves out changes nothing for the others. */
export const seedFor = (seed: number, name: string): number => checksumOf(Buffer.from(`${seed} ${name}`))

export const createDice = (seed: number): Dice => {
  const number = randomFrom(Math.imul(seed + 1, 0x9e3779b1) >>> 0)
  const between = (low: number, high: number): number => low + (high - low) * number()
  const integer = (low: number, high: number): number => Math.floor(between(low, high + 1))
  const shuffled = <T>(items: readonly T[]): readonly T[] => {
    const copy = [...items]
    for (let i = copy.length - 1; i > 0; i--) {
      const j = integer(0, i)
      const held = copy[i]!
      copy[i] = copy[j]!
      copy[j] = held
    }
    return copy
  }
  return {
    number, between, integer, shuffled,
    chance: probability => number() < probability,
    magnitude: (low, high) => Math.exp(between(Math.log(low), Math.log(high))),
    exponential: mean => -mean * Math.log(1 - number()),
    pick: items => items[integer(0, items.length - 1)]!,
    bytes: count => Uint8Array.from({ length: count }, () => integer(0, 255)),
  }
}
