/** What is on its way to a follower, what of it has arrived, and how the window follows from that. */
import type { Progress } from './progress.js'
import { isPrompt } from './rounds.js'
import type { Leader } from './state.js'
import type { Index, Millis, Round } from './types.js'
import { type Arrival, arrivesInTime, narrowed, promptMs, widened } from './window.js'

/** What an answer tells of the way. */
export interface Passage {
  /** The round that it answers. */
  readonly answered: Round
  /** The round whose delay counts: of a part or a chunk that was on its way it is the one that it left with, whoever asked after it. */
  readonly left: Round
  /** What was on its way, as far as was known. */
  readonly bytes: number
  /** What has arrived since the answer before; undefined where nothing has. */
  readonly arrival: Arrival | undefined
}

/**
 * A question that waited long behind entries would date its answer too early to prove that the follower lives. So once a round
 * trip the window is halved by a late answer, or doubled by a prompt one, if it was what held entries back, and if as much as it holds would arrive in time.
 */
export const pace = (leader: Leader, progress: Progress, { answered, left, bytes, arrival }: Passage): void => {
  const { windowBytes, windowRound } = progress
  if (arrival !== undefined) progress.arrivedAt = leader.now
  if (answered <= windowRound) return
  const isTight = bytes > windowBytes / 4 && arrival !== undefined && arrivesInTime(windowBytes, arrival, leader.now, promptMs(leader.settings))
  const isInTime = isPrompt(leader, left)
  if (isInTime && !isTight) return
  progress.windowBytes = isInTime ? widened(windowBytes) : narrowed(windowBytes)
  progress.windowRound = leader.round
}

/** What has left and is not known to have arrived: so much may delay the life signs behind it. */
export const onTheWay = ({ inflight, verifiedIndex, parts }: Progress): number => {
  let bytes = parts.bytes
  for (const { lastIndex, sentBytes } of inflight) if (lastIndex > verifiedIndex) bytes += sentBytes
  return bytes
}

/**
 * What left at `sentAt` has arrived. Its first byte cannot have come before it had travelled, which takes as long as the fastest answer, nor before
 * all that had left earlier.
 */
export const arrivalOf = ({ arrivedAt, fastestMs }: Progress, bytes: number, sentAt: Millis): Arrival => ({ bytes, since: Math.max(sentAt + fastestMs, arrivedAt) })

/** What of the entries on their way has arrived, by the word that the follower agrees up to `verified`. */
export const arrivedBy = (progress: Progress, verified: Index): Arrival | undefined => {
  const { inflight, verifiedIndex } = progress
  const first = inflight.find(({ lastIndex }) => lastIndex > verifiedIndex)
  if (first === undefined || first.lastIndex > verified) return undefined
  let bytes = 0
  for (const { lastIndex, sentBytes } of inflight) if (lastIndex > verifiedIndex && lastIndex <= verified) bytes += sentBytes
  return arrivalOf(progress, bytes, first.sentAt)
}
