import { type Observable, map, merge } from 'rxjs'
import { type Batch, type RaftEvent, isBounded } from '../../lib/events.js'
import type { Clock } from '../time/clock.js'
import type { Ticked } from '../time/ticks.js'
import { perTurn } from './per-turn.js'

export type Received = Extract<RaftEvent, { type: 'received' }>
export type PeerGone = Extract<RaftEvent, { type: 'peerGone' }>
/** What somebody asks of this member, and may be refused: proposals and reads. */
export type Proposed = Extract<RaftEvent, { type: 'proposed' | 'readAsked' }>
/** The answers to what earlier steps asked of the disk and the machine, and what a user of the member wishes of the core. */
export type Completion = Exclude<RaftEvent, Received | PeerGone | Proposed | Ticked>

/** All ways into the core, and the time by which it is driven. */
export interface Inputs {
  /** What peers say, and that one is gone: the latter is told rarely, and always enters. */
  readonly received$: Observable<Received | PeerGone>
  readonly proposed$: Observable<Proposed>
  readonly ticks$: Observable<Ticked>
  readonly completions$: Observable<Completion>
  readonly clock: Pick<Clock, 'now' | 'wall' | 'endOfTurn'>
  /** Messages, proposals and reads of one turn. Completions always enter: the work in flight bounds them. */
  readonly maxInboxEvents: number
  /** Hears of each message, proposal or read that found the inbox full and does not enter: whoever sent or asked it must repeat it. */
  overflowed(event: Received | Proposed): void
  /** Whether anything waits for what the event tells: else it joins the next turn and begins none. */
  isAwaited(event: RaftEvent): boolean
}

/** The only way in: all that happens in one turn of the event loop is one batch, with what nobody waited for before it. */
export const inbox = ({ received$, proposed$, ticks$, completions$, clock, maxInboxEvents, overflowed, isAwaited }: Inputs): Observable<Batch> =>
  merge<RaftEvent[]>(received$, proposed$, ticks$, completions$).pipe(
    perTurn(clock.endOfTurn, {
      max: maxInboxEvents,
      isBounded,
      overflowed: event => isBounded(event) && overflowed(event),
      isAwaited,
    }),
    map(events => ({ now: clock.now(), wall: clock.wall(), events })),
  )
