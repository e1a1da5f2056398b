import { diceOf, mutant } from './mutate.js'
import { TARGETS } from './targets.js'

export interface Fuzzed {
  /** Mutants that were read, and how many of them were accepted, by target. */
  readonly read: Readonly<Record<string, number>>
  readonly accepted: Readonly<Record<string, number>>
}

/** A decoder threw, or accepted what it should not have: the bytes that did it, and the seed that makes them again. */
export class Uncaught extends Error {
  override readonly name = 'Uncaught'
  constructor(readonly target: string, readonly seed: number, readonly bytes: Uint8Array, override readonly cause: unknown) {
    super(`${target}, seed ${seed}: ${cause instanceof Error ? cause.stack : String(cause)}\n${Buffer.from(bytes).toString('hex')}`)
  }
}

/** Reads one mutant for each seed, the targets in turn. */
export const fuzz = (firstSeed: number, mutants: number): Fuzzed => {
  const names = Object.keys(TARGETS)
  const read: Record<string, number> = {}
  const accepted: Record<string, number> = {}
  for (let seed = firstSeed; seed < firstSeed + mutants; seed++) {
    const name = names[seed % names.length]!
    const target = TARGETS[name]!
    const bytes = mutant(target.samples, diceOf(seed))
    read[name] = (read[name] ?? 0) + 1
    try {
      if (target.read(bytes)) accepted[name] = (accepted[name] ?? 0) + 1
    } catch (cause) {
      throw new Uncaught(name, seed, bytes, cause)
    }
  }
  return { read, accepted }
}
