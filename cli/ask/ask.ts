/** Requests to the control endpoints of members. */
import { request } from 'node:http'
import { decodeWith } from '../../codecs/report.js'
import { type Either, isLeft, isRight, left, right } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { REFUSED } from '../../streams/transport/tcp/sockets.js'
import { MemberStatus, Refusal } from '../control/member-status.js'
import { Trouble } from '../mistake.js'
import { type Share, type Time, WAIT_SLACK_MS, shareOf } from './shares.js'

export interface Question {
  readonly method: 'GET' | 'POST'
  /** With its parameters. */
  readonly path: string
  /** Sent once the other end says that it listens: until then nothing can have come of the question. */
  readonly body?: string
  /** How long no byte may come. */
  readonly timeoutMs: Millis
  /** How long until it must listen, where there is a body; as long as no byte may come unless told otherwise. */
  readonly listenMs?: Millis
  /** Aborted when the answer is of no use any more. */
  readonly signal?: AbortSignal
}

/** Nobody answered. */
export interface Unanswered {
  readonly reason: string
  /** Whether the question may have been heard. */
  readonly isSent: boolean
  /** Whether nobody is there: the system refuses the connection. */
  readonly isDeserted: boolean
}

export interface Answered {
  readonly status: number
  readonly text: string
}

/** No endpoint answers with more, and none has a longer line to tell. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** What the system says of a connection that ended under the question. */
const ENDED: readonly unknown[] = ['ECONNRESET', 'EPIPE']

const inWords = ({ code, message }: NodeJS.ErrnoException): string => {
  if (code === REFUSED) return `nobody listens there (${code})`
  return ENDED.includes(code) ? 'the connection ended without an answer: the member has ended meanwhile, or this is no control endpoint' : message
}

const headersFor = (body: string | undefined): Readonly<Record<string, string | number>> =>
  body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), expect: '100-continue' }

/** Asks one endpoint. Never rejects. */
export const ask = ({ host, port }: Address, { method, path, body, timeoutMs, listenMs = timeoutMs, signal }: Question): Promise<Either<Unanswered, Answered>> => new Promise(resolve => {
  let isSent = body === undefined
  const lost = (reason: string, code?: string): void => resolve(left({ reason, isSent, isDeserted: code === REFUSED }))
  const patienceMs = (): Millis => isSent ? timeoutMs : listenMs
  const asked = request({ host, port, method, path, agent: false, timeout: patienceMs(), ...(signal !== undefined && { signal }), headers: headersFor(body) }, response => {
    const pieces: Buffer[] = []
    let bytes = 0
    response.on('data', (piece: Buffer) => {
      pieces.push(piece)
      bytes += piece.length
      if (bytes > MAX_ANSWER_BYTES) asked.destroy(new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`))
    })
    response.once('end', () => {
      resolve(right({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() }))
      asked.destroy()
    })
    response.once('error', error => lost(error.message))
    response.once('close', () => lost('the connection was cut in the middle of the answer'))
  })
  asked.once('continue', () => {
    isSent = true
    asked.setTimeout(timeoutMs)
    asked.end(body)
  })
  asked.once('timeout', () => asked.destroy(new Error(`there was no answer within ${patienceMs()} ms`)))
  asked.once('error', (error: NodeJS.ErrnoException) => lost(inWords(error), error.code))
  if (isSent) asked.end()
})

/** What stands in an answer; undefined where it is no JSON. */
export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What no control endpoint answers: where it is one of these, nobody looked at the request; a proxy's 504 comes when whoever stands behind it may be at work. */
const UNHEARD: readonly number[] = [404, 405, 501]

/** What an answer other than 200 says. */
export const refusalIn = ({ status, text }: Answered, method: Question['method']): Refusal => {
  const refusal = decodeWith(Refusal, parsed(text))
  if (isRight(refusal)) return refusal.right
  const message = `It answered with status ${status} what no control endpoint of rxraft answers.`
  return { tag: 'NoControl', message, ...(method === 'POST' && !UNHEARD.includes(status) && { appended: 'unknown' }) }
}

/** What several endpoints are asked for, each with its share of the time. */
export interface Errand extends Pick<Question, 'method' | 'body'> {
  /** With its parameters. */
  readonly path: (share: Share) => string
}

/** What came of an errand. */
export type Outcome =
  | { readonly type: 'done'; readonly text: string; readonly at: Address; readonly isChange: boolean }
  | { readonly type: 'refused'; readonly refusal: Refusal; readonly at: Address }

/** Nobody could be asked: nothing happened. */
export const nobody = (reasons: readonly string[], method: Question['method']): Refusal =>
  ({ tag: 'Unreachable', message: `No member could be asked: ${reasons.join('; ')}.`, ...(method === 'POST' && { appended: 'never' }) })
const unknown = (at: Address, reason: string): Refusal => ({ tag: 'OutcomeUnknown', message: `${formatAddress(at)} was asked, and how it ended is unknown: ${reason}.`, appended: 'unknown' })

/** Whether it may be asked again, elsewhere or later: nothing happened, and the reason may pass. */
export const mayPass = ({ tag, appended = 'never' }: Refusal): boolean =>
  appended === 'never' && ['Unreachable', 'NotLeader', 'NotAdded', 'Stopped', 'Busy', 'TimedOut', 'NoControl'].includes(tag)

/** A question is given up where nothing is heard in time; what changes something only until it has left: then it has all the time that is left. */
const questionFor = ({ method, body, path }: Errand, share: Share): Question => ({
  method, path: path(share), ...(body !== undefined && { body }),
  ...(method === 'GET' ? { timeoutMs: share.silentMs } : { timeoutMs: share.leftMs + WAIT_SLACK_MS, listenMs: share.silentMs }),
})

/**
 * Asks one endpoint after the other until one answers, each for its share of the time. What changes something is asked again only where it is certain that nobody
 * heard it; a question without consequences always is.
 */
export const askInTurn = async (endpoints: readonly Address[], time: Time, errand: Errand): Promise<Outcome> => {
  const reasons: string[] = []
  let refused: Outcome | undefined
  for (const [i, at] of endpoints.entries()) {
    const answer = await ask(at, questionFor(errand, shareOf(time, endpoints.length - i - 1)))
    if (isLeft(answer)) {
      const { reason, isSent } = answer.left
      if (isSent && errand.method === 'POST') return { type: 'refused', refusal: unknown(at, reason), at }
      reasons.push(`${formatAddress(at)}: ${reason}`)
      continue
    }
    if (answer.right.status === 200) return { type: 'done', text: answer.right.text.trimEnd(), at, isChange: errand.method === 'POST' }
    refused = { type: 'refused', refusal: refusalIn(answer.right, errand.method), at }
    if (!mayPass(refused.refusal)) return refused
  }
  return refused ?? { type: 'refused', refusal: nobody(reasons, errand.method), at: endpoints[0]! }
}

/** How one member is, or why it does not say; of no use any more once `signal` is aborted. */
export const lookAt = async (at: Address, timeoutMs: Millis, signal?: AbortSignal): Promise<Either<Pick<Unanswered, 'reason' | 'isDeserted'>, MemberStatus>> => {
  const answer = await ask(at, { method: 'GET', path: '/status', timeoutMs, ...(signal !== undefined && { signal }) })
  if (isLeft(answer)) return answer
  const status = answer.right.status === 200 ? decodeWith(MemberStatus, parsed(answer.right.text)) : left([refusalIn(answer.right, 'GET').message])
  return isLeft(status) ? left({ reason: status.left.join('; '), isDeserted: false }) : status
}

/** The same, with nothing but the reason. */
export const askStatus = async (at: Address, timeoutMs: Millis, signal?: AbortSignal): Promise<Either<string, MemberStatus>> => {
  const status = await lookAt(at, timeoutMs, signal)
  return isLeft(status) ? left(status.left.reason) : status
}

/** How long a member may take to say how it is. */
export const STATUS_TIMEOUT_MS: Millis = 2_000

/** The first endpoint, in this order, whose member says how it is. */
export const firstToAnswer = async (endpoints: readonly Address[]): Promise<{ readonly at: Address; readonly status: MemberStatus }> => {
  const reasons: string[] = []
  for (const at of endpoints) {
    const status = await askStatus(at, STATUS_TIMEOUT_MS)
    if (!isLeft(status)) return { at, status: status.right }
    reasons.push(`${formatAddress(at)}: ${status.left}`)
  }
  throw new Trouble(nobody(reasons, 'GET').message)
}
