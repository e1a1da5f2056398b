/** What can be asked of a member, each by its path. */
import { isDeepStrictEqual } from 'node:util'
import * as t from 'io-ts'
import { lastValueFrom, take, takeUntil, timer } from 'rxjs'
import { MAX_POSITION } from '../../codecs/bytes.js'
import { holdsMore, parseJson } from '../../codecs/json.js'
import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { MAX_VALUE_DEPTH } from '../../codecs/values.js'
import { type ReadError, SelectFailed, Stopped } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Health } from '../../lib/health.js'
import type { Millis } from '../../lib/types.js'
import type { Machine } from '../../streams/machine/machine.js'
import type { MembershipChange } from '../../streams/wishes/change-options.js'
import type { Raft } from '../../streams/member/member.js'
import { type Answer, failed, json, refuse, unread } from './answers.js'
import type { ControlLimits } from './limits.js'
import type { MemberView } from './member-view.js'
import { exposition } from './metrics.js'
import { type LeaderWait, type Wait, proposeTo } from './proposing.js'
import { namesIn, valueAt } from './path.js'
import type { Room } from './room.js'
import { TooLargeToTell, plainJson } from '../../codecs/plain-json.js'
import { watch } from './watch.js'

/** One request, as its route sees it. */
export interface Call {
  readonly parameters: URLSearchParams
  /** Empty where none was sent. */
  readonly body: Buffer
  /** Aborted when whoever asked has gone. */
  readonly signal: AbortSignal
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** The names of its parameters: a misspelt one must not pass for one that was left out. */
  readonly takes: readonly string[]
  answer(call: Call): Promise<Answer> | Answer
}

export interface Served<C, R, S> {
  readonly raft: Pick<Raft<C, R, S>, 'propose' | 'track' | 'read' | 'commitsFrom' | 'transferLeadership' | 'members' | 'snapshot' | 'status$' | 'health$'>
  readonly machine: Pick<Machine<C, R, S>, 'command' | 'result'>
  readonly view: MemberView
  readonly limits: ControlLimits
}

/** With the room that all answers share. */
export interface Serving<C, R, S> extends Served<C, R, S> {
  readonly room: Room
}

/** Mistakes of whoever asks. */
export const mistaken = (message: string): Answer => refuse(400, 'Rejected', message, { appended: 'never' })

/** A whole number among the parameters; undefined where it is left out. */
const numberIn = (parameters: URLSearchParams, name: string, most: number): Either<Answer, number | undefined> => {
  const text = parameters.get(name)
  if (text === null) return right(undefined)
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return value >= 1 && value <= most ? right(value) : left(mistaken(`${name} takes a whole number from 1 to ${most}, not "${text}"`))
}

/** How a call is waited for. */
const waitingFor = ({ parameters, signal }: Call): Either<Answer, Wait> => {
  const timeoutMs = numberIn(parameters, 'timeoutMs', MAX_TIMER_MS)
  return isLeft(timeoutMs) ? timeoutMs : right({ signal, ...(timeoutMs.right !== undefined && { timeoutMs: timeoutMs.right }) })
}

const waitingForLeader = (call: Call): Either<Answer, LeaderWait> => {
  const wait = waitingFor(call)
  const leaderMs = numberIn(call.parameters, 'leaderMs', MAX_TIMER_MS)
  if (isLeft(wait)) return wait
  return isLeft(leaderMs) ? leaderMs : right({ ...wait.right, ...(leaderMs.right !== undefined && { leaderMs: leaderMs.right }) })
}

class NoRoom extends Error {
  override readonly name = 'NoRoom'
  constructor() {
    super('the answers that were not taken yet reach the bound "maxAnswerBytes"')
  }
}

/** A value as JSON, where there is room for it; that is held until the answer was taken, or nobody waits for it any more. */
const told = ({ limits, room }: Pick<Serving<never, never, never>, 'limits' | 'room'>, value: unknown, { signal }: Call): string => {
  if (room.isFull) throw new NoRoom()
  const json = plainJson(value, limits.maxReadBytes)
  room.hold(Buffer.byteLength(json), signal)
  return json
}

const propose = <C, R, S>(served: Serving<C, R, S>) => async (call: Call): Promise<Answer> => {
  const { raft, machine, limits } = served
  const options = waitingForLeader(call)
  if (isLeft(options)) return options.left
  const { maxCommandValues } = limits
  if (holdsMore(call.body, maxCommandValues)) return mistaken(`The command holds more than maxCommandValues = ${maxCommandValues} values.`)
  const parsed = parseJson(call.body, MAX_VALUE_DEPTH, ['__proto__'])
  if (isLeft(parsed)) return mistaken(`the command is ${parsed.left}`)
  const command = decodeWith(machine.command, parsed.right)
  if (isLeft(command)) return refuse(400, 'Rejected', `The command is not acceptable: ${command.left.join('; ')}`, { appended: 'never', report: command.left })
  const outcome = await proposeTo(raft, command.right, options.right)
  if (isLeft(outcome)) return failed(outcome.left)
  try {
    return { type: 'json', status: 200, json: `{"result":${told(served, machine.result.encode(outcome.right), call)}}` }
  } catch (thrown) {
    return refuse(500, 'Untold', `The command was applied, and its result cannot be told: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { appended: 'yes' })
  }
}

/** Why what stands at a path was not told. */
const unfound = (path: string, error: ReadError): Answer => {
  const cause: unknown = error instanceof SelectFailed ? error.cause : undefined
  if (cause instanceof TooLargeToTell) return refuse(413, 'TooLarge', `What stands at "${path}" cannot be told: ${cause.message}`)
  return cause instanceof NoRoom ? refuse(503, 'Busy', `This was refused because ${cause.message}; try again later.`) : unread(error)
}

/** `read` runs between two calls of the machine: what is found is made JSON there, before it can change. */
const read = <C, R, S>(served: Serving<C, R, S>) => async (call: Call): Promise<Answer> => {
  const { raft, limits } = served
  const path = call.parameters.get('path') ?? ''
  const names = namesIn(path, limits.maxPathNames)
  const options = waitingFor(call)
  if (isLeft(names)) return mistaken(names.left)
  if (isLeft(options)) return options.left
  const found = await raft.read(state => {
    const value = valueAt(state, names.right)
    return value === undefined ? undefined : told(served, value, call)
  }, options.right)
  if (isLeft(found)) return unfound(path, found.left)
  return found.right === undefined ? refuse(404, 'NotFound', `There is nothing at "${path}".`) : { type: 'json', status: 200, json: `{"value":${found.right}}` }
}

const watching = <C, R, S>(served: Serving<C, R, S>) => {
  const { view, limits } = served
  let watchers = 0
  const appliedIndex = (): number => view.status().appliedIndex
  return ({ parameters }: Call): Answer => {
    const from = numberIn(parameters, 'from', MAX_POSITION)
    if (isLeft(from)) return from.left
    if (watchers >= limits.maxWatchers) return refuse(503, 'Busy', `There are ${watchers} watchers already, which is the bound maxWatchers.`)
    watchers++
    return {
      type: 'stream',
      write: (out, signal) => {
        signal.addEventListener('abort', () => { watchers-- }, { once: true })
        watch({ ...served, appliedIndex }, from.right ?? appliedIndex() + 1, out, signal)
      },
    }
  }
}

/** Whom a body `{"to": ID}` names, if anybody. */
const heirIn = (body: Buffer): Either<Answer, string | undefined> => {
  if (body.length === 0) return right(undefined)
  const parsed = parseJson(body, MAX_VALUE_DEPTH)
  const isHeir = !isLeft(parsed) && t.UnknownRecord.is(parsed.right) && Object.keys(parsed.right).every(key => key === 'to')
  const to: unknown = isHeir ? Reflect.get(Object(parsed.right), 'to') : Number.NaN
  return to === undefined || typeof to === 'string' ? right(to) : left(mistaken('the body is to be {"to": ID}, or nothing'))
}

const transfer = <C, R, S>({ raft }: Served<C, R, S>) => async (call: Call): Promise<Answer> => {
  const options = waitingFor(call)
  if (isLeft(options)) return options.left
  const to = heirIn(call.body)
  if (isLeft(to)) return to.left
  const outcome = await raft.transferLeadership(to.right, options.right)
  return isLeft(outcome) ? failed(outcome.left) : json(200, { leader: outcome.right })
}

/** `{"voters", "learners", "remove", "newcomers"}`, each of which may be left out and is looked at by the member, or `{"abandon": true}`. */
const members = <C, R, S>({ raft }: Served<C, R, S>) => async (call: Call): Promise<Answer> => {
  const options = waitingForLeader(call)
  if (isLeft(options)) return options.left
  const parsed = parseJson(call.body, MAX_VALUE_DEPTH)
  if (isLeft(parsed)) return mistaken(`the change is ${parsed.left}`)
  const isAbandon = isDeepStrictEqual(parsed.right, { abandon: true })
  const outcome = await (isAbandon ? raft.members.abandon(options.right) : raft.members.change(parsed.right as MembershipChange, options.right))
  return isLeft(outcome) ? failed(outcome.left) : json(200, outcome.right)
}

/** A member that was started to be added has nothing to tell until it is. */
const membership = ({ view }: Pick<Served<never, never, never>, 'view'>) => (): Answer => {
  const found = view.membership()
  return found.voters.length > 0 ? json(200, found) : refuse(503, 'NotAdded', 'This member does not belong to a cluster yet.')
}

const snapshot = <C, R, S>({ raft }: Served<C, R, S>) => async (): Promise<Answer> => {
  const outcome = await raft.snapshot()
  if (isLeft(outcome)) return failed(outcome.left)
  const { index, term, bytes } = outcome.right
  return json(200, { index, term, bytes })
}

const ready = ({ view }: Pick<Served<never, never, never>, 'view'>) => (): Answer => {
  const reason = view.unready()
  return reason === undefined ? json(200, { ready: true }) : refuse(503, 'NotReady', `Not ready: ${reason}.`)
}

/** How long the member's health is looked at, at most: longer than nearly any heartbeat. */
const LOOK_MS: Millis = 1_000

/** Nothing is gathered while nobody looks: the first value has none of what the second has seen, a heartbeat later. */
const look = ({ health$ }: Pick<Raft<never, never, never>, 'health$'>): Promise<Health | undefined> =>
  lastValueFrom(health$.pipe(take(2), takeUntil(timer(LOOK_MS))), { defaultValue: undefined })

const health = <C, R, S>({ raft }: Pick<Served<C, R, S>, 'raft'>) => async (): Promise<Answer> => {
  const found = await look(raft)
  return found === undefined ? failed(new Stopped()) : json(200, found)
}

/** The format by its name and version: what has none is not read by Prometheus 3. */
const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8'

const metrics = <C, R, S>({ raft, view }: Pick<Served<C, R, S>, 'raft' | 'view'>) => async (): Promise<Answer> => {
  const health = await look(raft)
  return { type: 'text', status: 200, contentType: EXPOSITION, text: exposition({ status: view.status(), membership: view.membership(), tally: view.tally(), health }) }
}

/** The routes by their paths. Those that change anything take POST, so that no link and no probe does. */
export const controlRoutes = <C, R, S>(served: Serving<C, R, S>): Readonly<Record<string, Route>> => ({
  '/status': { method: 'GET', takes: [], answer: () => json(200, served.view.status()) },
  '/ready': { method: 'GET', takes: [], answer: ready(served) },
  '/health': { method: 'GET', takes: [], answer: health(served) },
  '/metrics': { method: 'GET', takes: [], answer: metrics(served) },
  '/read': { method: 'GET', takes: ['path', 'timeoutMs'], answer: read(served) },
  '/watch': { method: 'GET', takes: ['from'], answer: watching(served) },
  '/propose': { method: 'POST', takes: ['timeoutMs', 'leaderMs'], answer: propose(served) },
  '/membership': { method: 'GET', takes: [], answer: membership(served) },
  '/members': { method: 'POST', takes: ['timeoutMs', 'leaderMs'], answer: members(served) },
  '/transfer': { method: 'POST', takes: ['timeoutMs'], answer: transfer(served) },
  '/snapshot': { method: 'POST', takes: [], answer: snapshot(served) },
})
