import type { LogRead, RaftEvent, Write } from '../../lib/events.js'
import type { Stored } from '../../lib/recover.js'
import type { EntryBatch, Membership, Millis, Turn } from '../../lib/types.js'
import type { Agenda } from './agenda.js'
import type { Dice } from './dice.js'
import { type Image, batchesIn, copyImage, emptyImage, piecesOf, putPiece, storedIn } from './image.js'
import type { DiskMix } from './mix.js'

/** A disk as the storage port promises it: turns become durable in order, late; what is not synced may not survive. */
export interface Disk {
  /** What a crash leaves behind for certain. */
  readonly durable: () => Image
  /** What has been handed over, durable or not. */
  readonly written: () => Image
  readonly write: (turn: Turn, writes: readonly Write[]) => void
  readonly read: (read: LogRead) => void
  /** Everything unsynced is lost, but for a prefix that the dice choose. */
  readonly crash: () => void
  readonly open: (membership: Membership, tailBytes: number) => Stored
  /** How long the oldest write has been waiting. */
  readonly waiting: () => Millis
  /** How many times slower than usual it is from now on. */
  readonly slow: (factor: number) => void
}

interface Pending {
  readonly turn: Turn
  readonly writes: readonly Write[]
  readonly since: Millis
}

/** `answer` hears of what is done; it never hears of what was asked before a crash. */
export const createDisk = (agenda: Agenda, dice: Dice, mix: DiskMix, answer: (event: RaftEvent) => void): Disk => {
  let durable = emptyImage()
  let written = emptyImage()
  let queue: Pending[] = []
  let isSyncing = false
  let life = 0
  let factor = 1

  const later = (meanMs: number, act: () => void): void => {
    const asked = life
    agenda.after(Math.min(mix.slowestMs, (meanMs * 0.5 + dice.exponential(meanMs * 0.5)) * factor), () => { if (asked === life) act() })
  }
  const sync = (): void => {
    if (isSyncing || queue.length === 0) return
    isSyncing = true
    const group = mix.groups ? queue.length : 1
    later(mix.writeMs, () => {
      const done = queue.slice(0, group)
      queue = queue.slice(group)
      isSyncing = false
      for (const { turn, writes } of done) {
        for (const write of writes) for (const piece of piecesOf(write)) putPiece(durable, piece)
        answer({ type: 'persisted', turn })
      }
      sync()
    })
  }

  return {
    durable: () => durable,
    written: () => written,
    write: (turn, writes) => {
      for (const write of writes) for (const piece of piecesOf(write)) putPiece(written, piece)
      queue.push({ turn, writes, since: agenda.now() })
      sync()
    },
    // What is read is what stood there at some moment between the question and the answer, synced or not.
    read: ({ purpose, from, to, maxBytes }) => {
      const look = (): readonly EntryBatch[] => batchesIn(dice.chance(0.5) ? durable : written, from, to, maxBytes)
      const early = dice.chance(0.5) ? look() : undefined
      later(mix.readMs, () => { answer({ type: 'entriesRead', purpose, from, batches: early ?? look() }) })
    },
    crash: () => {
      life++
      const pieces = queue.flatMap(({ writes }) => writes.flatMap(piecesOf))
      const surviving = dice.chance(mix.forgets) ? 0 : dice.integer(0, pieces.length)
      for (const piece of pieces.slice(0, surviving)) putPiece(durable, piece)
      written = copyImage(durable)
      queue = []
      isSyncing = false
    },
    open: (membership, tailBytes) => storedIn(durable, membership, tailBytes),
    waiting: () => queue[0] === undefined ? 0 : agenda.now() - queue[0].since,
    slow: next => { factor = next },
  }
}
