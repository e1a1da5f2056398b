/** A machine whose snapshots have the sessions in front of its state: neither is ever saved or restored without the other. */
import type { Type } from 'io-ts'
import { type Observable, concat, defer, from, ignoreElements, tap } from 'rxjs'
import { isLeft } from '../../lib/prelude.js'
import type { RunningMachine } from './machine.js'
import { PIECE_HEADER_BYTES, PREFACE_BYTES, createSessionReader, encodeSessions, readPreface } from './session-bytes.js'
import { type SessionTable, type Sessions, noSessions } from './sessions.js'

const CUT = 'the sessions cannot be read: they end early'

type Chunk = IteratorResult<Uint8Array, unknown>

/** A machine may be plain JavaScript. */
const chunksOf = (given: unknown): AsyncIterable<Uint8Array> => {
  if (isAsyncIterable(given)) return given
  throw new Error('the machine\'s snapshot must return an async iterable of chunks, as an async generator does')
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<Uint8Array> =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, Symbol.asyncIterator) === 'function'

/** The first chunk of the machine is asked for when the first of all is, as a machine may expect, which may also answer at once. */
const behind = (preface: Iterator<Uint8Array, void>, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => {
    const iterator = chunks[Symbol.asyncIterator]()
    const ask = (): Promise<Chunk> => new Promise(resolve => { resolve(iterator.next()) })
    let first: Promise<Chunk> | undefined
    let isPreface = true
    return {
      next: async () => {
        if (!isPreface) return ask()
        if (first === undefined) {
          first = ask()
          // A failure is told to whoever asks for it next.
          first.catch(() => undefined)
        }
        const piece = preface.next()
        if (piece.done !== true) return piece
        isPreface = false
        return first
      },
      return: async () => await iterator.return?.() ?? { done: true, value: undefined },
    }
  },
})

/** At least so many bytes, or all there are. */
const gather = async (chunks: AsyncIterator<Uint8Array>, held: Buffer, length: number): Promise<Buffer> => {
  if (held.length >= length) return held
  const parts = [held]
  let bytes = held.length
  while (bytes < length) {
    const next = await chunks.next()
    if (next.done === true) break
    // Copied, because a chunk is valid until the next is asked for.
    parts.push(Buffer.from(next.value))
    bytes += next.value.length
  }
  return Buffer.concat(parts)
}

/** The sessions at the front of a snapshot's contents, piece by piece, and what of the machine's bytes came with them. */
const readSessions = async <R>(chunks: AsyncIterator<Uint8Array>, result: Type<R, unknown>): Promise<readonly [SessionTable<R>, Uint8Array]> => {
  let held = await gather(chunks, Buffer.alloc(0), PREFACE_BYTES)
  const follow = readPreface(held)
  if (isLeft(follow)) throw new Error(follow.left)
  if (!follow.right) return [noSessions<R>(), held]
  const reader = createSessionReader(result)
  for (held = held.subarray(PREFACE_BYTES); ;) {
    held = await gather(chunks, held, PIECE_HEADER_BYTES)
    if (held.length < PIECE_HEADER_BYTES) throw new Error(CUT)
    const end = PIECE_HEADER_BYTES + held.readUInt32LE(0)
    if (end === PIECE_HEADER_BYTES) return [reader.table, held.subarray(end)]
    held = await gather(chunks, held, end)
    if (held.length < end) throw new Error(CUT)
    const fault = reader.take(held.subarray(PIECE_HEADER_BYTES, end))
    if (fault !== undefined) throw new Error(fault)
    held = held.subarray(end)
  }
}

/** What is left for the machine, once the sessions are read. */
async function* chunksBehind(read: () => Promise<readonly [unknown, Uint8Array]>, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isDone = false
  try {
    const [, first] = await read()
    if (first.length > 0) yield first
    for (let next = await chunks.next(); ; next = await chunks.next()) {
      isDone = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } finally {
    if (!isDone) await chunks.return?.()
  }
}

/** A machine may drop a promise that fails; the same failure reaches `readOnce`, or the source. */
const unhurried = (chunks: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({
    next: () => {
      const result = chunks.next()
      result.catch(() => undefined)
      return result
    },
    return: () => chunks.return(undefined),
  }),
})

/** The sessions are read with the machine's first chunk, or after it where it asks for none: so whoever watches for a stall watches them, too. */
const restore = <C, R, S>(machine: RunningMachine<C, R, S>, sessions: Sessions<R>, result: Type<R, unknown>, bytes: AsyncIterable<Uint8Array>): Observable<never> => {
  const chunks = bytes[Symbol.asyncIterator]()
  let reading: Promise<readonly [SessionTable<R>, Uint8Array]> | undefined
  const readOnce = (): Promise<readonly [SessionTable<R>, Uint8Array]> => reading ??= readSessions(chunks, result)
  const become$ = defer(readOnce).pipe(tap(([table]) => sessions.become(table)), ignoreElements())
  return concat(from(machine.restore(unhurried(chunksBehind(readOnce, chunks)))).pipe(ignoreElements()), become$)
}

export const withSessions = <C, R, S>(machine: RunningMachine<C, R, S>, sessions: Sessions<R>, result: Type<R, unknown>): RunningMachine<C, R, S> => ({
  get state() {
    return machine.state
  },
  apply: entries => machine.apply(entries),
  snapshot: () => behind(encodeSessions(sessions.table, result), chunksOf(machine.snapshot())),
  restore: bytes => restore(machine, sessions, result, bytes),
})
