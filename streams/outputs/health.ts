import type { Observable } from 'rxjs'
import type { Batch } from '../../lib/events.js'
import { type Beside, type Health, NOTHING_SEEN, healthOf, seenWith } from '../../lib/health.js'
import type { RaftState } from '../../lib/state.js'
import { createCurrent } from './current.js'

/** The stream of how a member fares. While nobody looks a step costs a comparison, and nothing is kept of it. */
export interface HealthWatch {
  readonly value$: Observable<Health>
  /** A batch led from one state to another. */
  stepped(before: RaftState, batch: Batch, after: RaftState): void
  /** What the step asked for was handed over: the next value, if it is due. */
  show(): void
  complete(): void
}

/** Ticks come twice in a heartbeat. */
const TICKS_PER_VALUE = 2

export const createHealthWatch = (first: RaftState, beside: () => Beside): HealthWatch => {
  let newest = first
  let seen = NOTHING_SEEN
  /** As it was told last; undefined where a new one is due. */
  let value: Health | undefined
  const current = createCurrent(() => value ??= healthOf(newest, seen, beside()))

  return {
    value$: current.value$,
    stepped: (before, batch, after) => {
      newest = after
      if (current.isObserved) {
        seen = seenWith(seen, before, batch, after)
      } else {
        value = undefined
        seen = NOTHING_SEEN
      }
    },
    show: () => {
      if (seen.ticks < TICKS_PER_VALUE) return
      value = undefined
      current.show()
      seen = NOTHING_SEEN
    },
    complete: current.complete,
  }
}
