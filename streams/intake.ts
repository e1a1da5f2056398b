/**
 * Where proposals reach the core: bodies from this member's own outlet and from links become `proposed` events, and what the core
 * and the machine say of them goes back to where they came from.
 */
import type { Limits } from '../codecs/options.js'
import type { MachineFailed } from '../lib/errors.js'
import type { Answer } from '../lib/events.js'
import type { ProposeReply, ProposeRequest } from '../lib/requests.js'
import type { EntryBody, Index, MemberId, RequestId, Term } from '../lib/types.js'
import type { Protocol } from './machine.js'
import type { Fate } from './outlet.js'

export interface IntakeOptions<C, R> {
  readonly protocol: Protocol<C, R>
  readonly limits: Pick<Limits, 'maxCommandBytes' | 'maxFrameBytes'>
  /** Puts a `proposed` event into the inbox; false when its bound is reached, and then nothing was put. */
  readonly propose: (id: RequestId, body: EntryBody) => boolean
  /** Who leads, as far as this member knows; goes with every refusal. */
  readonly leader: () => { readonly id: MemberId; readonly address: string } | undefined
  /** A request or a result that could not pass; for the diagnostics stream. */
  readonly notice: (notice: IntakeNotice) => void
}

export type IntakeNotice =
  /** A request over a link holds a command that this member's codec or bounds refuse. */
  | { readonly type: 'invalidRequest'; readonly from: string; readonly reason: string }
  /** Results that cannot be encoded, or not within `maxFrameBytes`: the origin is told that the outcome is unknown. */
  | { readonly type: 'unsendableResult'; readonly firstIndex: Index; readonly reason: string }

/** One origin of requests: the own outlet, or one link. */
export interface Door {
  /** Every request is answered exactly once, possibly before this returns, unless the door is closed first. */
  receive(request: ProposeRequest): void
  /** The link is down: nothing more is answered. What was accepted stays proposed. */
  close(): void
}

export interface Intake<R> {
  /** For this member's own outlet: bodies were validated there, results go back as they are. */
  openSelf(settle: (fate: Fate<R>) => void): Door
  /** For one link; `from` names it in notices. */
  openLink(from: string, reply: (reply: ProposeReply) => void): Door
  /**
   * What a step answered. Call it in the step's own turn, before the next batch is formed and before the gate: a refusal must close
   * the epoch before anything later of it reaches the core, and nothing here vouches for what is on the disk.
   */
  answered(answers: readonly Answer[]): void
  /** The machine has applied commands from `firstIndex` on, all of `term`; called in log order. */
  applied(firstIndex: Index, term: Term, results: readonly (R | MachineFailed)[]): void
  /** From now on every new request is refused as stopped; accepted ones are still answered. */
  refuseAll(): void
  /** Tells everyone still waiting that the outcome is unknown. */
  abandon(): void
  /** Requests accepted and not answered. */
  readonly waiting: number
}

export declare const intake: <C, R>(options: IntakeOptions<C, R>) => Intake<R>
