/** Questions are dated when they are asked, and the answer names the date: whoever hears it knows how old it is at most, on its own clock. */
import type { Outbox } from './outbox.js'
import type { Leader, RaftState } from './state.js'
import type { Millis, Round } from './types.js'
import { promptMs } from './window.js'

/** The asker's date for a question asked now: never used twice. */
export const nextRound = (state: RaftState): Round => {
  state.round = Math.max(state.round + 1, Math.floor(state.now * 1000))
  return state.round
}

/** The round of all that a leader sends its followers in one step: what is asked in one turn is asked at one moment. */
export const roundOf = (leader: Leader, outbox: Outbox): Round => outbox.round ??= nextRound(leader)

/** When the question of this round was asked, to the microsecond. */
export const dateOf = (round: Round): Millis => round / 1000

/** Whether an answer to this round, heeded `waitsMs` from now, is early enough to prove that life signs are not kept waiting by what is sent. */
export const isPrompt = ({ now, settings }: RaftState, round: Round, waitsMs: Millis = 0): boolean =>
  now + waitsMs - dateOf(round) <= promptMs(settings)
