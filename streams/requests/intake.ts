/**
 * Where proposals reach the core: bodies from this member's own outlet and from links become `proposed` events, and what the core
 * and the machine say of them goes back to where they came from.
 */
import { forEachEntry } from '../../codecs/entries.js'
import { FRAME_SLACK_BYTES, type Limits } from '../../codecs/options.js'
import { encodeResults } from '../../codecs/results.js'
import { decodeValue } from '../../codecs/values.js'
import type { MachineFailed } from '../../lib/errors.js'
import type { Answer } from '../../lib/events.js'
import { isLeft, unreachable } from '../../lib/prelude.js'
import type { ProposeLost, ProposeRefused, ProposeReply, ProposeRequest } from '../../lib/requests.js'
import type { EntryBody, Index, MemberId, RequestId, Term } from '../../lib/types.js'
import type { Protocol } from '../machine/machine.js'
import type { Fate } from './route.js'

export interface IntakeOptions<C, R> {
  readonly protocol: Protocol<C, R>
  readonly limits: Pick<Limits, 'maxCommandBytes' | 'maxBatchBytes' | 'maxFrameBytes'>
  /** Puts a `proposed` event into the inbox. Where that has no room, `answered` is told a refusal as busy, possibly during this call. */
  readonly propose: (id: RequestId, body: EntryBody) => void
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

/** One accepted request, until its fate is known. */
interface Ticket<R> {
  readonly door: OpenDoor<R>
  /** The origin's name for it. */
  readonly requestId: number
  readonly count: number
  readonly epoch: number
  firstIndex: Index
  term: Term
  /** What the machine made of its first commands, as far as it has come. */
  results: readonly (R | MachineFailed)[]
}

interface OpenDoor<R> {
  readonly from: string
  isOpen: boolean
  /** Requests of this epoch and earlier ones are refused: one of them was, and what follows must not overtake it. */
  closedEpoch: number
  closedFor: ProposeRefused['reason']
  /** Undefined where nothing needs checking. */
  readonly check: ((body: EntryBody) => string | undefined) | undefined
  readonly reply: (reply: ProposeRefused | ProposeLost) => void
  readonly committed: (ticket: Ticket<R>) => void
}

interface Desk<C, R> extends IntakeOptions<C, R> {
  readonly tickets: Map<RequestId, Ticket<R>>
  /** Those appended and not answered, by index. */
  appended: RequestId[]
  lastId: RequestId
  isStopping: boolean
}

const refuse = <C, R>(desk: Desk<C, R>, door: OpenDoor<R>, request: Pick<ProposeRequest, 'id' | 'epoch'>, reason: ProposeRefused['reason']): void => {
  if (request.epoch > door.closedEpoch) {
    door.closedEpoch = request.epoch
    // What follows an invalid request is not invalid itself: it comes again in the next epoch.
    door.closedFor = reason === 'invalid' ? 'notReady' : reason
  }
  if (door.isOpen) door.reply({ type: 'refused', id: request.id, reason, leader: desk.leader() })
}

const receive = <C, R>(desk: Desk<C, R>, door: OpenDoor<R>, request: ProposeRequest): void => {
  if (!door.isOpen) return
  if (request.epoch <= door.closedEpoch) return refuse(desk, door, request, door.closedFor)
  if (desk.isStopping) return refuse(desk, door, request, 'stopped')
  const reason = door.check?.(request.body)
  if (reason !== undefined) {
    desk.notice({ type: 'invalidRequest', from: door.from, reason })
    return refuse(desk, door, request, 'invalid')
  }
  const id = ++desk.lastId
  desk.tickets.set(id, { door, requestId: request.id, count: request.body.count, epoch: request.epoch, firstIndex: 0, term: 0, results: [] })
  desk.propose(id, request.body)
}

const lose = <C, R>(desk: Desk<C, R>, id: RequestId): void => {
  const ticket = desk.tickets.get(id)
  if (ticket === undefined) return
  desk.tickets.delete(id)
  if (desk.tickets.size === 0) desk.appended = []
  if (ticket.door.isOpen) ticket.door.reply({ type: 'lost', id: ticket.requestId })
}

const answered = <C, R>(desk: Desk<C, R>, answer: Answer): void => {
  const ticket = desk.tickets.get(answer.id)
  if (ticket === undefined) return
  switch (answer.type) {
    case 'appended':
      ticket.firstIndex = answer.firstIndex
      ticket.term = answer.term
      desk.appended.push(answer.id)
      return
    case 'refused':
      desk.tickets.delete(answer.id)
      return refuse(desk, ticket.door, { id: ticket.requestId, epoch: ticket.epoch }, answer.reason)
    case 'lost': return lose(desk, answer.id)
    default: return unreachable(answer)
  }
}

/** Gives the results to the requests they belong to: a request may get its results in pieces, and a piece may serve several requests. */
const applied = <C, R>(desk: Desk<C, R>, firstIndex: Index, term: Term, results: readonly (R | MachineFailed)[]): void => {
  const end = firstIndex + results.length
  let passed = 0
  for (const id of desk.appended) {
    const ticket = desk.tickets.get(id)
    if (ticket !== undefined) {
      if (ticket.firstIndex >= end) break
      const next = ticket.firstIndex + ticket.results.length
      // Another term's entry, or one that was passed over, is not this request's.
      if (ticket.term !== term || next < firstIndex) lose(desk, id)
      else if (!collect(desk, id, ticket, results.slice(next - firstIndex, ticket.firstIndex + ticket.count - firstIndex))) break
    }
    passed++
  }
  if (passed > 0) desk.appended = desk.appended.slice(passed)
}

/** Whether the request has all its results now. */
const collect = <C, R>(desk: Desk<C, R>, id: RequestId, ticket: Ticket<R>, more: readonly (R | MachineFailed)[]): boolean => {
  ticket.results = ticket.results.length === 0 ? more : [...ticket.results, ...more]
  if (ticket.results.length < ticket.count) return false
  desk.tickets.delete(id)
  if (ticket.door.isOpen) ticket.door.committed(ticket)
  return true
}

/** Why the body cannot pass, if so: every command must decode here and keep the bounds, before it is in the log. */
const checkOf = <C, R>({ protocol, limits }: IntakeOptions<C, R>) => (body: EntryBody): string | undefined => {
  let bytes = 0
  let fault: string | undefined
  forEachEntry(body, 0, body.count, (entry, position) => {
    if (fault !== undefined) return
    bytes += entry.length
    if (entry.length > limits.maxCommandBytes) fault = `command ${position} exceeds maxCommandBytes with ${entry.length} bytes`
    else if (position > 0 && bytes > limits.maxBatchBytes) fault = `${body.count} commands in one request exceed maxBatchBytes`
    else {
      const command = decodeValue(protocol.command, entry)
      if (isLeft(command)) fault = `command ${position}: ${command.left.join('; ')}`
    }
  })
  return fault
}

/** Results as a link carries them; those that cannot be carried are as good as lost. */
const packed = <C, R>({ protocol, limits, notice }: Desk<C, R>, { requestId, firstIndex, term, results }: Ticket<R>): ProposeReply => {
  const lost = (reason: string): ProposeReply => {
    notice({ type: 'unsendableResult', firstIndex, reason })
    return { type: 'lost', id: requestId }
  }
  const body = encodeResults(protocol.result, results)
  if (isLeft(body)) return lost(body.left)
  const { length } = body.right.bytes
  if (length > limits.maxFrameBytes - FRAME_SLACK_BYTES) return lost(`the results have ${length} bytes, which is too much for maxFrameBytes`)
  return { type: 'committed', id: requestId, firstIndex, term, results: body.right }
}

type Sink<R> = Pick<OpenDoor<R>, 'from' | 'check' | 'reply' | 'committed'>

const open = <C, R>(desk: Desk<C, R>, sink: Sink<R>): Door => {
  const door: OpenDoor<R> = { ...sink, isOpen: true, closedEpoch: -1, closedFor: 'notLeader' }
  return {
    receive: request => receive(desk, door, request),
    close: () => {
      door.isOpen = false
    },
  }
}

/** An intake without doors. */
export const intake = <C, R>(options: IntakeOptions<C, R>): Intake<R> => {
  const desk: Desk<C, R> = { ...options, tickets: new Map(), appended: [], lastId: 0, isStopping: false }
  return {
    openSelf: settle => open(desk, {
      from: 'self', check: undefined, reply: settle,
      committed: ({ requestId, results }) => settle({ type: 'committed', id: requestId, results }),
    }),
    openLink: (from, reply) => open(desk, { from, check: checkOf(options), reply, committed: ticket => reply(packed(desk, ticket)) }),
    answered: answers => answers.forEach(answer => answered(desk, answer)),
    applied: (firstIndex, term, results) => applied(desk, firstIndex, term, results),
    refuseAll: () => {
      desk.isStopping = true
    },
    abandon: () => [...desk.tickets.keys()].forEach(id => lose(desk, id)),
    get waiting() {
      return desk.tickets.size
    },
  }
}
