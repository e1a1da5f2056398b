import { Observable, type OperatorFunction } from 'rxjs'
import type { Step } from '../../lib/step.js'
import type { Turn } from '../../lib/types.js'

const writesHardState = ({ ready }: Step): boolean => ready.writes.some(write => write.type === 'hardState')

/**
 * Lets steps pass in their order, each once every hard state of its own and of all earlier turns is durable: a message must
 * not tell of a term or a vote that a crash could undo (§5.1). Appended entries hold nothing back (§10.2.1).
 *
 * `persisted$` names turns whose writes are durable; they come in the order of the turns.
 */
export const gate = (persisted$: Observable<Turn>): OperatorFunction<Step, Step> =>
  steps$ => new Observable(subscriber => {
    const held: Step[] = []
    let durable: Turn = 0

    const release = (): void => {
      while (held.length > 0 && !(writesHardState(held[0]!) && held[0]!.ready.turn > durable)) subscriber.next(held.shift()!)
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
        held.push(step)
        release()
      },
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    }))
  })
