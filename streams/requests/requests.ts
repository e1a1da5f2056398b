/**
 * Proposals from their origin to their fate: this member's own go through the outlet to whoever leads, and what reaches this
 * member, from its own outlet or over links, goes through the intake to the core.
 */
import type { Settled } from '../../codecs/options.js'
import type { MachineFailed } from '../../lib/errors.js'
import type { Answer } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'
import type { EntryBody, Index, Millis, RequestId, Term } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'
import { type Intake, type IntakeNotice, intake } from './intake.js'
import type { Protocol } from '../machine/machine.js'
import { type Outlet, outlet } from './outlet.js'
import { type Routes, createRoutes } from './routes.js'
import type { Sender } from '../transport/send.js'
import type { Links } from '../transport/port.js'

interface RequestsOptions<C, R> {
  readonly settled: Settled
  readonly protocol: Protocol<C, R>
  readonly links: Pick<Links, 'send'>
  readonly sender: Sender
  readonly clock: Clock
  /** Puts a proposal into the inbox. */
  readonly propose: (id: RequestId, body: EntryBody) => void
  readonly notice: (notice: IntakeNotice) => void
}

export interface Requests<C, R> {
  readonly routes: Routes
  submit: Outlet<C, R>['submit']
  /** A step was folded: what it answered, and where proposals go from now on. */
  folded(state: RaftState, answers: readonly Answer[]): void
  /** The machine has applied commands from `firstIndex` on, all of `term`. */
  applied(firstIndex: Index, term: Term, results: readonly (R | MachineFailed)[]): void
  tick(): void
  /** Refuses what is new, waits up to `stopTimeoutMs` for the fates of what was accepted, then calls `done`. */
  drain(done: () => void): void
  /** Whoever still waits is told at once that the outcome is unknown. */
  abandon(): void
}

/** How long a proposal that names no time waits for its result, a leader included. */
const PROPOSE_TIMEOUT_MS: Millis = 5000

export const createRequests = <C, R>({ settled, protocol, links, sender, clock, propose, notice }: RequestsOptions<C, R>): Requests<C, R> => {
  const { limits, heartbeatMs } = settled
  const taken: Intake<R> = intake({ protocol, limits, propose, leader: () => routes.leader(), notice })
  const given: Outlet<C, R> = outlet({ protocol, limits, timeoutMs: PROPOSE_TIMEOUT_MS, heartbeatMs, clock })
  const routes: Routes = createRoutes({ outlet: given, intake: taken, links, reply: sender.to })
  let drained: { readonly by: Millis; readonly done: () => void } | undefined

  const checkDrained = (): void => {
    if (drained === undefined || (taken.waiting > 0 && clock.now() < drained.by)) return
    const { done } = drained
    drained = undefined
    done()
  }

  return {
    routes,
    submit: given.submit,
    folded: (state, answers) => {
      taken.answered(answers)
      routes.follow(state)
    },
    applied: taken.applied,
    tick: () => {
      given.tick()
      checkDrained()
    },
    drain: done => {
      const by = clock.now() + limits.stopTimeoutMs
      given.stop(() => {
        taken.refuseAll()
        drained = { by, done }
        checkDrained()
      })
    },
    abandon: () => {
      taken.refuseAll()
      taken.abandon()
      routes.sever()
      given.stop(() => undefined)
      sender.flush()
    },
  }
}
