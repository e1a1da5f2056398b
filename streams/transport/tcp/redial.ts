import type { Millis } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'
import type { Endpoint } from '../port.js'

/** What an attempt tells of itself. */
export interface Attempt {
  /** There is a link. */
  linked(): void
  /** Whatever came of it is over. */
  ended(): void
}

/**
 * Keeps attempting, with a wait between attempts that doubles each time and is half random. `attempt` begins one and returns how to end it early.
 * Where a link outlived the longest wait, and only there, the waits start over: an attempt may take long and come to nothing.
 */
export const redial = ({ limits, clock, random }: Pick<Endpoint, 'limits' | 'clock' | 'random'>, attempt: (on: Attempt) => Cancel): Cancel => {
  const { reconnectMinMs, reconnectMaxMs } = limits
  let failures = 0
  let isStopped = false
  let stop: Cancel = () => undefined
  const begin = (): void => {
    let linkedAt: Millis | undefined
    stop = attempt({
      linked: () => { linkedAt = clock.now() },
      ended: () => {
        if (isStopped) return
        failures = linkedAt !== undefined && clock.now() - linkedAt > reconnectMaxMs ? 1 : failures + 1
        const waitMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** failures)
        stop = clock.after(waitMs * (1 + random()) / 2, begin)
      },
    })
  }
  begin()
  return () => {
    isStopped = true
    stop()
  }
}
