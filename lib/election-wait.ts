/** How long a follower waits for its leader before it stands for election (§5.2). */
import { nextRandom } from './random.js'
import type { RaftState } from './state.js'
import type { Millis } from './types.js'

/**
 * The longest wait, in election timeouts; the shortest is one. The spread is many round trips wide, which keeps votes from splitting; a wider one
 * only delays the first to stand.
 */
export const LONGEST_WAIT = 1.5

/** Begins the wait anew, drawn afresh each time. */
export const restartElectionWait = (state: RaftState): void => {
  const [random, drawn] = nextRandom(state.random)
  state.random = random
  state.electionDeadline = state.now + state.settings.electionTimeoutMs * (1 + drawn * (LONGEST_WAIT - 1))
}

/** When the longest wait is over that begins now. */
export const longestElectionWait = ({ now, settings: { electionTimeoutMs } }: RaftState): Millis => now + electionTimeoutMs * LONGEST_WAIT
