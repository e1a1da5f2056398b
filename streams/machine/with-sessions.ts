/** A machine whose snapshots have the sessions in front of its state: neither is ever saved or restored without the other. */
import type { Type } from 'io-ts'
import { type Observable, concat, defer, from, ignoreElements, tap } from 'rxjs'
import { isLeft } from '../../lib/prelude.js'
import type { RunningMachine } from './machine.js'
import { PREFACE_BYTES, decodeSessions, encodeSessions, readPreface } from './session-bytes.js'
import { type SessionTable, type Sessions, noSessions } from './sessions.js'

/** The first chunk of the machine is asked for when the first of all is, as a machine may expect. */
const behind = (preface: Uint8Array, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => {
    const iterator = chunks[Symbol.asyncIterator]()
    const first: Promise<IteratorResult<Uint8Array, unknown>>[] = []
    let isBegun = false
    return {
      next: () => {
        if (isBegun) return first.pop() ?? iterator.next()
        isBegun = true
        const asked = iterator.next()
        // A failure is told to whoever asks for it next.
        asked.catch(() => undefined)
        first.push(asked)
        return Promise.resolve({ done: false, value: preface })
      },
      return: async () => await iterator.return?.() ?? { done: true, value: undefined },
    }
  },
})

/** At least so many bytes, or all there are. */
const gather = async (chunks: AsyncIterator<Uint8Array>, held: Buffer, length: number): Promise<Buffer> => {
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

/** The sessions at the front of a snapshot's contents, and what of the machine's bytes came with them. */
const readSessions = async <R>(chunks: AsyncIterator<Uint8Array>, result: Type<R, unknown>): Promise<readonly [SessionTable<R>, Uint8Array]> => {
  const head = await gather(chunks, Buffer.alloc(0), PREFACE_BYTES)
  const length = readPreface(head)
  if (isLeft(length)) throw new Error(length.left)
  if (length.right === undefined) return [noSessions<R>(), head]
  const end = PREFACE_BYTES + length.right
  const bytes = await gather(chunks, head, end)
  const table = decodeSessions(bytes.subarray(PREFACE_BYTES, end), result)
  if (isLeft(table)) throw new Error(table.left)
  return [table.right, bytes.subarray(end)]
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
  snapshot: () => behind(encodeSessions(sessions.table, result), machine.snapshot()),
  restore: bytes => restore(machine, sessions, result, bytes),
})
