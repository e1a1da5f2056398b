/** How the time that a user gave is shared among those that are asked one after the other. */
import type { Millis } from '../../lib/types.js'

/** The answer is on its way for a while after the member has given up. */
export const WAIT_SLACK_MS: Millis = 2_000

/** Of its share, the part that a member may wait itself where others are asked after it: its answer has the rest. */
const FOR_THE_MEMBER = 3 / 4

export interface Time {
  /** When all of it is up, by `performance.now()`. */
  readonly until: Millis
  /** No share is larger. */
  readonly mostMs?: Millis
}

export interface Share {
  /** What is left of the whole time. */
  readonly leftMs: Millis
  /** How long the member itself may wait before it is of no use. */
  readonly memberMs: Millis
  /** How long nothing may be heard of it. */
  readonly silentMs: Millis
}

export const timeOf = (timeoutMs: Millis): Time => ({ until: performance.now() + timeoutMs })

/** Never 0, which would be no limit at all. */
export const leftOf = ({ until }: Time): Millis => Math.max(1, Math.ceil(until - performance.now()))

/** The share of one that is asked now, and `more` after it: what they leave unused goes to those. */
export const shareOf = (time: Time, more: number): Share => {
  const leftMs = leftOf(time)
  const shareMs = Math.ceil(Math.min(leftMs / (1 + more), time.mostMs ?? leftMs))
  return more === 0 ? { leftMs, memberMs: shareMs, silentMs: shareMs + WAIT_SLACK_MS } : { leftMs, memberMs: Math.ceil(shareMs * FOR_THE_MEMBER), silentMs: shareMs }
}
