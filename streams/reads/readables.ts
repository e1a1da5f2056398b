import { firstWhere } from '../../lib/search.js'
import type { Index } from '../../lib/types.js'
import { type PendingRead, isLive } from './pending-read.js'

/** Reads that wait for this member's machine, in order of the index that it must have applied; one that is told where it stands is passed over. */
export interface Readables<S> {
  /** They can be read from `index` on. */
  add(index: Index, reads: readonly PendingRead<S>[]): void
  /** The first that still waits and can be read at `index`. */
  first(index: Index): PendingRead<S> | undefined
  /** All that still wait. */
  all(): readonly PendingRead<S>[]
  /** Lets go of those that were told. */
  tidy(): void
}

/** What one answer of a leader was for. */
interface Readable<S> {
  readonly index: Index
  readonly reads: readonly PendingRead<S>[]
}

/** Places that nobody waits at any more, kept at most beside as many others. */
const SPARE = 64

export const createReadables = <S>(): Readables<S> => {
  /** `groups[head..]` are left, and of the first of them `reads[next..]`. */
  let groups: Readable<S>[] = []
  let head = 0
  let next = 0

  const keep = (kept: Readable<S>[]): void => {
    groups = kept
    head = 0
  }
  return {
    add: (index, reads) => {
      const at = head + firstWhere(groups.length - head, position => groups[head + position]!.index > index)
      groups.splice(at, 0, { index, reads })
      if (at === head) next = 0
    },
    first: index => {
      for (; head < groups.length; head++, next = 0) {
        const { index: from, reads } = groups[head]!
        if (from > index) break
        while (next < reads.length && !isLive(reads[next]!)) next++
        if (next < reads.length) return reads[next]
        // Its reads are let go of at once, however many they were.
        groups[head] = { index: from, reads: [] }
      }
      if (head > SPARE && head > groups.length / 2) keep(groups.slice(head))
      return undefined
    },
    all: () => groups.slice(head).flatMap(({ reads }) => reads.filter(isLive)),
    tidy: () => {
      next = 0
      keep(groups.slice(head).map(({ index, reads }) => ({ index, reads: reads.filter(isLive) })).filter(({ reads }) => reads.length > 0))
    },
  }
}
