import { type ProposeError, TimedOut } from '../../lib/errors.js'
import { type Either, left } from '../../lib/prelude.js'
import type { Index, MemberId, Millis, Term } from '../../lib/types.js'

/** Where a command is on its way to the log, as far as whoever proposes it can see; what each means stands with `Tracked`. */
export type CommandStage =
  | { readonly type: 'queued' }
  | { readonly type: 'sent'; readonly to: MemberId }
  | { readonly type: 'appended'; readonly index: Index; readonly term: Term }

/** One command on its way, from its submission to its one outcome. */
export interface Proposal<R> {
  readonly bytes: Uint8Array
  /** Set for a leadership's proposal: in this term or not at all. */
  readonly term: Term | undefined
  readonly timeoutMs: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
  /** Hears where it is, if anybody wants to know. */
  readonly watch: ((stage: CommandStage) => void) | undefined
  /** Undefined once the proposer has been told. */
  done: ((outcome: Either<ProposeError, R>) => void) | undefined
  /** `returned`: handed over, refused, and soon to wait again. */
  at: 'waiting' | 'inFlight' | 'returned'
}

/** The outcome of a proposal whose time is up. */
export const timedOut = ({ timeoutMs, at }: Pick<Proposal<never>, 'timeoutMs' | 'at'>): Either<TimedOut, never> => left(at === 'inFlight'
  ? new TimedOut('unknown', `No answer came within ${timeoutMs} ms; the command had been handed over and may still be applied.`)
  : new TimedOut('never', `The command could not be handed over within ${timeoutMs} ms; it is not applied, and will not be.`))

/** The outcome of a proposal whose proposer gave up. */
export const aborted = (at: Proposal<never>['at']): Either<TimedOut, never> => left(at === 'inFlight'
  ? new TimedOut('unknown', 'The proposal was aborted after the command had been handed over; it may still be applied.')
  : new TimedOut('never', 'The proposal was aborted before the command was handed over; it is not applied, and will not be.'))
