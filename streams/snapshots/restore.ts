/** A machine set to the state of the newest snapshot. */
import { from } from 'rxjs'
import { messageOf } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { RunningMachine } from '../machine/machine.js'
import type { SnapshotReader, Snapshots } from '../storage/port.js'
import type { Cancel, Clock } from '../time/clock.js'
import { decompressed } from './compression.js'

/** The next chunk. What is wrong with it is told beside, since a machine may keep it to itself. */
const nextOf = (reader: SnapshotReader, failed: (error: Error) => void): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => reader.next(outcome => {
    if (!isLeft(outcome)) return resolve(outcome.right)
    failed(outcome.left)
    reject(outcome.left)
  }))

/** Chunk by chunk, as the machine asks for them. */
async function* chunksOf(next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array> {
  for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk
}

/** The same for a machine that lets go of a promise, or keeps a failure to itself: what becomes of it is told beside, and that it asks. */
const toldBeside = (chunks: AsyncGenerator<Uint8Array>, asked: () => void, failed: (thrown: unknown) => void): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({
    next: () => {
      asked()
      const result = chunks.next()
      result.catch(failed)
      return result
    },
    return: () => chunks.return(undefined),
  }),
})

/** Reads what the machine left unread: only the end of it says that the whole was sound. */
const readOut = async (next: () => Promise<Uint8Array | undefined>): Promise<void> => {
  while (await next() !== undefined);
}

export interface Restoring {
  readonly snapshots: Pick<Snapshots, 'read'>
  readonly clock: Pick<Clock, 'after' | 'endOfTurn'>
  /** How long the machine may take over one chunk, or the disk. */
  readonly stallMs: Millis
}

/** Why a machine could not be restored, and whether that lies with what is stored rather than with the machine. */
export interface RestoreFailure {
  readonly reason: string
  readonly isUnreadable: boolean
}

/**
 * `done` is called once, in a turn of its own: with nothing when the machine has the state of the newest snapshot, or with why it has not.
 * Not once it is called off, which leaves the machine to itself.
 */
export const restore = (
  machine: Pick<RunningMachine<never, unknown, unknown>, 'restore'>, { snapshots, clock, stallMs }: Restoring, done: (failure: RestoreFailure | undefined) => void,
): Cancel => {
  let opened: SnapshotReader | undefined
  let isOver = false
  let patience: Cancel = () => undefined
  const letGo = (): void => {
    isOver = true
    patience()
    opened?.close(() => undefined)
  }
  const end = (failure: RestoreFailure | undefined): void => {
    if (isOver) return
    letGo()
    // What the rest of the start throws is nobody's rejection.
    patience = clock.endOfTurn(() => done(failure))
  }
  const moved = (): void => {
    if (isOver) return
    patience()
    patience = clock.after(stallMs, () => end({ reason: `nothing went on for ${stallMs} ms (snapshotStallMs)`, isUnreadable: false }))
  }
  const failed = (thrown: unknown): void => end({ reason: messageOf(thrown), isUnreadable: false })
  const unreadable = ({ message: reason }: Error): void => end({ reason, isUnreadable: true })
  const take = (reader: SnapshotReader): void => {
    const next = (): Promise<Uint8Array | undefined> => {
      moved()
      return nextOf(reader, unreadable)
    }
    try {
      from(machine.restore(toldBeside(decompressed(chunksOf(next), reader.snapshot.compression), moved, failed))).subscribe({
        error: failed,
        complete: () => void readOut(next).then(() => end(undefined), failed),
      })
    } catch (thrown) {
      failed(thrown)
    }
  }
  moved()
  snapshots.read(outcome => {
    if (isLeft(outcome)) return unreadable(outcome.left)
    opened = outcome.right
    if (isOver) opened.close(() => undefined)
    else take(opened)
  })
  return letGo
}
