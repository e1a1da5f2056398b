/**
 * Where proposals reach the core: bodies from this member's own outlet and from links become `proposed` events, and what the core
 * and the machine say of them goes back to where they came from.
 */
import { numberingOf } from '../../codecs/entries.js'
import type { Limits } from '../../codecs/options.js'
import type { Told } from '../../codecs/results.js'
import type { Answer } from '../../lib/events.js'
import { isLeft, left, unreachable } from '../../lib/prelude.js'
import type { KnownLeader, ProposeLost, ProposeRefused, ProposeReply, ProposeRequest } from '../../lib/requests.js'
import type { EntryBody, Index, RequestId, Term } from '../../lib/types.js'
import type { Protocol } from '../machine/machine.js'
import type { DecodedCommands } from '../machine/decoded-commands.js'
import { type Party, partyKey } from '../transport/port.js'
import { packResults, unpackBody } from './packing.js'
import type { Fate } from './route.js'

export interface IntakeOptions<C, R> {
  readonly protocol: Protocol<C, R>
  readonly limits: Pick<Limits, 'maxCommandBytes' | 'maxCommandValues' | 'maxBatchBytes' | 'maxFrameBytes'>
  /** Takes the commands that were read to be checked, for whoever applies them. */
  readonly commands: Pick<DecodedCommands<C>, 'set'>
  /** Puts a `proposed` event into the inbox. Where that has no room, `answered` is told a refusal as busy, possibly during this call. */
  readonly propose: (id: RequestId, body: EntryBody, term: Term) => void
  /** Who leads, as far as this member knows; goes with every refusal. */
  readonly leader: () => KnownLeader | undefined
  /** The newest term that this member knows. */
  readonly term: () => Term
  /** A request or a result that could not pass; for the diagnostics stream. */
  readonly notice: (notice: IntakeNotice) => void
}

export type IntakeNotice =
  /** A request holds a command that this member's codec or bounds refuse. */
  | { readonly type: 'invalidRequest'; readonly from: string; readonly reason: string }
  /** A result of a request that cannot be encoded, or not within `maxFrameBytes` with those before it: the origin is told that this outcome is unknown. */
  | { readonly type: 'unsendableResult'; readonly firstIndex: Index; readonly reason: string }

/** One origin of requests: the own outlet, or one link. */
export interface Origin {
  /** Every request is answered exactly once, possibly before this returns, unless the origin is closed first. */
  receive(request: ProposeRequest): void
  /** The link is down: nothing more is answered. What was accepted stays proposed. */
  close(): void
}

export interface Intake<R> {
  /** For this member's own outlet: results go back as they are. `appended` hears of each request that stands in the log. */
  openSelf(settle: (fate: Fate<R>) => void, appended: (id: number, firstIndex: Index) => void): Origin
  /** For one link. */
  openLink(party: Party, reply: (reply: ProposeReply) => void): Origin
  /**
   * What a step answered. Call it in the step's own turn, before the next batch is formed and before the gate: a refusal must close
   * the epoch before anything later of it reaches the core, and nothing here vouches for what is on the disk.
   */
  answered(answers: readonly Answer[]): void
  /**
   * What commands from `firstIndex` on, all of `term`, came to. Called in log order; an index that is left out was restored and not applied, and will never get
   * a result.
   */
  applied(firstIndex: Index, term: Term, results: readonly Told<R>[]): void
  /** From now on every new request is refused as stopped; accepted ones are still answered. */
  refuseAll(): void
  /** Tells everyone still waiting that the outcome is unknown. */
  halt(): void
  /** Requests accepted and not answered. */
  readonly waiting: number
}

/** One accepted request, until its fate is known. */
interface PendingRequest<R> {
  readonly origin: OriginState<R>
  /** The origin's name for it. */
  readonly requestId: number
  readonly count: number
  readonly epoch: number
  firstIndex: Index
  term: Term
  /** What the machine made of its first commands, as far as it has come. */
  results: Told<R>[]
}

interface OriginState<R> {
  /** Its name in notices. */
  readonly from: string
  /** Whether it may go on in the session of a leader: a member that has led sends what it had in flight to who leads now. */
  readonly mayHaveLed: boolean
  isOpen: boolean
  /** Requests of this epoch and earlier ones are refused: one of them was, or is lost, and what follows must not overtake it. */
  closedEpoch: number
  closedFor: ProposeRefused['reason']
  readonly reply: (reply: ProposeRefused | ProposeLost) => void
  readonly committed: (request: PendingRequest<R>) => void
  readonly appended: ((id: number, firstIndex: Index) => void) | undefined
}

interface IntakeState<C, R> extends IntakeOptions<C, R> {
  /** Each until its answer has been handed over: a member that fails over that says of it that it is lost. */
  readonly pending: Map<RequestId, PendingRequest<R>>
  /** Those appended and not answered are `appended[head..]`, by index. */
  appended: RequestId[]
  head: number
  lastId: RequestId
  isStopping: boolean
}

/** Nothing later of this epoch is taken: it would stand before what is proposed again. */
const closeEpoch = (origin: Pick<OriginState<never>, 'closedEpoch' | 'closedFor'>, epoch: number, reason: ProposeRefused['reason']): void => {
  if (epoch <= origin.closedEpoch) return
  origin.closedEpoch = epoch
  origin.closedFor = reason
}

const refuse = <C, R>(
  state: IntakeState<C, R>, origin: OriginState<R>, request: Pick<ProposeRequest, 'id' | 'epoch'>, reason: ProposeRefused['reason'], place?: number,
): void => {
  // What follows an invalid request is not invalid itself: it comes again in the next epoch.
  closeEpoch(origin, request.epoch, reason === 'invalid' ? 'afterInvalid' : reason)
  if (origin.isOpen) origin.reply({ type: 'refused', id: request.id, reason, place, leader: state.leader() })
}

/**
 * Why this origin may not number its commands so: whoever counts in the session of a leader takes its numbers away, and anybody can name it, by the term and the index of the entry
 * with which that began. No client is named as low as a term.
 */
const objectionToNumbers = ({ term }: Pick<IntakeOptions<never, never>, 'term'>, { mayHaveLed }: Pick<OriginState<never>, 'mayHaveLed'>, body: EntryBody): string | undefined => {
  const numbering = mayHaveLed ? undefined : numberingOf(body)
  return numbering !== undefined && numbering.name <= term() ? 'its commands are numbered in the session of a leader' : undefined
}

const receive = <C, R>(state: IntakeState<C, R>, origin: OriginState<R>, request: ProposeRequest): void => {
  if (!origin.isOpen) return
  if (request.epoch <= origin.closedEpoch) return refuse(state, origin, request, origin.closedFor)
  if (state.isStopping) return refuse(state, origin, request, 'stopped')
  // Not left to the core, which refuses all others of the turn as well: this is between one origin and a leader that is gone.
  if (request.term !== state.term()) return refuse(state, origin, request, 'notLeader')
  const objection = objectionToNumbers(state, origin, request.body)
  const read = objection === undefined ? unpackBody(state.protocol, state.limits, request.body) : left({ place: undefined, reason: objection })
  if (isLeft(read)) {
    state.notice({ type: 'invalidRequest', from: origin.from, reason: read.left.reason })
    return refuse(state, origin, request, 'invalid', read.left.place)
  }
  state.commands.set(request.body, read.right)
  const id = ++state.lastId
  state.pending.set(id, { origin, requestId: request.id, count: request.body.count, epoch: request.epoch, firstIndex: 0, term: 0, results: [] })
  state.propose(id, request.body, request.term)
}

const lose = <C, R>(state: IntakeState<C, R>, id: RequestId): void => {
  const request = state.pending.get(id)
  if (request === undefined) return
  // Whoever leads again may be asked over the same link before it has said that this is lost.
  closeEpoch(request.origin, request.epoch, 'notReady')
  if (request.origin.isOpen) request.origin.reply({ type: 'lost', id: request.requestId })
  state.pending.delete(id)
}

/** Places of those that were answered which are kept until they are let go of together. */
const SPENT = 1024

const tidy = <C, R>(state: IntakeState<C, R>): void => {
  if (state.pending.size === 0) state.head = state.appended.length
  if (state.head < state.appended.length && (state.head <= SPENT || state.head <= state.appended.length / 2)) return
  state.appended = state.appended.slice(state.head)
  state.head = 0
}

const answered = <C, R>(state: IntakeState<C, R>, answer: Answer): void => {
  const request = state.pending.get(answer.id)
  if (request === undefined) return
  switch (answer.type) {
    case 'appended':
      request.firstIndex = answer.firstIndex
      request.term = answer.term
      state.appended.push(answer.id)
      return request.origin.appended?.(request.requestId, answer.firstIndex)
    case 'refused':
      state.pending.delete(answer.id)
      return refuse(state, request.origin, { id: request.requestId, epoch: request.epoch }, answer.reason)
    case 'lost':
      lose(state, answer.id)
      return tidy(state)
    default: return unreachable(answer)
  }
}

/** Gives the results to the requests they belong to: a request may get its results in pieces, and a piece may serve several requests. */
const applied = <C, R>(state: IntakeState<C, R>, firstIndex: Index, term: Term, results: readonly Told<R>[]): void => {
  const end = firstIndex + results.length
  for (; state.head < state.appended.length; state.head++) {
    const id = state.appended[state.head]!
    const request = state.pending.get(id)
    if (request !== undefined) {
      if (request.firstIndex >= end) break
      const next = request.firstIndex + request.results.length
      // Another term's entry, or one that was left out, is not this request's.
      if (request.term !== term || next < firstIndex) lose(state, id)
      else if (!collect(state, id, request, results.slice(next - firstIndex, request.firstIndex + request.count - firstIndex))) break
    }
  }
  tidy(state)
}

/** Whether the request has all its results now. */
const collect = <C, R>(state: IntakeState<C, R>, id: RequestId, request: PendingRequest<R>, more: Told<R>[]): boolean => {
  if (request.results.length === 0) request.results = more
  else for (const result of more) request.results.push(result)
  if (request.results.length < request.count) return false
  if (request.origin.isOpen) request.origin.committed(request)
  state.pending.delete(id)
  return true
}

/** What a link is told of results; of one that cannot be carried, that it cannot: to ask again would not help. */
const replyOf = <C, R>({ protocol, limits, notice }: IntakeState<C, R>, { requestId, firstIndex, term, results }: PendingRequest<R>): ProposeReply => {
  const { body, fault } = packResults(protocol, limits, results)
  if (fault !== undefined) notice({ type: 'unsendableResult', firstIndex, reason: fault })
  return { type: 'committed', id: requestId, firstIndex, term, results: body }
}

type Sink<R> = Pick<OriginState<R>, 'from' | 'mayHaveLed' | 'reply' | 'committed' | 'appended'>

const open = <C, R>(state: IntakeState<C, R>, sink: Sink<R>): Origin => {
  const origin: OriginState<R> = { ...sink, isOpen: true, closedEpoch: -1, closedFor: 'notLeader' }
  return {
    receive: request => receive(state, origin, request),
    close: () => {
      origin.isOpen = false
    },
  }
}

/** The intake of one member; each origin of requests is opened by itself. */
export const createIntake = <C, R>(options: IntakeOptions<C, R>): Intake<R> => {
  const state: IntakeState<C, R> = { ...options, pending: new Map(), appended: [], head: 0, lastId: 0, isStopping: false }
  return {
    openSelf: (settle, appended) => open(state, {
      from: 'self', mayHaveLed: true, reply: settle, appended,
      committed: ({ requestId, firstIndex, results }) => settle({ type: 'committed', id: requestId, firstIndex, results }),
    }),
    openLink: (party, reply) => open(state, {
      from: partyKey(party), mayHaveLed: party.type === 'member', reply, appended: undefined, committed: request => reply(replyOf(state, request)),
    }),
    answered: answers => answers.forEach(answer => answered(state, answer)),
    applied: (firstIndex, term, results) => applied(state, firstIndex, term, results),
    refuseAll: () => {
      state.isStopping = true
    },
    halt: () => [...state.pending.keys()].forEach(id => lose(state, id)),
    get waiting() {
      return state.pending.size
    },
  }
}
