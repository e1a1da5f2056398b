import { packEntries } from '../../codecs/entries.js'
import { EXPIRED, FORGOTTEN, OPENED, type Told } from '../../codecs/results.js'
import { MachineFailed, OutcomeUnknown, type ProposeError, Rejected } from '../../lib/errors.js'
import { type Either, left, right, unreachable } from '../../lib/prelude.js'
import type { ProposeRefused } from '../../lib/requests.js'
import type { Proposal } from './proposal.js'
import type { Fate, Route, Unaddressed } from './route.js'

interface InflightRequest<R> {
  readonly id: number
  readonly proposals: readonly Proposal<R>[]
  readonly bytes: number
}

/** Requests on their way over one route, each until its fate is known. */
export interface InflightRequests<R> {
  /** Requests without a fate. */
  readonly count: number
  /** Their bodies. */
  readonly bytes: number
  /** The route they went over; the last one, when there are none. */
  readonly route: Route | undefined
  /** Whether a refusal closed the epoch: nothing more may be sent until all that is in request has come back. */
  readonly isClosed: boolean
  /** Makes one request of these proposals, to be sent over `route`. */
  add(route: Route, proposals: readonly Proposal<R>[]): Unaddressed
  /** Tells the proposers, or keeps what was refused for `reopen`. */
  settle(fate: Fate<R>): void
  /** Gives up on what is in request: whatever was sent may have arrived. */
  lose(reason: string): void
  /** What is in request was never looked at: it is kept for `reopen`, like all that was refused. */
  recall(): void
  /** Begins a new epoch; what was refused is handed back, in the order in which it was sent. */
  reopen(): readonly Proposal<R>[]
  /** Everything in request and everything refused, in order. */
  proposals(): readonly Proposal<R>[]
}

export interface InflightOptions<R> {
  /** Tells the proposer, who may have been told before. */
  readonly tell: (proposal: Proposal<R>, outcome: Either<ProposeError, R>) => void
  /** These are tracked no more. */
  readonly released: (proposals: readonly Proposal<R>[]) => void
}

/** What is known of the requests that were sent. */
interface InflightState<R> extends InflightOptions<R> {
  readonly requests: Map<number, InflightRequest<R>>
  refused: InflightRequest<R>[]
  bytes: number
  route: Route | undefined
  epoch: number
  isClosed: boolean
  lastId: number
}

const add = <R>(state: InflightState<R>, route: Route, proposals: readonly Proposal<R>[]): Unaddressed => {
  // Another route knows nothing of this one's refusals, and may know of some that were never heard here.
  if (state.route?.key !== route.key) state.epoch++
  state.route = route
  const body = packEntries(proposals.map(proposal => proposal.bytes))
  const request = { id: ++state.lastId, proposals, bytes: body.bytes.length }
  proposals.forEach(proposal => { proposal.at = 'inFlight' })
  state.requests.set(request.id, request)
  state.bytes += request.bytes
  return { type: 'propose', id: request.id, epoch: state.epoch, body }
}

const outcomeOf = <R>(result: Told<R>): Either<MachineFailed | OutcomeUnknown, R> => result === EXPIRED || result === FORGOTTEN || result === OPENED
  ? left(new OutcomeUnknown('what came of it is not known any more'))
  : result instanceof MachineFailed ? left(result) : right(result)

const end = <R>({ released, tell }: InflightState<R>, { proposals }: InflightRequest<R>, outcome: (position: number) => Either<ProposeError, R>): void => {
  released(proposals)
  proposals.forEach((proposal, i) => tell(proposal, outcome(i)))
}

const refuse = <R>(state: InflightState<R>, request: InflightRequest<R>, reason: ProposeRefused['reason']): void => {
  state.isClosed = true
  if (reason === 'invalid' && request.proposals.length === 1) {
    return end(state, request, () => left(new Rejected(['the leader does not accept it: its codec or its limits differ from the ones here'])))
  }
  const { length } = request.proposals
  for (const proposal of request.proposals) {
    proposal.at = 'returned'
    if (reason === 'invalid') proposal.companions = Math.floor(length / 2)
  }
  state.refused.push(request)
}

const settle = <R>(state: InflightState<R>, fate: Fate<R>): void => {
  const request = state.requests.get(fate.id)
  if (request === undefined) return
  state.requests.delete(fate.id)
  state.bytes -= request.bytes
  switch (fate.type) {
    case 'committed': return end(state, request, fate.results.length === request.proposals.length
      ? i => outcomeOf(fate.results[i]!)
      : () => left(new OutcomeUnknown('the answer cannot be read')))
    case 'lost': return end(state, request, () => left(new OutcomeUnknown('the leader lost track of the command, as when its leadership ends')))
    case 'refused': return refuse(state, request, fate.reason)
    default: return unreachable(fate)
  }
}

/** No request has a fate to come any more. */
const close = <R>(state: InflightState<R>): readonly InflightRequest<R>[] => {
  const requests = [...state.requests.values()]
  state.requests.clear()
  state.bytes = 0
  state.isClosed = true
  return requests
}

const lose = <R>(state: InflightState<R>, reason: string): void =>
  close(state).forEach(request => end(state, request, () => left(new OutcomeUnknown(reason))))

const reopen = <R>(state: InflightState<R>): readonly Proposal<R>[] => {
  const proposals = state.refused.sort((a, b) => a.id - b.id).flatMap(request => request.proposals)
  state.refused = []
  state.isClosed = false
  state.epoch++
  return proposals
}

/** The requests of one outlet, over one route after another. */
export const createInflight = <R>(options: InflightOptions<R>): InflightRequests<R> => {
  const state: InflightState<R> = { ...options, requests: new Map(), refused: [], bytes: 0, route: undefined, epoch: 0, isClosed: false, lastId: 0 }
  return {
    get count() {
      return state.requests.size
    },
    get bytes() {
      return state.bytes
    },
    get route() {
      return state.route
    },
    get isClosed() {
      return state.isClosed
    },
    add: (route, proposals) => add(state, route, proposals),
    settle: fate => settle(state, fate),
    lose: reason => lose(state, reason),
    recall: () => close(state).forEach(request => refuse(state, request, 'stopped')),
    reopen: () => reopen(state),
    proposals: () => [...state.refused, ...state.requests.values()].flatMap(request => request.proposals),
  }
}
