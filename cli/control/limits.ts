import { DEFAULT_LIMITS } from '../../codecs/options.js'
import type { Millis } from '../../lib/types.js'

/** What a control server holds at most. Nobody proves who he is there, so nothing may grow by what is asked. */
export interface ControlLimits {
  /** The largest body, in bytes: the member's own limit of that name, or there are commands that only its other callers can propose. 8 MiB unless told otherwise. */
  readonly maxCommandBytes: number
  /** Values of one command: the member's own limit of that name. 250 000 unless told otherwise. */
  readonly maxCommandValues: number
  /** Open connections; beyond them none is accepted. 128 unless told otherwise. */
  readonly maxConnections: number
  /** Requests that wait on one connection after the one that is at work; whoever sends more is cut off. 16 unless told otherwise. */
  readonly maxPipelined: number
  /** Bytes of bodies on their way in, all together; beyond them requests are refused as busy. 64 MiB unless told otherwise. */
  readonly maxBodyBytes: number
  /** Bytes of what one read or one result answers with, as JSON. 8 MiB unless told otherwise. */
  readonly maxReadBytes: number
  /**
   * Bytes of what reads, results and watchers were answered and have not taken yet, all together; one answer may go beyond it. Then reads are refused as busy, watchers wait, and the
   * results of commands, which are applied all the same, are not told. 64 MiB unless told otherwise.
   */
  readonly maxAnswerBytes: number
  /** Property names in one path. 64 unless told otherwise. */
  readonly maxPathNames: number
  /** Streams of `/watch`. 16 unless told otherwise. */
  readonly maxWatchers: number
  /** Whoever takes nothing of an answer for so long is cut off. 30 000 unless told otherwise. */
  readonly stallMs: Millis
  /** A watcher to whom nothing was to be told for so long is shown a sign of life. 5 000 unless told otherwise. */
  readonly watchAliveMs: Millis
  /** From a request's first byte to its last. 30 000 unless told otherwise. */
  readonly requestTimeoutMs: Millis
}

const MiB = 1024 * 1024

export const DEFAULT_CONTROL_LIMITS: ControlLimits = Object.freeze({
  maxCommandBytes: DEFAULT_LIMITS.maxCommandBytes,
  maxCommandValues: DEFAULT_LIMITS.maxCommandValues,
  maxConnections: 128,
  maxPipelined: 16,
  maxBodyBytes: 64 * MiB,
  maxReadBytes: 8 * MiB,
  maxAnswerBytes: 64 * MiB,
  maxPathNames: 64,
  maxWatchers: 16,
  stallMs: 30_000,
  watchAliveMs: 5_000,
  requestTimeoutMs: 30_000,
})
