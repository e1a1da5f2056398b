import type { PlacedMembership, StoredLog } from '../../../lib/log.js'
import type { Index, LogBase, Membership, Term } from '../../../lib/types.js'

/** Where the log ends, and who belongs to the cluster there: what a segment that follows begins with. A value. */
export interface LogEnd {
  readonly index: Index
  readonly term: Term
  /** Who belonged to the cluster where the log begins. */
  readonly membership: Membership
  /** Every membership entry, ascending: an append may take the last ones back. */
  readonly memberships: readonly PlacedMembership[]
}

/** What an append does to the end of the log. */
export interface AppendedRun {
  readonly firstIndex: Index
  readonly lastIndex: Index
  readonly term: Term
  readonly membership: Membership | undefined
}

export const endAt = ({ index, term, membership }: LogBase): LogEnd => ({ index, term, membership, memberships: [] })

export const endOf = ({ base, lastIndex, terms, memberships }: Omit<StoredLog, 'tail'>): LogEnd =>
  ({ index: lastIndex, term: terms.at(-1)?.term ?? base.term, membership: base.membership, memberships })

export const endAfter = (end: LogEnd, { firstIndex, lastIndex, term, membership }: AppendedRun): LogEnd => {
  const last = end.memberships.at(-1)
  const kept = last === undefined || last.index < firstIndex ? end.memberships : end.memberships.filter(({ index }) => index < firstIndex)
  const memberships = membership === undefined ? kept : [...kept, { index: firstIndex, membership }]
  return { index: lastIndex, term, membership: end.membership, memberships }
}

export const baseOf = ({ index, term, membership, memberships }: LogEnd): LogBase =>
  ({ index, term, membership: memberships.at(-1)?.membership ?? membership })
