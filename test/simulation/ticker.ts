import type { Millis } from '../../lib/types.js'

/** Ticks on a grid; one that is slept over comes on waking, with the time at which it was due. */
export interface Ticker {
  readonly start: () => void
  readonly sleep: () => void
  readonly wake: () => void
}

export interface TickerOptions {
  readonly everyMs: Millis
  /** The member's clock. */
  readonly now: () => Millis
  /** `ms` on the member's clock. */
  readonly later: (ms: Millis, act: () => void) => void
  readonly tick: (due: Millis) => void
}

export const createTicker = ({ everyMs, now, later, tick }: TickerOptions): Ticker => {
  let isAsleep = false
  let overslept: (() => void) | undefined

  const tickFrom = (begin: Millis, beat: number): void => {
    const due = begin + beat * everyMs
    const ring = (): void => {
      tickFrom(begin, Math.max(beat, Math.floor((now() - begin) / everyMs)) + 1)
      tick(due)
    }
    later(due - now(), () => {
      if (isAsleep) overslept = ring
      else ring()
    })
  }
  return {
    start: () => {
      isAsleep = false
      overslept = undefined
      tickFrom(now(), 1)
    },
    sleep: () => { isAsleep = true },
    wake: () => {
      isAsleep = false
      const ring = overslept
      overslept = undefined
      ring?.()
    },
  }
}
