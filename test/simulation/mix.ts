import type { Settings } from '../../lib/state.js'
import type { Millis } from '../../lib/types.js'
import type { Dice } from './dice.js'
import { SHAPES, type Shape } from './partition.js'

/** What a network does to messages when nobody cuts it; probabilities per message. */
export interface NetworkMix {
  readonly delayMs: Millis
  readonly loss: number
  readonly duplicate: number
  /** Messages that stray, most of them as copies, and come much later, over terms and restarts. */
  readonly stray: number
  readonly strayMs: Millis
}

export interface DiskMix {
  readonly writeMs: Millis
  readonly readMs: Millis
  /** What no write and no read exceeds, however slow the disk. */
  readonly slowestMs: Millis
  /** Whether all that waits is synced at once, or one turn at a time. */
  readonly groups: boolean
  /** The probability that nothing unsynced survives a crash; otherwise a prefix of it does. */
  readonly forgets: number
}

/** How often each fault strikes, as mean gap in election timeouts; undefined for never. */
export interface FaultMix {
  readonly partition: number | undefined
  readonly shapes: readonly Shape[]
  readonly pause: number | undefined
  readonly crash: number | undefined
  readonly slowDisk: number | undefined
  /** Members whose disks are slow from the beginning. */
  readonly lame: number
  /** The probability of a crash, or of a partition, right after a step that did something worth interrupting. */
  readonly ambush: number
  /** The same after an election: leaders are cut off as soon as they are made. */
  readonly chase: number
  /** How often such a strike is a crash; otherwise a partition. */
  readonly crashes: number
  /** How long faults last, in election timeouts. */
  readonly lasts: number
  /** The probability that a fault strikes whoever leads. */
  readonly atLeader: number
}

export interface LoadMix {
  /** Mean gap between bursts, in election timeouts. */
  readonly gap: number
  readonly burst: number
  readonly entries: number
  readonly bytes: number
}

/** What one seed is about. Every seed leaves most faults out and turns the rest up: a mix of everything finds less. */
export interface Mix {
  readonly members: number
  readonly settings: Omit<Settings, 'id'>
  /** The length of the troubled part, in election timeouts. */
  readonly trouble: number
  /** Members' clocks run at rates within 1 ± drift. */
  readonly drift: number
  /** Mean time between something coming in and the turn that folds it. */
  readonly turnMs: Millis
  /** Mean time that the machine takes for what it was handed. */
  readonly applyMs: Millis
  readonly network: NetworkMix
  readonly disk: DiskMix
  readonly faults: FaultMix
  readonly load: LoadMix
}

/** The worst clocks. */
export const MAX_DRIFT = 0.1

const drawSettings = (dice: Dice): Mix['settings'] => {
  const electionTimeoutMs = dice.pick([150, 300, 1000])
  const tiny = (probability: number, low: number, usual: number): number =>
    !dice.chance(probability) ? usual : dice.chance(0.4) ? low : Math.round(dice.magnitude(low, usual))
  return {
    electionTimeoutMs,
    heartbeatMs: Math.round(electionTimeoutMs / dice.pick([3, 5, 10])),
    stallMs: electionTimeoutMs / 2,
    maxAppendBytes: tiny(0.5, 1, 1 << 20),
    maxInflightMessages: Math.round(tiny(0.5, 1, 64)),
    maxInflightBytes: tiny(0.3, 1, 8 << 20),
    maxUncommittedBytes: tiny(0.4, 1000, 64 << 20),
    logCacheBytes: tiny(0.5, 1, 32 << 20),
    maxApplyBytes: tiny(0.3, 1, 8 << 20),
  }
}

/** Anything, at any time, at anyone. */
const drawStorm = (dice: Dice): FaultMix => {
  const sometimes = (probability: number, low: number, high: number): number | undefined =>
    dice.chance(probability) ? dice.magnitude(low, high) : undefined
  return {
    partition: sometimes(0.6, 0.3, 6),
    shapes: dice.shuffled(SHAPES).slice(0, dice.integer(1, SHAPES.length)),
    pause: sometimes(0.4, 0.5, 6),
    crash: sometimes(0.5, 0.3, 6),
    slowDisk: sometimes(0.3, 1, 6),
    lame: dice.pick([0, 0, 0, 1]),
    ambush: dice.chance(0.4) ? dice.magnitude(0.002, 0.1) : 0,
    chase: 0,
    crashes: 0.5,
    lasts: dice.magnitude(0.3, 3),
    atLeader: dice.pick([0.2, 0.5, 0.9]),
  }
}

/** Back-to-back loss of leaders, each with something in its log that the others lack: what makes logs differ. */
const drawDuel = (dice: Dice): FaultMix => ({
  partition: dice.magnitude(2, 6),
  shapes: dice.pick([['alone'], ['alone', 'mute', 'deaf'], ['halves'], ['alone', 'halves'], SHAPES]),
  pause: undefined,
  crash: dice.chance(0.2) ? 6 : undefined,
  slowDisk: dice.chance(0.4) ? 6 : undefined,
  lame: dice.pick([0, 0, 1, 2]),
  ambush: dice.chance(0.2) ? 0.01 : 0,
  chase: dice.pick([0.7, 0.9, 1]),
  crashes: dice.pick([0, 0, 0.2, 1]),
  lasts: dice.magnitude(1, 6),
  atLeader: 0.9,
})

export const drawMix = (dice: Dice): Mix => {
  const settings = drawSettings(dice)
  const { electionTimeoutMs } = settings
  const rarely = (probability: number, low: number, high: number): number => dice.chance(probability) ? dice.magnitude(low, high) : 0
  return {
    members: dice.pick([1, 3, 3, 3, 4, 4, 5, 5, 7]),
    settings,
    trouble: dice.integer(15, 45),
    drift: dice.pick([0, 0.02, MAX_DRIFT]),
    turnMs: electionTimeoutMs * dice.magnitude(0.0002, 0.004),
    applyMs: electionTimeoutMs * dice.magnitude(0.0005, 0.05),
    network: {
      delayMs: electionTimeoutMs * dice.magnitude(0.001, 0.1),
      loss: rarely(0.5, 0.002, 0.2),
      duplicate: rarely(0.5, 0.01, 0.5),
      stray: rarely(0.5, 0.01, 0.5),
      strayMs: electionTimeoutMs * dice.magnitude(0.3, 10),
    },
    disk: {
      writeMs: electionTimeoutMs * dice.magnitude(0.0005, 0.3),
      readMs: electionTimeoutMs * dice.magnitude(0.0005, 0.1),
      slowestMs: electionTimeoutMs * 3,
      groups: dice.chance(0.7),
      forgets: dice.pick([0.3, 0.7, 1]),
    },
    faults: dice.chance(0.4) ? drawDuel(dice) : drawStorm(dice),
    load: {
      gap: dice.magnitude(0.1, 1), burst: dice.pick([1, 2, 6]), entries: dice.pick([1, 1, 3, 5]), bytes: dice.pick([10, 100, 1000]),
    },
  }
}
