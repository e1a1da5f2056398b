import { Observable, type OperatorFunction } from 'rxjs'
import { isSameVote } from '../../lib/hard-state.js'
import type { Step } from '../../lib/step.js'
import type { HardState, Turn } from '../../lib/types.js'

/** The disk has not written a term or a vote while so many turns went by: what leaves must not wait in memory without end. */
export class DiskStalled extends Error {
  override readonly name = 'DiskStalled'
  constructor(readonly maxHeldTurns: number) {
    super(`The disk has not confirmed a term or a vote while ${maxHeldTurns} turns wait for it (maxHeldTurns); the member was stopped.`)
  }
}

/** A step, and the newest turn, its own included, whose hard state says more than a new commitIndex. */
interface Held {
  readonly step: Step
  readonly after: Turn
}

/**
 * Lets steps pass in their order, each once every hard state of its own and of all earlier turns is durable: a message must not tell
 * of what a crash could undo (§5.1). Appended entries hold nothing back (§10.2.1), nor does a hard state with no more than a new commitIndex. Errors
 * with `DiskStalled` when more than `maxHeldTurns` wait.
 *
 * `persisted$` names turns whose writes are durable; they come in the order of the turns.
 */
export const gate = (persisted$: Observable<Turn>, maxHeldTurns: number): OperatorFunction<Step, Step> =>
  steps$ => new Observable(subscriber => {
    let held: Held[] = []
    let durable: Turn = 0
    let written: HardState | undefined
    let after: Turn = 0

    const note = ({ ready: { turn, writes } }: Step): void => {
      for (const write of writes) {
        if (write.type !== 'hardState') continue
        if (written === undefined || !isSameVote(written, write.hardState)) after = turn
        written = write.hardState
      }
    }
    const release = (): void => {
      const blocked = held.findIndex(({ after }) => after > durable)
      if (blocked === 0) return
      const passing = blocked < 0 ? held : held.slice(0, blocked)
      held = blocked < 0 ? [] : held.slice(blocked)
      for (const { step } of passing) subscriber.next(step)
    }

    subscriber.add(persisted$.subscribe({
      next: turn => {
        durable = turn
        release()
      },
      error: error => subscriber.error(error),
    }))
    subscriber.add(steps$.subscribe({
      next: step => {
        note(step)
        if (held.length === 0 && after <= durable) return subscriber.next(step)
        if (held.push({ step, after }) > maxHeldTurns) subscriber.error(new DiskStalled(maxHeldTurns))
      },
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    }))
  })
