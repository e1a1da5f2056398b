/** What is true of entries for ever, whoever holds them: equal index and term, equal past; committed is committed. */
import { quorumValue } from '../../../lib/quorum.js'
import type { Index, MemberId, Membership, Term } from '../../../lib/types.js'
import { type Entries, type Image, type Piece, sameEntry } from './image.js'
import type { Judge } from './violation.js'

export interface Logs {
  /** What a member is about to write, after what it holds. */
  readonly appended: (id: MemberId, held: Image, pieces: readonly Piece[]) => void
  /** A member that is in `term` takes `index` of its log for committed, by one of these memberships; `holders` have it durably. */
  readonly committed: (by: Committer, log: Image, index: Index, holders: (index: Index) => readonly MemberId[]) => void
  /** Entries of terms above this one are as good as never written: nobody but the one who lost them ever saw them. */
  readonly forget: (term: Term) => void
  /** Everything that was ever committed. */
  readonly history: Entries
  /** The first entry committed before `term` that this log lacks, or 0: every later leader must have it (§5.4.3). */
  readonly lacking: (log: Image, term: Term) => Index
}

/** Who takes entries for committed, in its term, and who may have decided so. */
export interface Committer {
  readonly id: MemberId
  readonly term: Term
  readonly memberships: readonly Membership[]
}

interface Known {
  readonly term: Term
  readonly sum: number
  readonly previousTerm: Term
}

export const createLogs = ({ demand }: Judge): Logs => {
  const history: Entries = { terms: [], sums: [] }
  /** By index, the term in which it was first known to be committed. */
  const committedIn: Term[] = []
  /** By index, every entry that was ever written there. */
  const known: Known[][] = []

  const learn = (id: MemberId, index: Index, entry: Known): void => {
    const there = known[index] ??= []
    const found = there.find(({ term }) => term === entry.term)
    if (found === undefined) there.push(entry)
    else demand(found.sum === entry.sum && found.previousTerm === entry.previousTerm,
      () => `${id} has another entry ${index} of term ${entry.term} than was written before, or behind another past`)
  }
  return {
    history,
    forget: above => known.forEach((there, index) => { known[index] = there.filter(({ term }) => term <= above) }),
    appended: (id, held, pieces) => {
      let previous: { readonly index: Index; readonly term: Term } | undefined
      for (const piece of pieces) {
        if (piece.type === 'install') previous = { index: piece.of.terms.length, term: piece.of.terms.at(-1) ?? 0 }
        if (piece.type !== 'entries') continue
        const before = piece.firstIndex - 1
        let previousTerm = previous?.index === before ? previous.term : held.terms[before - 1] ?? 0
        piece.sums.forEach((sum, at) => {
          learn(id, piece.firstIndex + at, { term: piece.term, sum, previousTerm })
          previousTerm = piece.term
        })
        previous = { index: before + piece.sums.length, term: piece.term }
      }
    },
    committed: ({ id, term, memberships }, log, index, holders) => {
      if (index <= history.terms.length) return void demand(sameEntry(history, log, index), () => `${id} committed another entry at ${index} than was committed before`)
      demand(index === history.terms.length + 1 && log.terms.length >= index, () => `${id} committed ${index}, of which it holds ${log.terms.length} and ${history.terms.length} was the last`)
      const disks = holders(index)
      demand(memberships.some(membership => quorumValue(membership, holder => disks.includes(holder) ? 1 : 0) === 1), () => `${id} committed ${index}, durable only on ${disks.join(', ') || 'no one'}`)
      history.terms.push(log.terms[index - 1] ?? 0)
      history.sums.push(log.sums[index - 1] ?? 0)
      committedIn.push(term)
    },
    lacking: (log, term) => {
      for (let index = 1; index <= history.terms.length; index++) if (committedIn[index - 1]! < term && !sameEntry(history, log, index)) return index
      return 0
    },
  }
}
