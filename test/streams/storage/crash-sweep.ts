/** A run that is ended by a crash at each of its acts on the disk, and what is left of it judged. */
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { openStore } from '../../../testing/open-store.js'
import { storageOn } from './store-script.js'

/** What a power cut leaves of the unsynced sectors and names; undefined is the end of the process alone. */
export type Cut = number | undefined

export interface Run<P> {
  /** How far it has come: nowhere. */
  begin(): P
  /** Goes through it to its clean end, and notes in `progress` what was begun and what was told to be durable. */
  perform(disk: MemoryDisk, progress: P): Promise<void>
  /** What is wrong with what is left, if anything. */
  faultOf(disk: MemoryDisk, progress: P): Promise<string | undefined>
}

const newDisk = (seed: number): MemoryDisk => memoryDisk({ seed, later: queueMicrotask })

const crash = (disk: MemoryDisk, cut: Cut): void => (cut === undefined ? disk.kill() : disk.crash({ keep: cut }))

/** `work` to its end, or until the disk has done so many acts. */
const untilDeath = (disk: MemoryDisk, acts: number, work: () => Promise<unknown>): Promise<unknown> => {
  const death = new Promise<void>(resolve => disk.dieAfter(acts, resolve))
  return Promise.race([work(), death])
}

const runUntil = async <P>({ begin, perform }: Run<P>, disk: MemoryDisk, acts: number): Promise<P> => {
  const progress = begin()
  await untilDeath(disk, acts, () => perform(disk, progress))
  return progress
}

const judged = <P>({ faultOf }: Run<P>, disk: MemoryDisk, progress: P): Promise<string | undefined> =>
  faultOf(disk, progress).catch((error: Error) => error.message)

/** How many acts on the disk the whole run is. */
export const lengthOf = async <P>({ begin, perform }: Run<P>): Promise<number> => {
  const disk = newDisk(1)
  await perform(disk, begin())
  return disk.operations().length
}

/** The first fault after a crash at any act, in each way that `cutsAt` names for it. */
export const sweepCrashes = async <P>(run: Run<P>, cutsAt: (act: number) => readonly Cut[]): Promise<string | undefined> => {
  const total = await lengthOf(run)
  for (let act = 1; act <= total; act++) {
    for (const [i, cut] of cutsAt(act).entries()) {
      const disk = newDisk(act * 8 + i)
      const progress = await runUntil(run, disk, act)
      crash(disk, cut)
      const fault = await judged(run, disk, progress)
      if (fault !== undefined) return `act ${act} (${disk.operations()[act - 1]}), kept ${cut}: ${fault}`
    }
  }
  return undefined
}

export interface SecondCrashes {
  /** The first act at which the run is ended, and how many lie between two. */
  readonly from: number
  readonly step: number
  /** After how many acts the opening is ended, too. */
  readonly acts: readonly number[]
  /** What the first crash leaves, and the second. */
  readonly first: (acts: number) => number
  readonly second: (acts: number) => number
}

/** The first fault after a crash while what a crash has left is opened. */
export const sweepSecondCrashes = async <P>(run: Run<P>, { from, step, acts, first, second }: SecondCrashes): Promise<string | undefined> => {
  const total = await lengthOf(run)
  for (let act = from; act <= total; act += step) {
    for (const opening of acts) {
      const disk = newDisk(act + opening)
      const progress = await runUntil(run, disk, act)
      disk.crash({ keep: first(opening) })
      await untilDeath(disk, opening, () => openStore(storageOn(disk)).then(({ close }) => close()))
      disk.crash({ keep: second(opening) })
      const fault = await judged(run, disk, progress)
      if (fault !== undefined) return `act ${act}, then ${opening} while opening: ${fault}`
    }
  }
  return undefined
}
