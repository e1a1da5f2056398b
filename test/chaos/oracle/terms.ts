import type { Status } from '../../../lib/status.js'
import type { MemberId, Term } from '../../../lib/types.js'

/** What the members' statuses say of terms: one leader in each, and none that falls, whatever happens to a process in between. */
export interface Terms {
  /** What is wrong with it, if anything. */
  add(status: Status): string | undefined
  /** This member is another one from now on, and remembers no term. */
  forget(id: MemberId): void
  /** In how many terms somebody led. */
  elections(): number
}

export const createTerms = (): Terms => {
  const leaders = new Map<Term, MemberId>()
  const terms = new Map<MemberId, Term>()
  return {
    add: ({ id, term, leader }) => {
      const before = terms.get(id) ?? 0
      if (term < before) return `${id} is in term ${term} and was in ${before}`
      terms.set(id, term)
      if (leader === undefined) return undefined
      const known = leaders.get(term) ?? leader
      leaders.set(term, known)
      return known === leader ? undefined : `${id} says that ${leader} leads term ${term}, and others say ${known}`
    },
    forget: id => void terms.delete(id),
    elections: () => leaders.size,
  }
}
