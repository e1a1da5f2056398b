import type { Cancel } from '../../time/clock.js'
import type { Endpoint } from '../port.js'

/**
 * Keeps attempting, with a wait between attempts that doubles each time and is half random. `attempt` begins one, calls
 * `ended` when whatever came of it is over, and returns how to end it early. An attempt that outlived the longest wait
 * was no failure to begin with: the waits start over.
 */
export const redial = ({ limits, clock, random }: Pick<Endpoint, 'limits' | 'clock' | 'random'>, attempt: (ended: () => void) => Cancel): Cancel => {
  const { reconnectMinMs, reconnectMaxMs } = limits
  let failures = 0
  let isStopped = false
  let stop: Cancel = () => undefined
  const begin = (): void => {
    const since = clock.now()
    stop = attempt(() => {
      if (isStopped) return
      failures = clock.now() - since > reconnectMaxMs ? 1 : failures + 1
      const waitMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** failures)
      stop = clock.after(waitMs * (1 + random()) / 2, begin)
    })
  }
  begin()
  return () => {
    isStopped = true
    stop()
  }
}
