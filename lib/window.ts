/**
 * How much may be on its way at a time, so that no life sign behind it is late. A leader holds to it for each follower, and a link for the proposals and
 * results that share it with what cores say.
 *
 *     an answer is late ────────────────────────────────────────────────► half as much
 *     one is prompt, and what arrived shows that a whole window would be ─► twice as much
 */
import type { Millis } from './types.js'

/** The window of a way of which nothing is known yet, and of the slowest: it takes half a megabit a second. */
export const LEAST_WINDOW_BYTES = 64 * 1024

/** What is larger than a window goes in parts. Less than this in one would be mostly header. */
export const LEAST_PART_BYTES = 1024

/** How long an answer may take that proves that life signs are not kept waiting by what is sent. */
export const promptMs = ({ electionTimeoutMs }: { readonly electionTimeoutMs: Millis }): Millis => electionTimeoutMs / 4

/** So many bytes are there that were on their way; and since when they have been arriving. */
export interface Arrival {
  readonly bytes: number
  readonly since: Millis
}

/** Whether a whole window would arrive in time, as fast as this did that is there `now`. */
export const arrivesInTime = (windowBytes: number, { bytes, since }: Arrival, now: Millis, withinMs: Millis): boolean => (now - since) * windowBytes <= withinMs * bytes

export const widened = (windowBytes: number): number => windowBytes * 2

export const narrowed = (windowBytes: number): number => Math.max(LEAST_WINDOW_BYTES, windowBytes / 2)
