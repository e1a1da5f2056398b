import type { Millis } from '../../../lib/types.js'

/** Virtual time: what is to happen and when; what falls on the same moment happens in the order in which it was planned. */
export interface Agenda {
  readonly now: () => Millis
  readonly after: (ms: Millis, act: () => void) => void
  /** Lets the one thing happen that is due next, up to `until`; false once nothing is due before that, which it is by then. */
  readonly next: (until: Millis) => boolean
}

interface Plan {
  readonly time: Millis
  readonly order: number
  readonly act: () => void
}

const isSooner = (a: Plan, b: Plan): boolean => a.time < b.time || (a.time === b.time && a.order < b.order)

export const createAgenda = (): Agenda => {
  /** A binary heap: no plan is later than the two below it. */
  const heap: Plan[] = []
  let now = 0
  let planned = 0

  const rise = (plan: Plan): void => {
    let at = heap.length
    for (let parent = (at - 1) >> 1; at > 0 && isSooner(plan, heap[parent]!); parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = plan
  }
  const sink = (plan: Plan): void => {
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child++
      if (!isSooner(heap[child]!, plan)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = plan
  }

  return {
    now: () => now,
    after: (ms, act) => rise({ time: now + Math.max(0, ms), order: planned++, act }),
    next: until => {
      const first = heap[0]
      if (first === undefined || first.time > until) {
        now = Math.max(now, until)
        return false
      }
      const last = heap.pop()!
      if (last !== first) sink(last)
      now = first.time
      first.act()
      return true
    },
  }
}
