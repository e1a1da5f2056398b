import type { Millis } from '../../../lib/types.js'
import type { Dice } from '../world/dice.js'
import type { DiskMix } from '../world/disks.js'
import { CALM_NETWORK, type NetworkMix } from '../world/network-mix.js'
import { SHAPES, type Shape } from './partition.js'

/** What strikes every so often, by itself. */
const STRIKES = ['partition', 'reset', 'pause', 'crash', 'kill', 'slowDisk', 'failDisk', 'fillDisk', 'damage', 'skew'] as const
export type Strike = (typeof STRIKES)[number]

/** When a leader can be at its most vulnerable. */
export type LeaderMoment = 'elected' | 'firstCommit'

/** What one storm is about. Each leaves most faults out and turns the rest up: a mix of everything finds less. Times in election timeouts. */
export interface StormMix {
  /** The mean gap between two strikes of a kind; kinds that are not named do not strike. */
  readonly gaps: Readonly<Partial<Record<Strike, number>>>
  readonly shapes: readonly Shape[]
  /** The probability of a crash, or of a partition, right after a step that did something worth interrupting. */
  readonly ambush: number
  /** The probability of a loss of power while a write of several sectors is under way. */
  readonly tears: number
  /** As `ambush`, for a leader at one of these moments: on its election, or once it has committed something of its own. */
  readonly chase: number
  readonly chaseAt: readonly LeaderMoment[]
  /** How often such a strike is a crash; otherwise a partition. */
  readonly crashes: number
  /** How long faults last. */
  readonly lasts: number
  /** The probability that a strike hits whoever leads. */
  readonly atLeader: number
  /** Members whose disks are slow from the beginning. */
  readonly lame: number
  /** How much of what is not synced survives a loss of power. */
  readonly keep: number
  /** The rates of clocks are within 1 ± drift. */
  readonly drift: number
  readonly network: NetworkMix
  readonly disks: DiskMix
}

const drawNetwork = (dice: Dice, electionTimeoutMs: Millis): NetworkMix => {
  const rarely = (probability: number, low: number, high: number): number => dice.chance(probability) ? dice.magnitude(low, high) : 0
  return {
    ...CALM_NETWORK,
    delayMs: electionTimeoutMs * dice.magnitude(0.001, 0.05),
    loss: rarely(0.3, 0.002, 0.05),
    resendMs: electionTimeoutMs * 0.2,
    split: rarely(0.3, 0.02, 0.5),
    corrupt: rarely(0.15, 0.0005, 0.005),
    reset: rarely(0.15, 0.0005, 0.005),
    drop: rarely(0.4, 0.002, 0.2),
    duplicate: rarely(0.4, 0.01, 0.5),
    stray: rarely(0.4, 0.01, 0.4),
    strayMs: electionTimeoutMs * dice.magnitude(0.3, 10),
  }
}

const drawGaps = (dice: Dice): StormMix['gaps'] => {
  const odds: Readonly<Record<Strike, readonly [probability: number, low: number, high: number]>> = {
    partition: [0.6, 0.5, 6], reset: [0.3, 0.3, 6], pause: [0.4, 0.5, 6], crash: [0.5, 0.5, 6], kill: [0.3, 0.5, 6],
    slowDisk: [0.3, 1, 6], failDisk: [0.25, 2, 10], fillDisk: [0.15, 3, 10], damage: [0.3, 1, 8], skew: [0.2, 1, 8],
  }
  return Object.fromEntries(STRIKES.flatMap(strike => {
    const [probability, low, high] = odds[strike]
    return dice.chance(probability) ? [[strike, dice.magnitude(low, high)]] : []
  }))
}

/** Anything, at any time, at anyone. */
const drawAnything = (dice: Dice): Omit<StormMix, 'network' | 'disks' | 'drift' | 'keep'> => ({
  gaps: drawGaps(dice),
  shapes: dice.shuffled(SHAPES).slice(0, dice.integer(1, SHAPES.length)),
  ambush: dice.chance(0.5) ? dice.magnitude(0.005, 0.1) : 0,
  tears: dice.chance(0.3) ? dice.magnitude(0.01, 0.5) : 0,
  chase: 0,
  chaseAt: [],
  crashes: 0.5,
  lasts: dice.magnitude(0.3, 3),
  atLeader: dice.pick([0.2, 0.5, 0.9]),
  lame: dice.pick([0, 0, 0, 1]),
})

/**
 * Back-to-back loss of leaders, each with something in its log that the others lack: what makes logs differ. One that is lost before it has
 * committed anything leaves its log to chance; one that has leaves those of its predecessors behind, which may be longer.
 */
const drawDuel = (dice: Dice): Omit<StormMix, 'network' | 'disks' | 'drift' | 'keep'> => ({
  gaps: { ...(dice.chance(0.5) ? { partition: dice.magnitude(1, 6) } : {}), ...(dice.chance(0.3) ? { crash: 4 } : {}), ...(dice.chance(0.4) ? { slowDisk: 3 } : {}) },
  shapes: dice.pick([['alone'], ['alone'], ['alone', 'mute', 'deaf'], ['halves'], ['couple'], ['couple', 'singles'], ['alone', 'halves'], SHAPES]),
  ambush: dice.chance(0.2) ? 0.01 : 0,
  tears: 0,
  chase: dice.pick([0.7, 0.9, 1]),
  chaseAt: dice.pick([['elected', 'firstCommit'], ['firstCommit']]),
  crashes: dice.pick([0, 0, 0.2, 1]),
  lasts: dice.magnitude(2, 8),
  atLeader: 0.9,
  lame: dice.pick([0, 1, 2]),
})

export const drawStorm = (dice: Dice, electionTimeoutMs: Millis): StormMix => ({
  ...(dice.chance(0.4) ? drawDuel(dice) : drawAnything(dice)),
  keep: dice.pick([0, 0, 0.3, 0.5, 0.7]),
  drift: dice.pick([0, 0.02, 0.1]),
  network: drawNetwork(dice, electionTimeoutMs),
  disks: { syncMs: electionTimeoutMs * dice.magnitude(0.0005, 0.1), actMs: electionTimeoutMs * dice.magnitude(0.00005, 0.005) },
})
