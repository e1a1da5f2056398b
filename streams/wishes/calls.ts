/** Calls of users that wait for what becomes of a wish: each ends once, in time or before, and what was sent for its sake makes room for the next. */
import type { Millis } from '../../lib/types.js'
import { createAborts } from '../requests/aborts.js'
import type { FateListener, WishOutlet } from './outlet.js'

/** From its beginning to its one outcome. */
export interface Call<O> {
  readonly timeoutMs: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
  /** Hears what the leader that was asked makes of the wish. */
  readonly told: FateListener
  readonly done: (outcome: O) => void
}

export interface Calls<O, C extends Call<O>> {
  open(call: C): void
  has(call: C): boolean
  /** Without effect on one that has ended. */
  end(call: C, outcome: O): void
  some(holds: (call: C) => boolean): boolean
  /** Looks at all that are open when it begins. */
  each(look: (call: C) => void): void
}

/** `abandoned` is the outcome of one whose signal aborts. */
export const createCalls = <O, C extends Call<O>>(giveUp: WishOutlet['giveUp'], abandoned: (call: C) => O): Calls<O, C> => {
  const calls = new Set<C>()
  const end = (call: C, outcome: O): void => {
    if (!calls.delete(call)) return
    if (call.signal !== undefined) aborts.forget(call.signal, call)
    giveUp(call.told)
    call.done(outcome)
  }
  const aborts = createAborts<C>(call => end(call, abandoned(call)))
  return {
    open: call => {
      calls.add(call)
      if (call.signal !== undefined) aborts.watch(call.signal, call)
    },
    has: call => calls.has(call),
    end,
    some: holds => [...calls].some(holds),
    each: look => [...calls].forEach(look),
  }
}
