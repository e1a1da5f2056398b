/** Commands and their fates, for tests of either end of a proposal's way. */
import * as t from 'io-ts'
import { forEachEntry, packEntries } from '../../../codecs/entries.js'
import { DEFAULT_LIMITS, type Limits } from '../../../codecs/options.js'
import { decodeValue, encodeValue } from '../../../codecs/values.js'
import type { Told } from '../../../codecs/results.js'
import type { ProposeError } from '../../../lib/errors.js'
import { type Either, isLeft, isRight } from '../../../lib/prelude.js'
import type { ProposeRefused } from '../../../lib/requests.js'
import type { EntryBody, MemberId } from '../../../lib/types.js'
import { type Outlet, type SubmitOptions, createOutlet } from '../../../streams/requests/outlet.js'
import type { Route, Unaddressed } from '../../../streams/requests/route.js'
import { virtualClock } from '../member/world.js'

export const protocol = { command: t.string, result: t.number }
export const encoded = (command: string): Uint8Array => {
  const bytes = encodeValue(t.string, command)
  if (isLeft(bytes)) throw new Error(bytes.left.join())
  return bytes.right
}
export const bodyOf = (...commands: readonly string[]): EntryBody => packEntries(commands.map(encoded))
export const commandsIn = (body: EntryBody): readonly string[] => {
  const commands: string[] = []
  forEachEntry(body, 0, body.count, entry => {
    const command = decodeValue(t.string, entry)
    commands.push(isLeft(command) ? '?' : command.right)
  })
  return commands
}

/** What a proposal came to, in few words. */
export type Outcome = { readonly result: number } | { readonly tag: ProposeError['_tag']; readonly appended: ProposeError['appended'] }
export const told = (outcome: Either<ProposeError, number>): Outcome =>
  isRight(outcome) ? { result: outcome.right } : { tag: outcome.left._tag, appended: outcome.left.appended }

export const refused = (id: number, reason: ProposeRefused['reason'] = 'notLeader', place?: number): ProposeRefused => ({ type: 'refused', id, reason, place, leader: undefined })

/** An outlet in virtual time, with what it sent and what it told. */
export const origin = (limits: Partial<Limits> = {}) => {
  const clock = virtualClock()
  let names = 1000
  const out: Outlet<string, number> = createOutlet({ protocol, limits: { ...DEFAULT_LIMITS, ...limits }, timeoutMs: 5000, heartbeatMs: 100, clock, random: () => ++names / 2 ** 32 })
  const sent: (Unaddressed & { readonly over: string })[] = []
  const outcomes: Record<string, Outcome> = {}
  const route = (key: string, office?: Route['office']): Route => ({ key, to: key, office, send: requests => sent.push(...requests.map(request => ({ ...request, over: key }))) })
  let isOpen = false
  const open = (leader?: MemberId): void => {
    if (!isOpen) out.reroute(route('self 0', { term: 0, session: 1 }), leader)
    isOpen = true
  }
  const committed = (key: string, id: number, ...results: readonly Told<number>[]): void => out.settle(key, { type: 'committed', id, firstIndex: 1, results })
  return {
    clock, out, sent, outcomes, committed,
    submit: (command: string, options: SubmitOptions = {}): void => out.submit(command, options, outcome => {
      if (command in outcomes) throw new Error(`${command} was told twice`)
      outcomes[command] = told(outcome)
    }),
    /** Ends the turn, so that what waits is sent. */
    turn: clock.settle,
    /** Session 1 is open from now on, as to one who has led before. */
    open,
    /** To this member itself where it leads a term, and else over a link, with a session that is open already. */
    to: (key: string | undefined, term?: number, session = 1): void => {
      if (key !== undefined && term === undefined) open(key)
      out.reroute(key === undefined ? undefined : route(key, term === undefined ? undefined : { term, session }), key)
    },
    /** Over a link, without one. */
    toOther: (key: string): void => out.reroute(route(key), key),
    wait: (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 50) {
        clock.advance(50)
        out.tick()
        clock.settle()
      }
    },
    /** The commands of each request, in the order of sending. */
    log: (): readonly string[] => sent.map(({ over, epoch, body }) => `${over} ${epoch}: ${commandsIn(body).join(' ')}`),
  }
}
export type Origin = ReturnType<typeof origin>

/** A command that is on its way over a link to `n2`, as request 1. */
export const inFlight = (o: Origin, options?: SubmitOptions): void => {
  o.to('n2')
  o.submit('a', options)
  o.turn()
}
/** The same, whose link broke: it is on its way again, as request 2 over a link to `n3`. */
export const sentAgain = (o: Origin, options?: SubmitOptions): void => {
  inFlight(o, options)
  o.out.gone('n2', 'unknown')
  o.to('n3')
  o.turn()
}
