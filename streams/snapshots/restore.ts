/** What a member's machine begins with: the newest snapshot, or nothing. */
import { from } from 'rxjs'
import { messageOf } from '../../codecs/report.js'
import { InvalidOptions, SnapshotLost } from '../../lib/errors.js'
import { openLog, termAt } from '../../lib/log.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Millis, Snapshot } from '../../lib/types.js'
import type { Applied, Machine, Position, RunningMachine } from '../machine/machine.js'
import type { SnapshotReader, Store } from '../storage/port.js'
import type { Cancel, Clock } from '../time/clock.js'
import type { SnapshotNotice } from './events.js'

/** A machine that is ready to go on from where it is. */
export interface Begun<C, R, S> {
  readonly machine: RunningMachine<C, R, S>
  readonly applied: Applied<S>
  /** What it was restored from, if it was. */
  readonly restored: Snapshot | undefined
  readonly notices: readonly SnapshotNotice[]
}

const NOTHING_APPLIED: Position = { index: 0, term: 0, time: 0 }

/** A copy of the machine in its first state; whatever `start` does, the outcome is a value. */
export const startMachine = <C, R, S>(recipe: Pick<Machine<C, R, S>, 'start'>): Either<InvalidOptions, Begun<C, R, S>> => {
  try {
    const machine = recipe.start()
    return right({ machine, applied: appliedOf(machine, NOTHING_APPLIED), restored: undefined, notices: [] })
  } catch (thrown) {
    return left(new InvalidOptions([`machine: could not be started: ${messageOf(thrown)}`]))
  }
}

const appliedOf = <C, R, S>(machine: RunningMachine<C, R, S>, { index, term, time }: Position): Applied<S> => ({ index, term, time, state: machine.state })

/** Why the snapshot does not stand for a part of this log, if it does not: what follows it could not be applied to it. */
const objectionTo = ({ index, term }: Snapshot, { recovered }: Pick<Store, 'recovered'>): string | undefined => {
  const found = termAt(openLog(recovered), index)
  return found === term ? undefined : `it stands at ${index} of term ${term}, where this log has ${found === undefined ? 'no entry' : `an entry of term ${found}`}`
}

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

/** The same for a machine that lets go of a promise: what becomes of it is told beside. */
const letGoOf = (chunks: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({
    next: () => {
      const result = chunks.next()
      result.catch(() => undefined)
      return result
    },
    return: () => chunks.return(undefined),
  }),
})

/** Reads what the machine left unread: only the end of it says that the whole was sound. */
const readOut = async (next: () => Promise<Uint8Array | undefined>): Promise<void> => {
  while (await next() !== undefined);
}

interface Restoring {
  readonly store: Pick<Store, 'snapshots' | 'recovered'>
  readonly clock: Pick<Clock, 'after' | 'endOfTurn'>
  /** How long the machine may take over one chunk, or the disk. */
  readonly stallMs: Millis
}

/** `done` is called once, in a turn of its own: with nothing when the machine has the state of the snapshot, or with why it has not. */
const restore = (machine: RunningMachine<never, unknown, unknown>, { store, clock, stallMs }: Restoring, done: (failure: string | undefined) => void): void => {
  let opened: SnapshotReader | undefined
  let isOver = false
  let patience: Cancel = () => undefined
  const end = (failure: string | undefined): void => {
    if (isOver) return
    isOver = true
    patience()
    opened?.close(() => undefined)
    // What the rest of the start throws is nobody's rejection.
    clock.endOfTurn(() => done(failure))
  }
  const moved = (): void => {
    patience()
    if (!isOver) patience = clock.after(stallMs, () => end(`nothing went on for ${stallMs} ms (snapshotStallMs)`))
  }
  const failed = (thrown: unknown): void => end(messageOf(thrown))
  const take = (reader: SnapshotReader): void => {
    const next = (): Promise<Uint8Array | undefined> => {
      moved()
      return nextOf(reader, failed)
    }
    try {
      from(machine.restore(letGoOf(chunksOf(next)))).subscribe({
        error: failed,
        complete: () => void readOut(next).then(() => end(undefined), failed),
      })
    } catch (thrown) {
      failed(thrown)
    }
  }
  moved()
  store.snapshots.read(outcome => {
    if (isLeft(outcome)) return failed(outcome.left)
    opened = outcome.right
    if (isOver) opened.close(() => undefined)
    else take(opened)
  })
}

/**
 * Begins from the newest snapshot. Where it cannot be had the machine begins anew, and the whole log is applied: that loses nothing as
 * long as the log holds all there ever was.
 */
export const beginMachine = <C, R, S>(
  first: Begun<C, R, S>, recipe: Pick<Machine<C, R, S>, 'start'>, restoring: Restoring,
  done: (outcome: Either<InvalidOptions | SnapshotLost, Begun<C, R, S>>) => void,
): void => {
  const { recovered: { base, notes }, snapshots } = restoring.store
  const snapshot = snapshots.newest()
  const without = (reason: string): void => {
    if (base.index > 0) return done(left(new SnapshotLost(base.index, reason)))
    const again = startMachine(recipe)
    done(isLeft(again) || snapshot === undefined ? again : right({ ...again.right, notices: [{ type: 'snapshotUnusable', snapshot, reason }] }))
  }
  // What the store noted may be why: nobody else hears of it where the start is refused.
  if (snapshot === undefined) return base.index > 0 ? without(['there is no snapshot', ...notes].join('; ')) : done(right(first))
  const objection = objectionTo(snapshot, restoring.store)
  if (objection !== undefined) return without(objection)
  restore(first.machine, restoring, failure => {
    if (failure !== undefined) return without(failure)
    let applied: Applied<S>
    try {
      applied = appliedOf(first.machine, snapshot)
    } catch (thrown) {
      return without(messageOf(thrown))
    }
    done(right({ machine: first.machine, applied, restored: snapshot, notices: [] }))
  })
}
