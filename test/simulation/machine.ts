import type { EntryBatch, Index, Millis } from '../../lib/types.js'
import type { Dice } from './dice.js'
import { type Slot, slotsOf } from './image.js'

/** Applies what it is handed, in order, later, some of it at a time. */
export interface Machine {
  readonly hand: (batches: readonly EntryBatch[]) => void
  readonly reset: () => void
  readonly hurry: () => void
}

export interface MachineOptions {
  readonly dice: Dice
  readonly applyMs: Millis
  readonly later: (ms: Millis, act: () => void) => void
  readonly apply: (index: Index, slot: Slot) => void
  /** Everything up to `index` is applied. */
  readonly applied: (index: Index) => void
}

/** How often it tells in the middle of a batch how far it is. */
const TELLS_EARLY = 0.3

export const createMachine = ({ dice, applyMs, later, apply, applied }: MachineOptions): Machine => {
  let waiting: EntryBatch[] = []
  let isBusy = false
  let isHurrying = false

  const applyBatch = (batch: EntryBatch): void => {
    const early = dice.chance(TELLS_EARLY) ? dice.integer(1, batch.count) : batch.count
    slotsOf(batch).forEach((slot, at) => {
      const index = batch.firstIndex + at
      apply(index, slot)
      if (at + 1 === early || at + 1 === batch.count) applied(index)
    })
  }
  const work = (): void => {
    if (isBusy || waiting.length === 0) return
    isBusy = true
    later(isHurrying ? 0 : dice.exponential(applyMs), () => {
      isBusy = false
      for (const batch of waiting.splice(0, dice.integer(1, waiting.length))) applyBatch(batch)
      work()
    })
  }
  return {
    hand: batches => {
      waiting.push(...batches)
      work()
    },
    reset: () => {
      waiting = []
      isBusy = false
    },
    hurry: () => { isHurrying = true },
  }
}
