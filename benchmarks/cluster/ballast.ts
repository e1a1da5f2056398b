/** The key-value machine with a ballast: its snapshots are as large as one likes, and neither side ever holds one whole. */
import { from } from 'rxjs'
import type { Machine } from '../../streams/index.js'
import { around } from '../../testing/around.js'

const CHUNK_BYTES = 1024 * 1024

/** The same bytes in every chunk but for its number, so that what is lost or out of place does not pass. */
const PATTERN = Buffer.alloc(CHUNK_BYTES, 'every good boy deserves favour')

const NUMBER_BYTES = 4

const numberOf = (n: number): Buffer => {
  const bytes = Buffer.alloc(NUMBER_BYTES)
  bytes.writeUInt32LE(n)
  return bytes
}

const numbered = (n: number): Uint8Array => {
  const chunk = Buffer.from(PATTERN)
  chunk.set(numberOf(n))
  return chunk
}

async function* behind(front: AsyncIterable<Uint8Array>, chunks: number): AsyncGenerator<Uint8Array> {
  const head: Uint8Array[] = []
  for await (const chunk of front) head.push(chunk.slice())
  const state = Buffer.concat(head)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(state.length)
  yield Buffer.concat([length, state])
  for (let n = 0; n < chunks; n++) yield numbered(n)
}

/** Takes the state from the front, and looks at every byte of the rest without keeping it. */
const readBack = async (bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  let front = Buffer.alloc(0)
  let ballast = 0
  for await (const chunk of bytes) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const wanted = front.length < 4 ? Number.POSITIVE_INFINITY : 4 + front.readUInt32LE(0)
    if (front.length < wanted) {
      const before = front.length
      front = Buffer.concat([front, rest])
      const end = front.length < 4 ? Number.POSITIVE_INFINITY : 4 + front.readUInt32LE(0)
      if (front.length <= end) continue
      rest = rest.subarray(end - before)
      front = front.subarray(0, end)
    }
    for (let at = 0; at < rest.length;) {
      const place = ballast % CHUNK_BYTES
      const isNumber = place < NUMBER_BYTES
      const take = Math.min(rest.length - at, (isNumber ? NUMBER_BYTES : CHUNK_BYTES) - place)
      // A chunk to compare with would be a mebibyte of garbage for each one that is read.
      const expected = isNumber ? numberOf(Math.floor(ballast / CHUNK_BYTES)) : PATTERN
      if (rest.compare(expected, place, place + take, at, at + take) !== 0) throw new Error(`the ballast is wrong at ${ballast}`)
      at += take
      ballast += take
    }
  }
  return front.subarray(4)
}

/** What `machine` does, with snapshots that are so many mebibytes larger. */
export const withBallast = <C, R, S>(machine: Machine<C, R, S>, mebibytes: number): Machine<C, R, S> => mebibytes === 0 ? machine : around(machine, running => ({
  snapshot: () => behind(running.snapshot(), mebibytes),
  restore: bytes => from(readBack(bytes).then(state => new Promise<void>((resolve, reject) => {
    from(running.restore((async function* () { yield state })())).subscribe({ error: reject, complete: resolve })
  }))),
}))
