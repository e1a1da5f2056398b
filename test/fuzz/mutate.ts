/** Bytes that almost make sense: what a decoder has to be afraid of. */
import { type Random, nextRandom } from '../../lib/random.js'

/** Draws from a seed, so that a number replays a run. */
export interface Dice {
  /** A whole number from 0 up to `below`, exclusive. */
  below(below: number): number
  one<A>(of: readonly A[]): A
}

export const diceOf = (seed: number): Dice => {
  let random: Random = seed >>> 0
  const below = (limit: number): number => {
    const [next, drawn] = nextRandom(random)
    random = next
    return Math.floor(drawn * limit)
  }
  return { below, one: of => of[below(of.length)]! }
}

/** Numbers at which arithmetic goes wrong, as the bytes of a field. */
const EXTREMES: readonly Uint8Array[] = [
  Uint8Array.of(0, 0, 0, 0), Uint8Array.of(255, 255, 255, 255), Uint8Array.of(255, 255, 255, 127), Uint8Array.of(0, 0, 0, 128),
  Uint8Array.of(255, 255, 255, 255, 255, 255, 31, 0), Uint8Array.of(0, 0, 0, 0, 0, 0, 32, 0), Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
  Uint8Array.of(0, 0, 0, 0, 0, 0, 248, 127), Uint8Array.of(0, 0, 0, 0, 0, 0, 240, 127),
]
const WORDS = ['__proto__', 'constructor', '[[[[[[[[[[', '1e999', '"\\ud800"', '-0', '{"a":', '\u0000'].map(word => new TextEncoder().encode(word))

const overwrite = (bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array => {
  const copy = bytes.slice()
  copy.set(by.subarray(0, Math.max(0, copy.length - at)), at)
  return copy
}
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

type Mutation = (bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  (bytes, dice) => bytes.length === 0 ? bytes : bytes.with(dice.below(bytes.length), dice.below(256)),
  (bytes, dice) => bytes.slice(0, dice.below(bytes.length + 1)),
  (bytes, dice) => bytes.slice(dice.below(bytes.length + 1)),
  (bytes, dice) => overwrite(bytes, dice.below(bytes.length + 1), dice.one(EXTREMES)),
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1)
    return joined(bytes.subarray(0, at), dice.one([...EXTREMES, ...WORDS]), bytes.subarray(at))
  },
  (bytes, dice, others) => {
    const other = dice.one(others)
    return joined(bytes.subarray(0, dice.below(bytes.length + 1)), other.subarray(dice.below(other.length + 1)))
  },
  (bytes, dice) => {
    const from = dice.below(bytes.length + 1)
    return joined(bytes, bytes.subarray(from, from + dice.below(64)))
  },
]

/** One of `samples` after one to four mutations. */
export const mutant = (samples: readonly Uint8Array[], dice: Dice): Uint8Array => {
  let bytes = dice.one(samples)
  for (let left = 1 + dice.below(4); left > 0; left--) bytes = dice.one(MUTATIONS)(bytes, dice, samples)
  return bytes
}
