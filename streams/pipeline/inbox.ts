import { type Observable, map, merge } from 'rxjs'
import type { Batch, RaftEvent } from '../../lib/events.js'
import type { Clock } from '../time/clock.js'
import type { Ticked } from '../time/ticks.js'
import { perTurn } from './per-turn.js'

export type Received = Extract<RaftEvent, { type: 'received' }>
export type PeerGone = Extract<RaftEvent, { type: 'peerGone' }>
export type Proposed = Extract<RaftEvent, { type: 'proposed' }>
/** The answers to what earlier steps asked of the disk and the machine. */
export type Completion = Exclude<RaftEvent, Received | PeerGone | Proposed | Ticked>

/** All ways into the core, and the time by which it is driven. */
export interface Inputs {
  /** What peers say, and what is heard of them: few, and never too many for the inbox. */
  readonly received$: Observable<Received | PeerGone>
  readonly proposed$: Observable<Proposed>
  readonly ticks$: Observable<Ticked>
  readonly completions$: Observable<Completion>
  /** What need not be heard at once, since something else will be soon, or nothing waits for it: it joins the next turn and begins none. */
  readonly asides$: Observable<Completion | Proposed>
  readonly clock: Pick<Clock, 'now' | 'wall' | 'endOfTurn'>
  /** Messages and proposals of one turn. Completions always enter: the work in flight bounds them. */
  readonly maxInboxEvents: number
  /** Hears of each message or proposal that found the inbox full. */
  overflowed(event: Received | Proposed): void
}

const isBounded = (event: RaftEvent): event is Received | Proposed => event.type === 'received' || event.type === 'proposed'

/** The only way in: everything that happens in one turn of the event loop is one batch. */
export const inbox = ({ received$, proposed$, ticks$, completions$, asides$, clock, maxInboxEvents, overflowed }: Inputs): Observable<Batch> =>
  merge<RaftEvent[]>(received$, proposed$, ticks$, completions$).pipe(
    perTurn(clock.endOfTurn, {
      max: maxInboxEvents,
      isBounded,
      overflowed: event => isBounded(event) && overflowed(event),
    }, asides$),
    map(events => ({ now: clock.now(), wall: clock.wall(), events })),
  )
