/** One stream of `/watch`, line by line, from one endpoint. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { messageOf } from '../../codecs/report.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Index, Millis } from '../../lib/types.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { MAX_ANSWER_BYTES, refusalIn } from '../ask/ask.js'
import type { Refusal } from '../control/member-status.js'

/** A member shows life every five seconds; one that does not is taken for gone. */
const SILENCE_MS: Millis = 20_000

/** A line of the stream, as it was written. */
export interface WatchLine {
  readonly text: string
  readonly value: Readonly<Record<string, unknown>>
}

/** An empty object where the line holds none. */
const parseObject = (text: string): WatchLine['value'] => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as WatchLine['value'] : {}
  } catch {
    return {}
  }
}

/** Why the stream ended; a refusal where it never began, and `enough` where no more of it was wanted. */
export type StreamEnd = { readonly type: 'cut'; readonly reason: string } | { readonly type: 'refused'; readonly refusal: Refusal } | { readonly type: 'enough' }

/** What is waited for: the member itself, for no longer than it may be silent. Left with the reason where it went away. */
const heard = async <A>(next: Promise<A>, from: { destroy(error: Error): unknown }, silenceMs: Millis): Promise<Either<string, A>> => {
  const timer = setTimeout(() => from.destroy(new Error(`nothing was heard for ${silenceMs} ms`)), silenceMs)
  try {
    return right(await next)
  } catch (thrown) {
    return left(Reflect.get(Object(thrown), 'code') === 'ECONNRESET' ? 'the connection was cut' : messageOf(thrown))
  } finally {
    clearTimeout(timer)
  }
}

/** What `each` wants more of, until it does not, or there is no more. */
const readAll = async (response: IncomingMessage, each: (line: WatchLine) => Promise<boolean>, silenceMs: Millis): Promise<StreamEnd> => {
  const pieces = (response.setEncoding('utf8') as AsyncIterable<string>)[Symbol.asyncIterator]()
  const { statusCode: status = 0 } = response
  for (let open = ''; ;) {
    const piece = await heard(pieces.next(), response, silenceMs)
    if (isLeft(piece)) return { type: 'cut', reason: piece.left }
    if (piece.right.done === true) {
      return status === 200 ? { type: 'cut', reason: 'the member ended the stream' } : { type: 'refused', refusal: refusalIn({ status, text: open }, 'GET') }
    }
    open += piece.right.value
    const isWhole = status === 200 && piece.right.value.includes('\n')
    if (!isWhole && open.length > MAX_ANSWER_BYTES) return { type: 'cut', reason: `the answer has more than ${MAX_ANSWER_BYTES} bytes${status === 200 ? ' in one line' : ''}` }
    if (!isWhole) continue
    const lines = open.split('\n')
    open = lines.pop() ?? ''
    for (const text of lines) if (!await each({ text, value: parseObject(text) })) return { type: 'enough' }
  }
}

/**
 * `each` takes its time, while no more is read from the member and its silence counts for nothing, and says whether it wants more. Resolves when no line
 * is told any more; never rejects unless `each` does.
 */
export const follow = async ({ host, port }: Address, from: Index | undefined, each: (line: WatchLine) => Promise<boolean>, silenceMs = SILENCE_MS): Promise<StreamEnd> => {
  const asked = request({ host, port, path: `/watch${from === undefined ? '' : `?from=${from}`}`, agent: false })
  // Whoever waits for the answer or its next piece is told the same.
  asked.on('error', () => undefined)
  asked.end()
  try {
    const answered = await heard(once(asked, 'response') as Promise<[IncomingMessage]>, asked, silenceMs)
    return isLeft(answered) ? { type: 'cut', reason: answered.left } : await readAll(answered.right[0], each, silenceMs)
  } finally {
    asked.destroy()
  }
}
