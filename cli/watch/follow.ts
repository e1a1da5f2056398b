/** One stream of `/watch`, line by line, from one endpoint. */
import { request } from 'node:http'
import type { Index, Millis } from '../../lib/types.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { refusalIn } from '../ask/ask.js'
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

/** `each` takes its time, while no more is read from the member, and says whether it wants more. Never rejects unless `each` does. */
export const follow = ({ host, port }: Address, from: Index | undefined, each: (line: WatchLine) => Promise<boolean>): Promise<StreamEnd> => new Promise((resolve, reject) => {
  const cut = (reason: string): void => resolve({ type: 'cut', reason })
  const asked = request({ host, port, path: `/watch${from === undefined ? '' : `?from=${from}`}`, agent: false, timeout: SILENCE_MS }, response => {
    response.setEncoding('utf8')
    const read = async (): Promise<void> => {
      let open = ''
      for await (const piece of response as AsyncIterable<string>) {
        open += piece
        if (response.statusCode !== 200 || !piece.includes('\n')) continue
        const lines = open.split('\n')
        open = lines.pop() ?? ''
        for (const text of lines) {
          if (await each({ text, value: parseObject(text) })) continue
          resolve({ type: 'enough' })
          return void asked.destroy()
        }
      }
      if (response.statusCode === 200) cut('the member ended the stream')
      else resolve({ type: 'refused', refusal: refusalIn({ status: response.statusCode ?? 0, text: open }, 'GET') })
    }
    // A connection that is cut ends the reading with an error of its own; any other is that of `each`.
    read().catch((error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' ? cut('the connection was cut') : reject(error))
  })
  asked.once('timeout', () => asked.destroy(new Error(`nothing was heard for ${SILENCE_MS} ms`)))
  asked.once('error', error => cut(error.message))
  asked.end()
})
