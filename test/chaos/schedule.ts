/** When what strikes whom, and how short logs are kept: drawn before a run begins, so that one seed is one schedule. */
import type { MemberId, Millis } from '../../lib/types.js'
import { createDice } from '../../testing/simulation/world/dice.js'
import type { Snapshotting } from './member/protocol.js'
import type { Mix } from './mixes.js'
import type { FaultName } from './faults/names.js'

export interface Strike {
  readonly atMs: Millis
  readonly lastsMs: Millis
  readonly fault: FaultName
  /** Whom it hits, as far as it is not about the leader: the first, the first few, or all. */
  readonly order: readonly MemberId[]
  /** How hard, in [0, 1). */
  readonly amount: number
  /** For whatever else it has to draw. */
  readonly seed: number
}

export const drawSchedule = (seed: number, mix: Mix, ids: readonly MemberId[], forMs: Millis, electionTimeoutMs: Millis): readonly Strike[] => {
  const dice = createDice(seed)
  const strikes: Strike[] = []
  const [shortest, longest] = mix.gaps
  const gap = (): Millis => electionTimeoutMs * dice.between(shortest, longest)
  for (let atMs = gap(); mix.faults.length > 0 && atMs < forMs; atMs += gap()) {
    const [least, most] = mix.lasts
    strikes.push({
      atMs, fault: dice.pick(mix.faults), lastsMs: electionTimeoutMs * dice.magnitude(least, most), order: dice.shuffled(ids),
      amount: dice.number(), seed: dice.integer(0, 2 ** 31),
    })
  }
  return strikes
}

const KiB = 1024
const NARROW = 0.3
const UNLIMITED = 1024 * 1024 * KiB

/** Short logs, large states and small chunks: whoever comes back after a while needs many of them. */
export const drawSnapshots = (seed: number): Snapshotting => {
  const dice = createDice(seed)
  return {
    entries: dice.integer(100, 300), keepEntries: dice.pick([0, 5, 20, 50]), paddingBytes: Math.round(dice.magnitude(64 * KiB, 1024 * KiB)),
    chunkBytes: Math.round(dice.magnitude(4 * KiB, 64 * KiB)), bytesPerSecond: dice.chance(NARROW) ? Math.round(dice.magnitude(256 * KiB, 4096 * KiB)) : UNLIMITED,
  }
}
