/** Keys and values in a snapshot: JSON, line by line. */
import * as t from 'io-ts'
import { decodeWith } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'

const CHUNK_CHARACTERS = 64 * 1024

/** One list of pairs per line, encoded only when it is asked for, so that nothing waits for the whole. */
export async function* linesOf(pairs: readonly (readonly [string, unknown])[]): AsyncGenerator<Uint8Array> {
  let line: string[] = []
  let characters = 0
  const take = (): Uint8Array => {
    const bytes = Buffer.from(`[${line.join(',')}]\n`)
    line = []
    characters = 0
    return bytes
  }
  for (const pair of pairs) {
    const text = JSON.stringify(pair)
    line.push(text)
    characters += text.length
    if (characters >= CHUNK_CHARACTERS) yield take()
  }
  if (line.length > 0) yield take()
}

/** The lines of a snapshot, however it was cut. */
async function* cutAtNewlines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let open: Uint8Array[] = []
  for await (const chunk of chunks) {
    let from = 0
    for (let newline = chunk.indexOf(0x0a); newline >= 0; newline = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...open, chunk.subarray(from, newline)]).toString()
      open = []
      from = newline + 1
    }
    // Copied, because a chunk is valid until the next one is asked for; a Buffer's own slice would share its memory.
    if (from < chunk.length) open.push(Uint8Array.from(chunk.subarray(from)))
  }
  if (open.length > 0) throw new Error('the snapshot ends in the middle of a line')
}

/** What such lines hold, with values of this kind. Rejects where they hold anything else. */
export const pairsIn = async <A>(codec: t.Type<A, unknown>, chunks: AsyncIterable<Uint8Array>): Promise<Map<string, A>> => {
  const Pairs = t.readonlyArray(t.tuple([t.string, codec]))
  const values = new Map<string, A>()
  for await (const line of cutAtNewlines(chunks)) {
    const pairs = decodeWith(Pairs, JSON.parse(line))
    if (isLeft(pairs)) throw new Error(`the snapshot holds no pairs of keys and values: ${pairs.left.join('; ')}`)
    for (const [key, value] of pairs.right) values.set(key, value)
  }
  return values
}
