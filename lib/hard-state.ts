import type { HardState } from './types.js'

/** Whether two say the same of everything that nobody may be told before it is durable: all but the commitIndex, which a leader tells again. */
export const isSameVote = (a: Omit<HardState, 'commitIndex'>, b: Omit<HardState, 'commitIndex'>): boolean =>
  a.term === b.term && a.votedFor === b.votedFor && a.votesFrom === b.votesFrom
