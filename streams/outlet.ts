/**
 * Where proposals begin: a bounded FIFO that keeps each command until it has a fate, and one route at a time to the leader.
 *
 *     submit ──► waiting ── packed once a turn ──► in flight on the route ──► committed | lost | timed out
 *                   ▲                                   │
 *                   └─── refused: nothing appended ─────┘   back to the front, in the order of submission
 *
 * A command is sent again only after a refusal, which says that it was appended nowhere.
 */
import type { Limits } from '../codecs/options.js'
import type { MachineFailed, ProposeError } from '../lib/errors.js'
import type { Either } from '../lib/prelude.js'
import type { ProposeReply, ProposeRequest } from '../lib/requests.js'
import type { MemberId, Millis, Term } from '../lib/types.js'
import type { Protocol } from './machine.js'
import type { ProposeOptions } from './proposer.js'

/** The way to the leader. */
export interface Route {
  /** Names this very connection: after `gone(key)` a new link to the same member is another route. */
  readonly key: string
  /** For the route to this member's own core: the term in which it leads. Undefined for a link. */
  readonly term: Term | undefined
  /** Hands requests over, in order, in one call per turn. Fates arrive later, never during the call. */
  send(requests: readonly ProposeRequest[]): void
}

/** What became of one request. From the own core the results come as they are; over a link they come packed, as a `ProposeReply`. */
export type Fate<R> =
  | { readonly type: 'committed'; readonly id: number; readonly results: readonly (R | MachineFailed)[] }
  | Exclude<ProposeReply, { readonly type: 'committed' }>

export type OutletLimits = Pick<Limits,
  'maxCommandBytes' | 'maxBatchBytes' | 'maxPendingProposals' | 'maxPendingBytes' | 'maxInflightBytes' | 'stopTimeoutMs'>

export interface OutletOptions<C, R> {
  readonly protocol: Protocol<C, R>
  readonly limits: OutletLimits
  /** For proposals that name no `timeoutMs`. */
  readonly timeoutMs: Millis
  /** How long requests on a former route may still be answered once there is another route, and how long to wait after a refusal before trying the same route again. */
  readonly heartbeatMs: Millis
  /** Monotonic. */
  readonly now: () => Millis
  /** Runs `work` once at the end of this turn of the event loop: `setImmediate`, or a virtual one. */
  readonly schedule: (work: () => void) => void
}

export interface Outlet<C, R> {
  /**
   * Takes a command over; `done` is called exactly once, possibly before this returns. With a `term` it is proposed by this
   * member as the leader of that term or not at all.
   */
  submit(command: C, options: ProposeOptions & { readonly term?: Term }, done: (outcome: Either<ProposeError, R>) => void): void
  /** Says which way proposals go from now on, if there is any, and who leads as far as is known. Naming the present route changes nothing. */
  reroute(route: Route | undefined, leader: MemberId | undefined): void
  /** The fate of a request that was sent over the route `key`; unknown ones are ignored. */
  settle(key: string, fate: Fate<R>): void
  /** The same for a reply from a link, whose results are still packed. */
  replied(key: string, reply: ProposeReply): void
  /** The route is no more: what is in flight on it has an unknown outcome. */
  gone(key: string): void
  /** Lets time pass: deadlines, graces and pauses are looked at here and nowhere else. Call it with every tick. */
  tick(): void
  /** Refuses new commands, waits up to `stopTimeoutMs` for those it has, then calls `done`; needs ticks meanwhile. Twice is once. */
  stop(done: () => void): void
  /** Commands that have no fate yet, as the bounds count them. */
  readonly pending: number
  /** Requests sent and not answered. */
  readonly inFlight: number
}

export declare const outlet: <C, R>(options: OutletOptions<C, R>) => Outlet<C, R>
