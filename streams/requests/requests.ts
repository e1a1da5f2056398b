/**
 * Proposals from their origin to their fate: this member's own go through the outlet to whoever leads, and what reaches this
 * member, from its own outlet or over links, goes through the intake to the core.
 */
import { type CheckedOptions, DEFAULT_PROPOSE_TIMEOUT_MS } from '../../codecs/options.js'
import type { Told } from '../../codecs/results.js'
import type { Answer } from '../../lib/events.js'
import type { EntryBody, Index, Millis, RequestId, Term } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'
import { type Intake, type IntakeNotice, createIntake } from './intake.js'
import type { Protocol } from '../machine/machine.js'
import type { DecodedCommands } from '../machine/decoded-commands.js'
import { type Outlet, createOutlet } from './outlet.js'
import { type Routes, createRoutes } from './routes.js'
import type { Linked } from '../transport/linked.js'
import type { Sender } from '../transport/send.js'
import type { Links } from '../transport/port.js'

interface RequestsOptions<C, R> {
  readonly options: CheckedOptions
  readonly protocol: Protocol<C, R>
  readonly commands: DecodedCommands<C>
  readonly links: Pick<Links, 'send'>
  readonly linked: Linked
  readonly sender: Sender
  readonly clock: Clock
  /** Puts a proposal into the inbox. */
  readonly propose: (id: RequestId, body: EntryBody, term: Term) => void
  readonly notice: (notice: IntakeNotice) => void
  readonly random: () => number
}

export interface Requests<C, R> extends Routes {
  submit: Outlet<C, R>['submit']
  /** What a step answered. */
  answered(answers: readonly Answer[]): void
  /** The machine has applied commands from `firstIndex` on, all of `term`: whoever proposed them is told at once. */
  applied(firstIndex: Index, term: Term, results: readonly Told<R>[]): void
  tick(): void
  /** Own proposals without an outcome, as the bound counts them. */
  readonly pending: number
  /** Refuses what is new, waits up to `stopTimeoutMs` for the fates of what was accepted, then calls `done`. */
  drain(done: () => void): void
  /** Whoever still waits is told at once that the outcome is unknown, because of `why`. */
  halt(why: string): void
}

export const createRequests = <C, R>({ options, protocol, commands, links, linked, sender, clock, random, propose, notice }: RequestsOptions<C, R>): Requests<C, R> => {
  const { limits, heartbeatMs } = options
  const intake: Intake<R> = createIntake({ protocol, limits, commands, propose, leader: linked.leader, term: linked.term, notice })
  const outlet: Outlet<C, R> = createOutlet({ protocol, limits, timeoutMs: DEFAULT_PROPOSE_TIMEOUT_MS, heartbeatMs, clock, random, outside: linked.outside })
  let drained: { readonly by: Millis; readonly done: () => void } | undefined

  const checkDrained = (): void => {
    if (drained === undefined || (intake.waiting > 0 && clock.now() < drained.by)) return
    const { done } = drained
    drained = undefined
    done()
  }

  return {
    ...createRoutes({ id: options.id, outlet, intake, links, linked, reply: sender.to }),
    submit: outlet.submit,
    answered: intake.answered,
    applied: (firstIndex, term, results) => {
      intake.applied(firstIndex, term, results)
      sender.flush()
      // The last answer may have been among them; the commits that belong to it are told before all ends.
      if (drained !== undefined) clock.endOfTurn(checkDrained)
    },
    tick: () => {
      outlet.tick()
      checkDrained()
    },
    get pending() {
      return outlet.pending
    },
    drain: done => {
      const by = clock.now() + limits.stopTimeoutMs
      outlet.drain(() => {
        intake.refuseAll()
        drained = { by, done }
        checkDrained()
      })
    },
    halt: why => {
      intake.refuseAll()
      intake.halt()
      outlet.halt(why)
      sender.flush()
    },
  }
}
