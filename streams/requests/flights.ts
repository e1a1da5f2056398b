import { packEntries } from '../../codecs/entries.js'
import { MachineFailed, OutcomeUnknown, type ProposeError, Rejected } from '../../lib/errors.js'
import { type Either, left, right, unreachable } from '../../lib/prelude.js'
import type { ProposeRefused, ProposeRequest } from '../../lib/requests.js'
import type { Proposal } from './proposal.js'
import type { Fate, Route } from './route.js'

interface Flight<R> {
  readonly id: number
  readonly proposals: readonly Proposal<R>[]
  readonly bytes: number
}

/** Requests on their way over one route, each until its fate is known. */
export interface Flights<R> {
  /** Requests without a fate. */
  readonly count: number
  /** Their bodies. */
  readonly bytes: number
  /** The route they went over; the last one, when there are none. */
  readonly route: Route | undefined
  /** Whether a refusal closed the epoch: nothing more may be sent until all that is in flight has come back. */
  readonly isClosed: boolean
  /** Makes one request of these proposals, to be sent over `route`. */
  add(route: Route, proposals: readonly Proposal<R>[]): ProposeRequest
  /** Tells the proposers, or keeps what was refused for `reopen`. */
  settle(fate: Fate<R>): void
  /** Gives up on what is in flight: whatever was sent may have arrived. */
  lose(reason: string): void
  /** Begins a new epoch; what was refused is handed back, in the order in which it was sent. */
  reopen(): readonly Proposal<R>[]
  /** Everything in flight and everything refused, in order. */
  proposals(): readonly Proposal<R>[]
}

export interface FlightsOptions<R> {
  /** Tells the proposer, who may have been told before. */
  readonly tell: (proposal: Proposal<R>, outcome: Either<ProposeError, R>) => void
  /** These are tracked no more. */
  readonly released: (proposals: readonly Proposal<R>[]) => void
}

/** What is known of the requests that were sent. */
interface Sky<R> extends FlightsOptions<R> {
  readonly flying: Map<number, Flight<R>>
  refused: Flight<R>[]
  bytes: number
  route: Route | undefined
  epoch: number
  isClosed: boolean
  lastId: number
}

const add = <R>(sky: Sky<R>, route: Route, proposals: readonly Proposal<R>[]): ProposeRequest => {
  // Another route knows nothing of this one's refusals, and may know of some that were never heard here.
  if (sky.route?.key !== route.key) sky.epoch++
  sky.route = route
  const body = packEntries(proposals.map(proposal => proposal.bytes))
  const flight = { id: ++sky.lastId, proposals, bytes: body.bytes.length }
  proposals.forEach(proposal => { proposal.at = 'inFlight' })
  sky.flying.set(flight.id, flight)
  sky.bytes += flight.bytes
  return { type: 'propose', id: flight.id, epoch: sky.epoch, body }
}

const outcomeOf = <R>(result: R | MachineFailed): Either<MachineFailed, R> => result instanceof MachineFailed ? left(result) : right(result)

const end = <R>({ released, tell }: Sky<R>, { proposals }: Flight<R>, outcome: (position: number) => Either<ProposeError, R>): void => {
  released(proposals)
  proposals.forEach((proposal, i) => tell(proposal, outcome(i)))
}

const refuse = <R>(sky: Sky<R>, flight: Flight<R>, reason: ProposeRefused['reason']): void => {
  sky.isClosed = true
  if (reason === 'invalid' && flight.proposals.length === 1) {
    return end(sky, flight, () => left(new Rejected(['the leader does not accept it: its codec or its limits differ from the ones here'])))
  }
  for (const proposal of flight.proposals) {
    proposal.at = 'returned'
    proposal.alone ||= reason === 'invalid'
  }
  sky.refused.push(flight)
}

const settle = <R>(sky: Sky<R>, fate: Fate<R>): void => {
  const flight = sky.flying.get(fate.id)
  if (flight === undefined) return
  sky.flying.delete(fate.id)
  sky.bytes -= flight.bytes
  switch (fate.type) {
    case 'committed': return end(sky, flight, fate.results.length === flight.proposals.length
      ? i => outcomeOf(fate.results[i]!)
      : () => left(new OutcomeUnknown('the answer cannot be read')))
    case 'lost': return end(sky, flight, () => left(new OutcomeUnknown('the leader lost track of the command, as when its leadership ends')))
    case 'refused': return refuse(sky, flight, fate.reason)
    default: return unreachable(fate)
  }
}

const lose = <R>(sky: Sky<R>, reason: string): void => {
  const lost = [...sky.flying.values()]
  sky.flying.clear()
  sky.bytes = 0
  sky.isClosed = true
  lost.forEach(flight => end(sky, flight, () => left(new OutcomeUnknown(reason))))
}

const reopen = <R>(sky: Sky<R>): readonly Proposal<R>[] => {
  const proposals = sky.refused.sort((a, b) => a.id - b.id).flatMap(flight => flight.proposals)
  sky.refused = []
  sky.isClosed = false
  sky.epoch++
  return proposals
}

/** Nothing in flight. */
export const flights = <R>(options: FlightsOptions<R>): Flights<R> => {
  const sky: Sky<R> = { ...options, flying: new Map(), refused: [], bytes: 0, route: undefined, epoch: 0, isClosed: false, lastId: 0 }
  return {
    get count() {
      return sky.flying.size
    },
    get bytes() {
      return sky.bytes
    },
    get route() {
      return sky.route
    },
    get isClosed() {
      return sky.isClosed
    },
    add: (route, proposals) => add(sky, route, proposals),
    settle: fate => settle(sky, fate),
    lose: reason => lose(sky, reason),
    reopen: () => reopen(sky),
    proposals: () => [...sky.refused, ...sky.flying.values()].flatMap(flight => flight.proposals),
  }
}
