import type { MemberId, Term } from './types.js'

/** What a crash must not undo once somebody was told something that rests on it. */
interface Told {
  readonly term: Term
  readonly votedFor: MemberId | undefined
  readonly isNewcomer?: boolean
}

/** Whether two say the same of all but the commitIndex, which a leader tells again. */
export const isSameVote = (a: Told, b: Told): boolean => a.term === b.term && a.votedFor === b.votedFor && (a.isNewcomer ?? false) === (b.isNewcomer ?? false)
