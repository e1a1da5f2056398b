import type { Clock } from '../time/clock.js'
import type { Ended } from '../outputs/outputs.js'

/** How a member comes to its end: by request, or by a failure that only a restart can heal. */
export interface Ending {
  /** Resolves when the member has ended, however it did; twice is once. */
  stop(): Promise<void>
  /** What follows the first failure changes nothing. */
  fail(error: Error): void
}

/** What ends, in this order. */
interface Endings {
  /** Refuses what is new and waits, for a bounded time, for the fates of what was accepted. Left out after a failure. */
  drain(done: () => void): void
  /** Nothing is folded, applied or taken in any more, and whoever still waits is told that the outcome is unknown, and why. */
  halt(how: Ended): void
  /** Gives back the address, the files and the lock. */
  close(how: Ended, done: () => void): void
  ended(how: Ended): void
}

/** All of them, whatever one throws: whoever waits at another is told all the same. What was thrown first is thrown in the end. */
export const haltAll = (parts: readonly { halt(why: string): void }[], why: string): void => {
  const thrown: unknown[] = []
  for (const part of parts) {
    try {
      part.halt(why)
    } catch (error) {
      thrown.push(error)
    }
  }
  if (thrown.length > 0) throw thrown[0]
}

/** Every act waits for the end of the turn: a member never ends in the middle of a step, or of a subscriber that asked for it. */
export const createEnding = (endOfTurn: Clock['endOfTurn'], { drain, halt, close, ended }: Endings): Ending => {
  let isDraining = false
  let isClosing = false
  let resolve: () => void = () => undefined
  const over = new Promise<void>(done => { resolve = done })

  const end = (how: Ended): void => {
    endOfTurn(() => {
      if (isClosing) return
      isClosing = true
      // Whatever else goes wrong, the address and the folder are given back, and whoever waits for the end hears of it.
      try {
        halt(how)
      } finally {
        close(how, () => {
          try {
            ended(how)
          } finally {
            resolve()
          }
        })
      }
    })
  }

  return {
    fail: error => end({ _tag: 'Failed', error }),
    stop: () => {
      if (!isDraining) {
        isDraining = true
        drain(() => end({ _tag: 'Stopped' }))
      }
      return over
    },
  }
}
