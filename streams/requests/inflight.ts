import { MAX_POSITION } from '../../codecs/bytes.js'
import { type Numbering, packEntries, packOpening } from '../../codecs/entries.js'
import { EXPIRED, FORGOTTEN, OPENED, type Told } from '../../codecs/results.js'
import { MachineFailed, OutcomeUnknown, type ProposeError, Rejected, SessionExpired } from '../../lib/errors.js'
import { type Either, left, right, unreachable } from '../../lib/prelude.js'
import type { ProposeRefused } from '../../lib/requests.js'
import type { EntryBody, Index, Term } from '../../lib/types.js'
import type { Numbers } from './numbers.js'
import type { Proposal } from './proposal.js'
import type { Fate, Route, Unaddressed } from './route.js'

interface InflightRequest<R> {
  /** The name that it has on its route; another each time it is sent. */
  id: number
  /** Its place among all that were ever sent. */
  readonly serial: number
  /** The name of the session that is to be opened; there are no proposals then. */
  readonly opens: number | undefined
  readonly proposals: readonly Proposal<R>[]
  bytes: number
  /** Without one it is sent once: what opens a session, and a leadership's commands. */
  readonly numbering: Numbering | undefined
  /** It was sent before, and nobody knows what became of it. */
  isRepeated: boolean
}

/** Requests on their way over one route, each until its fate is known. */
export interface InflightRequests<R> {
  /** Requests without a fate that may still be told one. */
  readonly count: number
  /** Their bodies. */
  readonly bytes: number
  /** Requests whose fate nobody will tell: they are to be sent again. */
  readonly unknown: number
  /** The route they went over; the last one, when there are none. */
  readonly route: Route | undefined
  /** So many commands may travel together: after one that is invalid as many as came before it, and twice as many with each answer. */
  readonly together: number
  /** Whether a refusal or a loss closed the epoch: nothing more may be sent until all that is in request has come back. */
  readonly isClosed: boolean
  /** Makes the first of those whose fate is unknown a request again. */
  repeat(route: Route): Unaddressed | undefined
  /** Asks for a session, unless there is one, or that is asked for. */
  askForSession(route: Route): Unaddressed | undefined
  /** Makes one request of these proposals, to be sent over `route`. Those of a leadership are not numbered, and the others are. */
  add(route: Route, proposals: readonly Proposal<R>[]): Unaddressed
  /** It stands in this member's log: whoever watches its commands is told where. */
  appended(id: number, firstIndex: Index, term: Term): void
  /** Tells the proposers, or keeps what was refused for `reopen`, and what was lost for `repeat`. Whether a session was asked for, and there is none. */
  settle(fate: Fate<R>): boolean
  /** What is in request will not be answered any more: it may have been appended. */
  lose(reason: string): void
  /** What is in request was never looked at: it is kept for `reopen`, like all that was refused. */
  recall(): void
  /** Whoever waits for something whose fate is unknown is told so, and nothing is sent again. */
  giveUp(reason: string): void
  /** Begins a new epoch; what was refused is handed back, in the order in which it was sent. */
  reopen(): readonly Proposal<R>[]
  /** Of what is to be sent again, that is dropped for which nobody waits. */
  prune(): void
  /** Everything in request, everything refused and everything unknown. */
  proposals(): readonly Proposal<R>[]
}

export interface InflightOptions<R> {
  /** Of whoever proposes. */
  readonly numbers: Numbers
  /** Tells the proposer, who may have been told before. */
  readonly tell: (proposal: Proposal<R>, outcome: Either<ProposeError, R>) => void
  /** From 0 up to 1: names of sessions are drawn from it. */
  readonly random: () => number
  /** These are tracked no more. */
  readonly released: (proposals: readonly Proposal<R>[]) => void
}

/** Names are drawn from here on, for no term is as high: the session of a leader has its term for a name. */
const FIRST_NAME = 2 ** 32
/** How many there are to draw from. */
const NAMES = MAX_POSITION - FIRST_NAME

/** What is known of the requests that were sent. */
interface InflightState<R> extends InflightOptions<R> {
  readonly requests: Map<number, InflightRequest<R>>
  refused: InflightRequest<R>[]
  /** Those from `next` on, by their serial unless some are just coming back. */
  unknown: InflightRequest<R>[]
  next: number
  /** The first of this epoch that was refused: whoever refuses one refuses all that follow. */
  refusedFrom: number
  bytes: number
  route: Route | undefined
  together: number
  epoch: number
  isClosed: boolean
  lastId: number
}

/** Sends it under a new id. Whatever id and size it had are replaced: one that is repeated has those of its last time. */
const request = <R>(state: InflightState<R>, route: Route, made: InflightRequest<R>, body: EntryBody): Unaddressed => {
  // Another route knows nothing of this one's refusals, and may know of some that were never heard here.
  if (state.route?.key !== route.key) state.epoch++
  state.route = route
  const id = ++state.lastId
  made.id = id
  made.bytes = body.bytes.length
  state.requests.set(id, made)
  state.bytes += body.bytes.length
  // Whoever hears of it may stop everything: by now it counts.
  for (const { watch } of made.proposals) watch?.({ type: 'sent', to: route.to })
  return { type: 'propose', id, epoch: state.epoch, body }
}

const commandsOf = (proposals: readonly Proposal<never>[]): readonly Uint8Array[] => proposals.map(({ bytes }) => bytes)

/** Its first time; `request` fills in id and bytes. */
const fresh = <R>(
  state: InflightState<R>, route: Route, { opens, proposals, numbering }: Pick<InflightRequest<R>, 'opens' | 'proposals' | 'numbering'>, body: EntryBody,
): Unaddressed => request(state, route, { id: 0, serial: state.lastId + 1, opens, proposals, bytes: 0, numbering, isRepeated: false }, body)

const add = <R>(state: InflightState<R>, route: Route, proposals: readonly Proposal<R>[]): Unaddressed => {
  const numbering = proposals[0]?.term === undefined ? state.numbers.take(proposals.length) : undefined
  for (const proposal of proposals) proposal.at = 'inFlight'
  return fresh(state, route, { opens: undefined, proposals, numbering }, packEntries(commandsOf(proposals), numbering))
}

const askForSession = <R>(state: InflightState<R>, route: Route): Unaddressed | undefined => {
  if (state.numbers.name !== undefined) return undefined
  for (const asked of state.requests.values()) if (asked.opens !== undefined) return undefined
  const opens = FIRST_NAME + Math.floor(state.random() * NAMES)
  return fresh(state, route, { opens, proposals: [], numbering: undefined }, packOpening(opens))
}

/** Its numbers are not open any more. */
const settled = <R>({ numbers }: InflightState<R>, { numbering }: InflightRequest<R>): void => { if (numbering !== undefined) numbers.settled(numbering) }

const isWaitedFor = ({ proposals }: InflightRequest<never>): boolean => proposals.some(({ done }) => done !== undefined)

/** What nobody waits for any more is not sent again: numbers may be left out. */
const drop = <R>(state: InflightState<R>, request: InflightRequest<R>): void => {
  settled(state, request)
  state.released(request.proposals)
}

/** Those whose fate is unknown, and there are none any more. */
const takeUnknown = <R>(state: InflightState<R>): InflightRequest<R>[] => {
  const unknown = state.unknown.slice(state.next)
  state.unknown = []
  state.next = 0
  return unknown
}

const prune = <R>(state: InflightState<R>): void => {
  const unknown = takeUnknown(state)
  state.unknown = unknown.filter(isWaitedFor)
  if (state.unknown.length < unknown.length) for (const request of unknown) if (!isWaitedFor(request)) drop(state, request)
}

/** The same commands under the same numbers; only what is waited for may be less by now. */
const repeat = <R>(state: InflightState<R>, route: Route): Unaddressed | undefined => {
  while (state.next < state.unknown.length) {
    const first = state.unknown[state.next++]!
    if (first.numbering !== undefined && isWaitedFor(first)) return request(state, route, first, packEntries(commandsOf(first.proposals), state.numbers.renewed(first.numbering)))
    drop(state, first)
  }
  return undefined
}

const unknownBecause = (reason: string): Either<OutcomeUnknown, never> => left(new OutcomeUnknown(reason))

const outcomeOf = <R>(result: Told<R>): Either<MachineFailed | OutcomeUnknown | SessionExpired, R> => {
  if (result === EXPIRED) return left(new SessionExpired())
  if (result === FORGOTTEN || result === OPENED) return unknownBecause('its result is not known any more, or cannot be carried or read')
  return result instanceof MachineFailed ? left(result) : right(result)
}

const end = <R>(state: InflightState<R>, request: InflightRequest<R>, outcome: (position: number) => Either<ProposeError, R>): void => {
  const { proposals } = request
  settled(state, request)
  state.released(proposals)
  proposals.forEach((proposal, i) => state.tell(proposal, outcome(i)))
}

/** It was appended nowhere, or changed nothing, and goes back to where it came from. */
const takeBack = <R>(state: InflightState<R>, request: InflightRequest<R>): void => {
  settled(state, request)
  for (const proposal of request.proposals) proposal.at = 'returned'
  state.refused.push(request)
}

/** What may have been appended is sent again, if it has numbers by which it is known. */
const keep = <R>(state: InflightState<R>, request: InflightRequest<R>, reason: string): void => {
  state.isClosed = true
  if (request.numbering === undefined) return end(state, request, () => unknownBecause(reason))
  request.isRepeated = true
  state.unknown.push(request)
}

/** Which of its commands is to blame alone, if that is known. */
const blamed = ({ proposals }: InflightRequest<never>, place: number | undefined): number | undefined =>
  proposals.length === 1 ? 0 : place !== undefined && place <= proposals.length ? place - 1 : undefined

const notAccepted = (): Either<Rejected, never> => left(new Rejected(['the leader does not accept it: by the codec of its machine it is no command, or by its limits it is too large']))

/** Whoever refuses a command says which one, and the others go on without it, first those that passed; of what is too much as a whole half goes next. */
const reject = <R>(state: InflightState<R>, request: InflightRequest<R>, place: number | undefined): void => {
  const { proposals } = request
  const at = blamed(request, place)
  state.together = Math.max(1, at ?? Math.floor(proposals.length / 2))
  takeBack(state, at === undefined ? request : { ...request, proposals: proposals.filter((_, i) => i !== at) })
  const one = at === undefined ? undefined : proposals[at]
  if (one === undefined) return
  state.released([one])
  state.tell(one, notAccepted())
}

const refuse = <R>(state: InflightState<R>, request: InflightRequest<R>, reason: ProposeRefused['reason'], place?: number): void => {
  state.isClosed = true
  state.refusedFrom = Math.min(state.refusedFrom, request.id)
  const isInvalid = reason === 'invalid'
  // That it is refused now says nothing of where it was sent before.
  if (request.isRepeated) return isInvalid ? end(state, request, () => unknownBecause('the leader to which it was sent again does not accept it')) : keep(state, request, reason)
  if (isInvalid) reject(state, request, place)
  else takeBack(state, request)
}

/** The session is closed: what was sent once changed nothing, and is proposed anew in another. */
const expire = <R>(state: InflightState<R>, request: InflightRequest<R>, name: number): void => {
  state.isClosed = true
  state.numbers.expire(name)
  if (request.isRepeated) end(state, request, () => left(new SessionExpired()))
  else takeBack(state, request)
}

const commit = <R>(state: InflightState<R>, request: InflightRequest<R>, { firstIndex, results }: Extract<Fate<R>, { type: 'committed' }>): void => {
  state.together *= 2
  if (request.opens !== undefined) return results[0] === OPENED ? state.numbers.begin(firstIndex, request.opens) : undefined
  if (request.numbering !== undefined && results[0] === EXPIRED) return expire(state, request, request.numbering.name)
  end(state, request, results.length === request.proposals.length ? i => outcomeOf(results[i]!) : () => unknownBecause('the answer has not as many results as there are commands'))
}

/** Whether it changed nothing for certain, although nobody says so: it follows something refused, or was sent once, in a session that had closed before. */
const changedNothing = <R>({ refusedFrom, numbers }: InflightState<R>, { id, isRepeated, numbering }: InflightRequest<R>): boolean =>
  !isRepeated && (id > refusedFrom || (numbering !== undefined && numbers.isExpired(numbering.name)))

/** Nobody says what became of it. */
const miss = <R>(state: InflightState<R>, request: InflightRequest<R>, reason: string): void => changedNothing(state, request) ? takeBack(state, request) : keep(state, request, reason)

const decide = <R>(state: InflightState<R>, request: InflightRequest<R>, fate: Fate<R>): void => {
  switch (fate.type) {
    case 'committed': return commit(state, request, fate)
    case 'lost': return miss(state, request, 'the leader lost track of the command, as when its leadership ends')
    case 'refused': return refuse(state, request, fate.reason, fate.place)
    default: return unreachable(fate)
  }
}

const settle = <R>(state: InflightState<R>, fate: Fate<R>): boolean => {
  const request = state.requests.get(fate.id)
  if (request === undefined) return false
  state.requests.delete(fate.id)
  state.bytes -= request.bytes
  decide(state, request, fate)
  return request.opens !== undefined && state.numbers.name === undefined
}

/** No request has a fate to come any more. */
const close = <R>(state: InflightState<R>): readonly InflightRequest<R>[] => {
  const requests = [...state.requests.values()]
  state.requests.clear()
  state.bytes = 0
  state.isClosed = true
  return requests
}

const lose = <R>(state: InflightState<R>, reason: string): void => {
  for (const request of close(state)) miss(state, request, reason)
}

const giveUp = <R>(state: InflightState<R>, reason: string): void => {
  lose(state, reason)
  for (const request of takeUnknown(state)) end(state, request, () => unknownBecause(reason))
}

const reopen = <R>(state: InflightState<R>): readonly Proposal<R>[] => {
  const proposals = state.refused.sort((a, b) => a.serial - b.serial).flatMap(request => request.proposals)
  state.refused = []
  state.unknown = takeUnknown(state).sort((a, b) => a.serial - b.serial)
  state.refusedFrom = Number.POSITIVE_INFINITY
  state.isClosed = false
  state.epoch++
  return proposals
}

/** The requests of one outlet, over one route after another. */
export const createInflight = <R>(options: InflightOptions<R>): InflightRequests<R> => {
  const state: InflightState<R> = {
    ...options, requests: new Map(), refused: [], unknown: [], next: 0, refusedFrom: Number.POSITIVE_INFINITY, bytes: 0, route: undefined, together: Number.POSITIVE_INFINITY, epoch: 0, isClosed: false, lastId: 0,
  }
  return {
    get count() {
      return state.requests.size
    },
    get bytes() {
      return state.bytes
    },
    get unknown() {
      return state.unknown.length - state.next
    },
    get route() {
      return state.route
    },
    get together() {
      return state.together
    },
    get isClosed() {
      return state.isClosed
    },
    repeat: route => repeat(state, route),
    askForSession: route => askForSession(state, route),
    add: (route, proposals) => add(state, route, proposals),
    appended: (id, firstIndex, term) => state.requests.get(id)?.proposals.forEach(({ watch }, i) => watch?.({ type: 'appended', index: firstIndex + i, term })),
    settle: fate => settle(state, fate),
    lose: reason => lose(state, reason),
    recall: () => close(state).forEach(request => refuse(state, request, 'stopped')),
    giveUp: reason => giveUp(state, reason),
    reopen: () => reopen(state),
    prune: () => prune(state),
    proposals: () => [...state.unknown.slice(state.next), ...state.refused, ...state.requests.values()].flatMap(request => request.proposals),
  }
}
