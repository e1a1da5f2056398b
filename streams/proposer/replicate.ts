import { Observable, type OperatorFunction, takeWhile } from 'rxjs'
import { Busy } from '../../lib/errors.js'
import { left } from '../../lib/prelude.js'
import { iteratorFault, replicateFault, replicateFromFault } from './call-options.js'
import type { ReplicateOptions, Replicated, Submit } from './proposer.js'
import { createLane } from './lane.js'

const DEFAULT_WINDOW = 256
const DEFAULT_QUEUE = 10_000

/** So many commands that found no room may wait for earlier outcomes at least, however small window and queue are. */
const LEAST_REFUSED = DEFAULT_WINDOW + DEFAULT_QUEUE

/** What `Proposer.replicate` promises, over any way to hand over a command. */
export const replicate = <C, R>(
  submit: Submit<C, R>, options: ReplicateOptions | undefined,
): OperatorFunction<C, Replicated<C, R>> => commands$ => new Observable(subscriber => {
  const fault = replicateFault(commands$, options)
  if (fault !== undefined) return subscriber.error(fault)
  const { window = DEFAULT_WINDOW, queue = DEFAULT_QUEUE, timeoutMs } = options ?? {}
  const bound = window + queue
  const mostKept = bound + Math.max(bound, LEAST_REFUSED)
  let end: (() => void) | undefined
  const finish = (): void => {
    if (commands.size === 0) end?.()
  }
  const commands = createLane({ submit, each: { timeoutMs }, window, subscriber, moved: finish })
  // A source that emits within its subscription hears of an unsubscription only this way.
  return commands$.pipe(takeWhile(() => !subscriber.closed)).subscribe({
    next: command => {
      const isKept = commands.size < mostKept
      if (isKept && commands.open < bound) return commands.add(command)
      const outcome = left(new Busy('queue'))
      if (isKept) return commands.add(command, outcome)
      commands.leaveOut()
      subscriber.next({ command, outcome })
    },
    error: (error: unknown) => {
      end = () => subscriber.error(error)
      finish()
    },
    complete: () => {
      end = () => subscriber.complete()
      finish()
    },
  })
})

/** What `Proposer.replicateFrom` promises, over any way to hand over a command. */
export const replicateFrom = <C, R>(
  submit: Submit<C, R>, commands: Iterable<C> | AsyncIterable<C>, options: Omit<ReplicateOptions, 'queue'> | undefined,
): Observable<Replicated<C, R>> => new Observable(subscriber => {
  const fault = replicateFromFault(commands, options)
  if (fault !== undefined) return subscriber.error(fault)
  const { window: width = DEFAULT_WINDOW, timeoutMs } = options ?? {}
  const source = createPuller(commands)
  let end: (() => void) | undefined
  let isPulling = false
  let isTaking = false
  let isBusy = false
  // Where fates are known at once, an endless source would never let go of the thread: so much it may give until it has to wait.
  let budget = width
  let refill: NodeJS.Immediate | undefined

  const taken = (result: IteratorResult<C, undefined>): void => {
    isPulling = false
    isTaking = true
    if (result.done === true) end = () => subscriber.complete()
    else pulled.add(result.value)
    isTaking = false
    fill()
  }
  const failed = (error: unknown): void => {
    isPulling = false
    end = () => subscriber.error(error)
    fill()
  }
  const fill = (): void => {
    if (isBusy) return
    isBusy = true
    while (!isPulling && end === undefined && !subscriber.closed && pulled.size < width && budget > 0) {
      budget--
      isPulling = true
      source.pull(taken, failed)
    }
    isBusy = false
    if (pulled.size === 0) end?.()
    if (budget === 0 && end === undefined && !subscriber.closed) refill ??= setImmediate(resume)
  }
  const resume = (): void => {
    clearImmediate(refill)
    refill = undefined
    budget = width
    fill()
  }
  const pulled = createLane({
    submit, each: { timeoutMs }, window: width, subscriber,
    // A fate that was waited for has let others have their turn.
    moved: () => isTaking ? undefined : resume(),
  })
  subscriber.add(() => {
    clearImmediate(refill)
    if (end === undefined) source.close()
  })
  fill()
})

interface Puller<C> {
  /** Calls exactly one of the two, once; at once where the source is not asynchronous. */
  pull(taken: (result: IteratorResult<C, undefined>) => void, failed: (error: unknown) => void): void
  /** Tells the source that nothing more will be asked; what it says to that is nobody's concern. */
  close(): void
}

/** What a source makes of itself is not ours to trust. */
const made = <I extends Iterator<unknown> | AsyncIterator<unknown>>(iterator: I): I => {
  const fault = iteratorFault(iterator)
  if (fault !== undefined) throw fault
  return iterator
}

/** Neither is what an iterator answers, which is looked at once. */
const checked = <C>(result: IteratorResult<C, unknown>): IteratorResult<C, undefined> => {
  if (Object(result) !== result) throw new TypeError(`the iterator answered ${String(result)} instead of an object`)
  return result.done === true ? { done: true, value: undefined } : { done: false, value: result.value }
}

// A string is an iterable too, and no object.
const isAsync = <C>(commands: Iterable<C> | AsyncIterable<C>): commands is AsyncIterable<C> => typeof Reflect.get(Object(commands), Symbol.asyncIterator) === 'function'

const createPuller = <C>(commands: Iterable<C> | AsyncIterable<C>): Puller<C> => {
  if (isAsync(commands)) {
    const iterator = made(commands[Symbol.asyncIterator]())
    return {
      pull: (taken, failed) => void new Promise<IteratorResult<C, unknown>>(resolve => resolve(iterator.next())).then(checked).then(taken, failed),
      close: () => void new Promise(resolve => resolve(iterator.return?.())).catch(() => undefined),
    }
  }
  const iterator = made(commands[Symbol.iterator]())
  return {
    pull: (taken, failed) => {
      let result: IteratorResult<C, undefined>
      try {
        result = checked(iterator.next())
      } catch (error) {
        return failed(error)
      }
      taken(result)
    },
    close: () => {
      try {
        iterator.return?.()
      } catch {
        // The values that matter were taken.
      }
    },
  }
}
