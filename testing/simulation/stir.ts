/** When promises may have something to do: only then does virtual time stand still for them. */
import { Observable, type ObservableInput, from } from 'rxjs'
import type { Machine, RunningMachine } from '../../streams/machine/machine.js'

export interface Stir {
  /** Something was told to whoever may wait for it with a promise. */
  readonly now: () => void
  /** Whether promises are to be heard before time goes on; told once. */
  readonly take: () => boolean
  /** The same machine; while a call of it is not done, everything waits for promises after each event. */
  readonly watch: <C, R, S>(machine: Machine<C, R, S>, isAlive: () => boolean) => Machine<C, R, S>
}

/** Lets all promises come to rest that do not wait for the world outside. */
export const settlePromises = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

interface Call {
  readonly isAlive: () => boolean
}

export const createStir = (): Stir => {
  const calls = new Set<Call>()
  let isStirred = false

  /** Most answers are there at once: nobody waits for those. */
  const during = <A>(isAlive: Call['isAlive'], ask: () => ObservableInput<A>): Observable<A> => new Observable(subscriber => {
    from(ask()).subscribe(subscriber)
    if (subscriber.closed) return
    const call: Call = { isAlive }
    calls.add(call)
    subscriber.add(() => calls.delete(call))
  })
  /** Only while the next chunk is awaited, and not while it is being written. */
  const pulled = (inner: AsyncIterator<Uint8Array>, isAlive: Call['isAlive']): AsyncIterator<Uint8Array> => ({
    next: async () => {
      const call: Call = { isAlive }
      calls.add(call)
      try {
        return await inner.next()
      } finally {
        calls.delete(call)
      }
    },
    return: async () => await inner.return?.() ?? { done: true, value: undefined },
  })
  const running = <C, R, S>(inner: RunningMachine<C, R, S>, { isAlive }: Call): RunningMachine<C, R, S> => ({
    get state() { return inner.state },
    snapshot: () => {
      const chunks = inner.snapshot()
      return { [Symbol.asyncIterator]: () => pulled(chunks[Symbol.asyncIterator](), isAlive) }
    },
    restore: bytes => during(isAlive, () => inner.restore(bytes)),
    apply: entries => {
      const answer = inner.apply(entries)
      return Array.isArray(answer) ? answer : during(isAlive, () => answer)
    },
  })
  return {
    now: () => { isStirred = true },
    take: () => {
      for (const call of calls) if (!call.isAlive()) calls.delete(call)
      const wasStirred = isStirred || calls.size > 0
      isStirred = false
      return wasStirred
    },
    watch: (machine, isAlive) => ({ version: machine.version, command: machine.command, result: machine.result, start: () => running(machine.start(), { isAlive }) }),
  }
}
