/**
 * What clients say is heard in turns: so much of it in one turn of the event loop, of all of them together, and what is left in later ones, in the order in which
 * they came. Whatever members say, and the core, which replaces a leader that is late, have their turns between, however much is asked.
 */
import type { Clock } from '../time/clock.js'

/** So many messages are heard in a turn, and those that lie in the same few KiB. */
export const TURN_MESSAGES = 256
/** So many bytes, whatever is in them. */
export const TURN_BYTES = 1024 * 1024
/** Room is looked for anew after so many. */
const SLICE_BYTES = 8 * 1024

export interface Turns {
  /** Whether more may be heard in this turn. */
  hasRoom(): boolean
  /** So many bytes were looked at. */
  read(bytes: number): void
  /** There was a message among them. */
  heard(): void
  /** Calls `go` in a later turn that has room. */
  later(go: () => void): void
}

export const createTurns = ({ endOfTurn }: Pick<Clock, 'endOfTurn'>): Turns => {
  const waiting: (() => void)[] = []
  let bytes = 0
  let messages = 0
  let isScheduled = false
  const hasRoom = (): boolean => messages < TURN_MESSAGES && bytes < TURN_BYTES
  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    endOfTurn(begin)
  }
  const begin = (): void => {
    isScheduled = false
    bytes = 0
    messages = 0
    while (hasRoom()) {
      const go = waiting.shift()
      if (go === undefined) return
      go()
    }
    schedule()
  }
  return {
    hasRoom,
    read: more => {
      bytes += more
      schedule()
    },
    heard: () => { messages++ },
    later: go => {
      waiting.push(go)
      schedule()
    },
  }
}

/** Where bytes come from, until they are not wanted for a while. */
interface Source {
  pause(): void
  resume(): void
}

export interface Listening {
  received(bytes: Uint8Array): void
  /** What has come waits for its turn. */
  isWaiting(): boolean
}

/** Hands what is received to `hear` as there is room, until `isOver`. */
export const inTurns = (turns: Turns, source: Source, hear: (bytes: Uint8Array) => void, isOver: () => boolean): Listening => {
  let held: Uint8Array[] = []
  let isWaiting = false
  const go = (): void => {
    while (held.length > 0 && !isOver()) {
      if (!turns.hasRoom()) return wait()
      const first = held[0]!
      if (first.length > SLICE_BYTES) held[0] = first.subarray(SLICE_BYTES)
      else held.shift()
      const slice = first.subarray(0, SLICE_BYTES)
      turns.read(slice.length)
      hear(slice)
    }
    held = []
    if (!isWaiting) return
    isWaiting = false
    source.resume()
  }
  const wait = (): void => {
    if (!isWaiting) source.pause()
    isWaiting = true
    turns.later(go)
  }
  return {
    received: bytes => {
      held.push(bytes)
      if (!isWaiting) go()
    },
    isWaiting: () => isWaiting,
  }
}
