import type { MemberId, Millis } from '../../../lib/types.js'
import { type DiskOperation, type MemoryDisk, memoryDisk } from '../../memory-disk.js'
import type { Agenda } from './agenda.js'
import { type Dice, createDice, seedFor } from './dice.js'
import type { Loop } from './loop.js'

/** How long the acts of a disk take, without faults. */
export interface DiskMix {
  /** Mean time of a sync. */
  readonly syncMs: Millis
  /** Mean time of any other act. */
  readonly actMs: Millis
}

export const CALM_DISK: DiskMix = { syncMs: 1, actMs: 0.05 }

/** The disk of one machine, over all restarts of what runs on it. */
export interface SimulatedDisk {
  readonly files: MemoryDisk
  /** How many times slower than usual it is from now on. */
  readonly slow: (factor: number) => void
  /** Whose process hears its answers. */
  readonly serve: (loop: Loop) => void
}

const isSync = (operation: DiskOperation): boolean => operation === 'datasync' || operation === 'syncDirectory'

export const createDisk = (agenda: Agenda, seed: number, id: MemberId, mix: () => DiskMix): SimulatedDisk => {
  const dice: Dice = createDice(seedFor(seed, `disk of ${id}`))
  const underWay = new Set<{ readonly operation: DiskOperation; readonly done: () => void }>()
  let factor = 1
  let served: Loop | undefined
  const tookMs = (operation: DiskOperation): Millis => {
    const mean = isSync(operation) ? mix().syncMs : mix().actMs
    return (mean * 0.5 + dice.exponential(mean * 0.5)) * factor
  }
  return {
    files: memoryDisk({
      seed: seedFor(seed, `losses of ${id}`),
      later: (work, operation) => {
        const loop = served
        const act = { operation, done: () => { if (underWay.delete(act)) loop?.enter(work) } }
        underWay.add(act)
        agenda.after(tookMs(operation), act.done)
      },
    }),
    slow: next => {
      const isFaster = next < factor
      factor = next
      // What a slow disk had begun, a faster one does not take as long to finish.
      if (isFaster) for (const { operation, done } of underWay) agenda.after(tookMs(operation), done)
    },
    serve: loop => { served = loop },
  }
}
