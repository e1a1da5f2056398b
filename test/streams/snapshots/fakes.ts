/** A machine's chunks and a store's writer that a test holds in its hands, in virtual time. */
import { type Either, left, right } from '../../../lib/prelude.js'
import type { Snapshot } from '../../../lib/types.js'
import type { SnapshotPlace, SnapshotWriter } from '../../../streams/storage/port.js'
import { type VirtualClock, virtualClock } from '../member/world.js'

/** Lets promises come to rest, and turns end. */
export const rest = async ({ settle }: Pick<VirtualClock, 'settle'>): Promise<void> => {
  for (let i = 0; i < 10; i++) {
    settle()
    await new Promise(resolve => setImmediate(resolve))
  }
}

export const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7)

/** What is pulled from it waits until the test gives it. */
export const heldChunks = (journal: string[]) => {
  const pulls: { readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void; readonly reject: (error: unknown) => void }[] = []
  const chunks: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => chunks,
    next: () => {
      journal.push('pull')
      return new Promise((resolve, reject) => pulls.push({ resolve, reject }))
    },
    return: () => {
      journal.push('return')
      // As a generator that is stalled: it never comes to its end.
      return new Promise(() => undefined)
    },
  }
  return {
    chunks,
    give: (value: unknown): void => pulls.shift()!.resolve({ done: false, value: value as Uint8Array }),
    answer: (result: unknown): void => pulls.shift()!.resolve(result as IteratorResult<Uint8Array, undefined>),
    end: (): void => pulls.shift()!.resolve({ done: true, value: undefined }),
    fail: (error: unknown): void => pulls.shift()!.reject(error),
  }
}

/** Each act waits until the test says how it ended. */
export const heldWriter = (journal: string[], place: SnapshotPlace) => {
  let written = 0
  let open: ((error?: Error) => void) | undefined
  const act = <A>(name: string, value: () => A, done: (outcome: Either<Error, A>) => void): void => {
    journal.push(name)
    open = error => done(error === undefined ? right(value()) : left(error))
  }
  const writer: SnapshotWriter = {
    write: (chunk, done) => {
      written += chunk.length
      act<void>(`write ${chunk.length}`, () => undefined, done)
    },
    finish: done => act('finish', (): Snapshot => ({ ...place, bytes: written, checksum: 9 }), done),
    abort: done => {
      journal.push('abort')
      done()
    },
  }
  return {
    writer,
    /** The act that is under way has ended, or failed. */
    did: (error?: Error): void => {
      const told = open
      open = undefined
      told?.(error)
    },
  }
}

export const placeAt = (index: number): SnapshotPlace =>
  ({ index, term: 1, time: 5, compression: 'none', membership: { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } } })

export { virtualClock }
