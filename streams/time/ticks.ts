import { Observable } from 'rxjs'
import type { RaftEvent } from '../../lib/events.js'
import type { Millis } from '../../lib/types.js'
import type { Cancel, Clock } from './clock.js'

/** A tick of the core's clock, and when it should have come. */
export type Ticked = Extract<RaftEvent, { type: 'ticked' }>

/**
 * Ticks on a grid of `everyMs` that begins with the subscription, so that lateness never adds up. A late tick tells the due
 * time it missed; further ones that it ran over are left out. `isDueNow`: the first comes at once, for whom there is nothing to wait for.
 */
export const ticks = (clock: Pick<Clock, 'now' | 'after'>, everyMs: Millis, isDueNow = false): Observable<Ticked> =>
  new Observable(subscriber => {
    const start = clock.now()
    let cancel: Cancel
    const wait = (beat: number): void => {
      const due = start + beat * everyMs
      cancel = clock.after(due - clock.now(), () => {
        wait(Math.max(beat, Math.floor((clock.now() - start) / everyMs)) + 1)
        subscriber.next({ type: 'ticked', due })
      })
    }
    wait(isDueNow ? 0 : 1)
    return () => cancel()
  })

/** Often enough to keep heartbeats and election deadlines to half a heartbeat. */
export const tickEveryMs = (heartbeatMs: Millis): Millis => Math.max(1, Math.floor(heartbeatMs / 2))
