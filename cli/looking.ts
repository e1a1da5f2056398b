/** A bar for work that goes on elsewhere: looked at again and again. */
import type { Millis } from '../lib/types.js'
import type { Screen } from './screen.js'

export const LOOK_EVERY_MS: Millis = 500

/** How far it is, in [0, 1] where that is known, in words. */
export interface HowFar {
  readonly fraction: number | undefined
  readonly caption: string
}

/** Looks again and again, one look at a time, and shows what is seen, until the result is called; `over` is aborted then. */
export const showWhile = (look: (over: AbortSignal) => Promise<HowFar | undefined>, screen: Screen): (() => void) => {
  const over = new AbortController()
  let isLooking = false
  const again = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    const far = await look(over.signal)
    isLooking = false
    if (far !== undefined && !over.signal.aborted) screen.bar(far.fraction, far.caption)
  }
  const timer = setInterval(() => void again(), LOOK_EVERY_MS)
  return () => {
    over.abort()
    clearInterval(timer)
    screen.end()
  }
}
