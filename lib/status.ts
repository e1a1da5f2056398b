import type { RaftState } from './state.js'
import type { Index, MemberId, Term } from './types.js'

/** What a member shows of itself. */
export interface Status {
  readonly id: MemberId
  readonly role: RaftState['role']
  readonly term: Term
  /** Who leads `term`, as far as is known here. */
  readonly leader: MemberId | undefined
  readonly commitIndex: Index
  readonly appliedIndex: Index
  readonly lastIndex: Index
}

export const statusOf = ({ settings, role, term, leader, commitIndex, appliedIndex, log }: RaftState): Status =>
  ({ id: settings.id, role, term, leader, commitIndex, appliedIndex, lastIndex: log.lastIndex })

export const sameStatus = (a: Status, b: Status): boolean =>
  a.role === b.role && a.term === b.term && a.leader === b.leader
  && a.commitIndex === b.commitIndex && a.appliedIndex === b.appliedIndex && a.lastIndex === b.lastIndex

/** Whether this member leads and its machine knows all that earlier terms committed: only then does it take proposals (§8). */
export const isReady = (state: RaftState): boolean => state.role === 'leader' && state.appliedIndex >= state.noopIndex
