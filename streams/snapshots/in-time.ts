/** The chunks of a machine's state, each within its time. */
import type { Millis } from '../../lib/types.js'
import type { Cancel, Clock } from '../time/clock.js'

interface Patience {
  readonly stallMs: Millis
  readonly clock: Pick<Clock, 'now' | 'after' | 'endOfTurn'>
  /** One call kept everything else waiting for so long. */
  readonly held: (tookMs: Millis) => void
}

type Result = IteratorResult<Uint8Array, unknown>

/** The iterator is told that nothing more is wanted; whether and when it answers does not matter. */
export const letGo = (chunks: AsyncIterator<Uint8Array>): void => {
  // An async function, since whoever breaks the rules may throw instead of rejecting.
  const end = async (): Promise<unknown> => chunks.return?.()
  end().catch(() => undefined)
}

const DONE: Result = { done: true, value: undefined }

/**
 * Stands at the machine, in front of what compresses: the time that this takes is not held against the machine, and what the machine does is not
 * hidden by it. A machine that fails, gives something else or takes too long is let go; whoever wants nothing more need not wait for it.
 */
export const inTime = (chunks: AsyncIterator<Uint8Array>, { stallMs, clock, held }: Patience): AsyncIterableIterator<Uint8Array> => {
  let isOver = false
  let patience: Cancel = () => undefined
  /** Answers who waits for the next chunk. */
  let answer: (result: Result) => void = () => undefined
  const end = (): void => {
    isOver = true
    patience()
    answer(DONE)
  }
  const stop = (): void => {
    if (isOver) return
    end()
    letGo(chunks)
  }
  const asked = (resolve: (result: Result) => void, reject: (thrown: unknown) => void): void => {
    const fail = (thrown: unknown): void => {
      reject(thrown)
      stop()
    }
    const take = (result: Result): void => {
      if (isOver) return
      if (result.done === true) return end()
      const chunk: unknown = result.value
      if (!(chunk instanceof Uint8Array)) return fail(new Error('the machine gave something that is no Uint8Array'))
      // Nothing is no progress: whoever gives nothing for ever is stalled, and does not keep the process from everything else.
      if (chunk.length === 0) return void clock.endOfTurn(ask)
      patience()
      resolve({ value: chunk })
    }
    const ask = (): void => {
      if (isOver) return
      const next = async (): Promise<Result> => {
        const began = clock.now()
        try {
          return chunks.next()
        } finally {
          held(clock.now() - began)
        }
      }
      // What is no result at all throws where it is looked at.
      next().then(take).catch(fail)
    }
    answer = resolve
    patience = clock.after(stallMs, () => fail(new Error(`the machine gave nothing for ${stallMs} ms (snapshotStallMs)`)))
    ask()
  }
  const given: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => given,
    next: () => isOver ? Promise.resolve(DONE) : new Promise(asked),
    return: () => {
      stop()
      return Promise.resolve(DONE)
    },
  }
  return given
}
