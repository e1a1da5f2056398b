import type { Millis } from '../../../lib/types.js'

/** What a network does when nobody cuts it. Probabilities are per write, those of messages per message between cores. */
export interface NetworkMix {
  /** Mean time from one end to the other; a third of it always, the rest at random. */
  readonly delayMs: Millis
  /** What one end can send another in a second: whatever is said after it waits. As much as anybody likes unless told otherwise. */
  readonly bytesPerSecond: number
  /** A write is lost once and sent again: it and all after it are late by about `resendMs`. */
  readonly loss: number
  readonly resendMs: Millis
  /** A write arrives in two pieces. */
  readonly split: number
  /** A byte is changed on the way. */
  readonly corrupt: number
  /** The connection breaks, and what was under way on it is lost. */
  readonly reset: number
  /** A message is left out. */
  readonly drop: number
  /** A message arrives twice. */
  readonly duplicate: number
  /** A message, or a copy of it, arrives much later than those after it, over terms and connections. */
  readonly stray: number
  readonly strayMs: Millis
}

/** A network without faults. */
export const CALM_NETWORK: NetworkMix = {
  delayMs: 1, bytesPerSecond: Number.POSITIVE_INFINITY, loss: 0, resendMs: 200, split: 0, corrupt: 0, reset: 0, drop: 0, duplicate: 0, stray: 0, strayMs: 1000,
}
