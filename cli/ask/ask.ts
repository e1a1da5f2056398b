/** Requests to the control endpoints of members. */
import { request } from 'node:http'
import { decodeWith } from '../../codecs/report.js'
import { type Either, isLeft, isRight, left, right } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { MemberStatus, Refusal } from '../control/member-status.js'
import { Trouble } from '../mistake.js'

export interface Question {
  readonly method: 'GET' | 'POST'
  /** With its parameters. */
  readonly path: string
  readonly body?: string | Uint8Array
  /** How long no byte may come. */
  readonly timeoutMs: Millis
  /** Aborted when the answer is of no use any more. */
  readonly signal?: AbortSignal
}

/** Nobody answered. */
export interface Unanswered {
  readonly reason: string
  /** Whether the question may have been heard. */
  readonly isSent: boolean
}

export interface Answered {
  readonly status: number
  readonly text: string
}

/** No endpoint answers with more. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Asks one endpoint. Never rejects. */
export const ask = ({ host, port }: Address, { method, path, body, timeoutMs, signal }: Question): Promise<Either<Unanswered, Answered>> => new Promise(resolve => {
  let isSent = false
  const lost = (reason: string): void => resolve(left({ reason, isSent }))
  const asked = request({ host, port, method, path, agent: false, timeout: timeoutMs, ...(signal !== undefined && { signal }), headers: body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, response => {
    const pieces: Buffer[] = []
    let bytes = 0
    response.on('data', (piece: Buffer) => {
      pieces.push(piece)
      bytes += piece.length
      if (bytes > MAX_ANSWER_BYTES) asked.destroy(new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`))
    })
    response.once('end', () => resolve(right({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() })))
    response.once('error', error => lost(error.message))
    response.once('close', () => lost('the connection was cut in the middle of the answer'))
  })
  asked.once('socket', socket => socket.once('connect', () => { isSent = true }))
  asked.once('timeout', () => asked.destroy(new Error(`there was no answer within ${timeoutMs} ms`)))
  asked.once('error', error => lost(error.message === 'socket hang up' ? 'the connection ended without an answer: the member has ended meanwhile, or this is no control endpoint' : error.message))
  asked.end(body)
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

/** What came of a question to several endpoints. */
export type Outcome =
  | { readonly type: 'done'; readonly text: string; readonly at: Address }
  | { readonly type: 'refused'; readonly refusal: Refusal; readonly at: Address }

/** Nobody could be asked: nothing happened. */
const nobody = (reasons: readonly string[], { method }: Pick<Question, 'method'>): Refusal =>
  ({ tag: 'Unreachable', message: `No member could be asked: ${reasons.join('; ')}.`, ...(method === 'POST' && { appended: 'never' }) })
const unknown = (at: Address, reason: string): Refusal => ({ tag: 'OutcomeUnknown', message: `${formatAddress(at)} was asked, and how it ended is unknown: ${reason}.`, appended: 'unknown' })

/** Whether it may be asked again, elsewhere or later: nothing happened, and the reason may pass. */
export const mayPass = ({ tag, appended = 'never' }: Refusal): boolean =>
  appended === 'never' && ['Unreachable', 'NotLeader', 'NotAdded', 'Stopped', 'Busy', 'TimedOut', 'NoControl'].includes(tag)

/**
 * Asks one endpoint after the other until one answers. What changes something is asked again only where it is certain that nobody heard it; a
 * question without consequences always is.
 */
export const askInTurn = async (endpoints: readonly Address[], question: Question): Promise<Outcome> => {
  const reasons: string[] = []
  let refused: Outcome | undefined
  for (const at of endpoints) {
    const answer = await ask(at, question)
    if (isLeft(answer)) {
      const { reason, isSent } = answer.left
      if (isSent && question.method === 'POST') return { type: 'refused', refusal: unknown(at, reason), at }
      reasons.push(`${formatAddress(at)}: ${reason}`)
      continue
    }
    if (answer.right.status === 200) return { type: 'done', text: answer.right.text.trimEnd(), at }
    refused = { type: 'refused', refusal: refusalIn(answer.right, question.method), at }
    if (!mayPass(refused.refusal)) return refused
  }
  return refused ?? { type: 'refused', refusal: nobody(reasons, question), at: endpoints[0]! }
}

/** How one member is, or why it does not say; of no use any more once `signal` is aborted. */
export const askStatus = async (at: Address, timeoutMs: Millis, signal?: AbortSignal): Promise<Either<string, MemberStatus>> => {
  const answer = await ask(at, { method: 'GET', path: '/status', timeoutMs, ...(signal !== undefined && { signal }) })
  if (isLeft(answer)) return left(answer.left.reason)
  const status = answer.right.status === 200 ? decodeWith(MemberStatus, parsed(answer.right.text)) : left([refusalIn(answer.right, 'GET').message])
  return isLeft(status) ? left(status.left.join('; ')) : status
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
  throw new Trouble(nobody(reasons, { method: 'GET' }).message)
}
