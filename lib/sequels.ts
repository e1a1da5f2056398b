/**
 * Commands that come right after another's commit, as from a caller who waits for each. Where the next is counted on, followers hear of a commit with
 * its entry instead of by a message of its own, which is half of what a leader sends.
 */
import type { Leader } from './state.js'

/** How soon after a commit the next command must come to be its sequel, and how many in a row it takes before the next is counted on. */
const SEQUEL_MS = 5
const COUNTED_ON = 8

/** A command was proposed while nothing was left to commit. */
export const noteSequel = (leader: Leader): void => {
  leader.sequels = leader.now - leader.committedAt < SEQUEL_MS ? leader.sequels + 1 : 0
}

/** Somebody may wait for what is committed next, or was already: it is told at once, until enough have come in a row again. */
export const countOnNone = (leader: Leader): void => { leader.sequels = 0 }

/** Whether a commit is told with the next entries, or with the next tick where none come. */
export const holdsBackCommits = ({ sequels }: Leader): boolean => sequels >= COUNTED_ON
