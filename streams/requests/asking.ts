/**
 * One who asks whoever leads, be it to take proposals or to confirm reads: which way, and when. What waits leaves at the end of a turn, all that waits by then
 * together. After a refusal nothing leaves before the next tick or another way: the same question at once would get the same answer.
 */
import { Busy, NotLeader } from '../../lib/errors.js'
import type { ProposeRefused } from '../../lib/requests.js'
import type { MemberId } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'

export interface Asking<W extends { readonly key: string }> {
  readonly route: W | undefined
  /** Who leads, as far as is known. */
  readonly leader: MemberId | undefined
  readonly isPaused: boolean
  /** Says which route to ask on from now on, if there is any, and who leads. Whether that is another route than before. */
  reroute(route: W | undefined, leader: MemberId | undefined): boolean
  /** Something that was asked over the route `key` was refused. */
  refused(key: string, reason: ProposeRefused['reason']): void
  /** Something was taken: earlier refusals explain nothing any more. */
  taken(): void
  /** A tick has come: the pause after a refusal is over. */
  resume(): void
  /** Sends at the end of this turn, if anything waits by now. */
  wake(): void
  /** Why what waits could not be asked, unless it was for want of time; `busy` names the bound that a leader keeps, and `why` is told what is known here of the leader and of this member, as clauses. */
  obstacle(busy: string, why: (known: string) => string): Busy | NotLeader | undefined
}

export interface AskingOptions {
  readonly clock: Pick<Clock, 'endOfTurn'>
  readonly hasWaiting: () => boolean
  /** Sends what may leave. */
  readonly send: () => void
  /** That this member is outside the cluster, as a clause; a client never was inside. */
  readonly outside?: (() => string) | undefined
}

export const createAsking = <W extends { readonly key: string }>({ clock, hasWaiting, send, outside }: AskingOptions): Asking<W> => {
  let route: W | undefined
  let leader: MemberId | undefined
  let isPaused = false
  let isScheduled = false
  let lastRefusal: ProposeRefused['reason'] | undefined
  return {
    get route() { return route },
    get leader() { return leader },
    get isPaused() { return isPaused },
    reroute: (next, who) => {
      leader = who
      if (next?.key === route?.key) return false
      route = next
      isPaused = false
      lastRefusal = undefined
      return true
    },
    refused: (key, reason) => {
      if (key !== route?.key) return
      isPaused = true
      lastRefusal = reason
    },
    taken: () => { lastRefusal = undefined },
    resume: () => { isPaused = false },
    wake: () => {
      if (isScheduled || route === undefined || !hasWaiting()) return
      isScheduled = true
      clock.endOfTurn(() => {
        isScheduled = false
        send()
      })
    },
    obstacle: (busy, why) => {
      if (lastRefusal === 'busy') return new Busy(busy)
      if (lastRefusal === 'inboxFull') return new Busy('maxInboxEvents')
      if (route !== undefined && lastRefusal === undefined) return undefined
      return new NotLeader(leader, why(`${leader === undefined ? '' : `; "${leader}" was last known to lead`}${outside?.() ?? ''}`))
    },
  }
}
