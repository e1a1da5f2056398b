import type { Millis } from '../../lib/types.js'

/** What a control endpoint holds at most. Nobody proves who he is there, so nothing may grow by what is asked. */
export interface ControlBounds {
  /** Open connections; beyond them none is accepted. */
  readonly maxConnections: number
  /** Requests that wait on one connection behind the one that is at work; whoever sends more is cut off. */
  readonly maxPipelined: number
  /** Bodies on their way in, all together; beyond them requests are refused as busy. */
  readonly maxBodyBytes: number
  /** What one read answers with, as JSON. */
  readonly maxReadBytes: number
  /** Property names in one path. */
  readonly maxPathNames: number
  /** Streams of `/watch`. */
  readonly maxWatchers: number
  /** Whoever takes nothing of an answer for so long is cut off. */
  readonly stallMs: Millis
  /** A watcher to whom nothing was to be told for so long is shown a sign of life. */
  readonly watchAliveMs: Millis
  /** From a request's first byte to its last. */
  readonly requestTimeoutMs: Millis
}

const MiB = 1024 * 1024

export const CONTROL_BOUNDS: ControlBounds = Object.freeze({
  maxConnections: 128,
  maxPipelined: 16,
  maxBodyBytes: 64 * MiB,
  maxReadBytes: 8 * MiB,
  maxPathNames: 64,
  maxWatchers: 16,
  stallMs: 30_000,
  watchAliveMs: 5_000,
  requestTimeoutMs: 30_000,
})
