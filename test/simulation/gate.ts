import type { Ready } from '../../lib/events.js'
import type { Millis, Turn } from '../../lib/types.js'

/** Holds a turn until every hard state of its own and of all earlier turns is durable, and lets turns out in their order. */
export interface Gate {
  readonly hold: (ready: Ready, now: Millis) => void
  readonly persisted: (turn: Turn) => void
  /** Whatever is held is lost, with the one who said it. */
  readonly reset: () => void
}

export const createGate = (release: (ready: Ready, now: Millis) => void): Gate => {
  let held: { readonly ready: Ready; readonly now: Millis }[] = []
  let durable: Turn = 0

  const isHeldBack = ({ turn, writes }: Ready): boolean => turn > durable && writes.some(({ type }) => type === 'hardState')
  const open = (): void => {
    for (let first = held[0]; first !== undefined && !isHeldBack(first.ready); first = held[0]) {
      held.shift()
      release(first.ready, first.now)
    }
  }
  return {
    hold: (ready, now) => {
      held.push({ ready, now })
      open()
    },
    persisted: turn => {
      durable = turn
      open()
    },
    reset: () => {
      held = []
      durable = 0
    },
  }
}
