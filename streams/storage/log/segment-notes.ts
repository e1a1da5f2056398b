import type { Index } from '../../../lib/types.js'

interface Note {
  readonly segment: number
  /** What its base says the log stood at; undefined where it begins without one, as in folders of format 1. */
  base: Index | undefined
  /** Its base is an install: nothing before it counts any more. */
  isAnew: boolean
  /** The lowest first index of what was appended in it. */
  lowest: Index
}

/** What is known of the segments of the log, for the day when the first of them are no longer needed. */
export interface SegmentNotes {
  /** The segment begins with a base at `index`, or with an install. */
  began(segment: number, index: Index, isAnew: boolean): void
  /** An append from `first` on stands in the segment. */
  appended(segment: number, first: Index): void
  /**
   * The oldest segment that nobody needs where the log may begin after `index`. Needed are the last one whose base stands at or before
   * `index`, and all after it; but a base that something in these segments replaced says nothing of the log any more.
   */
  unneeded(index: Index): number | undefined
  /** The oldest segment is gone. */
  dropped(): void
}

/** Notes on segments that come in ascending order, from `oldest` on without a gap. */
export const createSegmentNotes = (oldest: number): SegmentNotes => {
  const notes: Note[] = []
  let first = oldest
  const noteOf = (segment: number): Note => {
    const last = notes.at(-1)
    if (last?.segment === segment) return last
    const note: Note = { segment, base: undefined, isAnew: false, lowest: Number.POSITIVE_INFINITY }
    notes.push(note)
    return note
  }
  const firstNeeded = (index: Index): number => {
    let lowest = Number.POSITIVE_INFINITY
    for (let i = notes.length - 1; i >= 0; i--) {
      const { segment, base, isAnew, lowest: lowestHere } = notes[i]!
      lowest = Math.min(lowest, lowestHere)
      if (base !== undefined && (isAnew || base <= index) && lowest > base) return segment
    }
    return first
  }
  return {
    began: (segment, index, isAnew) => Object.assign(noteOf(segment), { base: index, isAnew }),
    appended: (segment, index) => {
      const note = noteOf(segment)
      note.lowest = Math.min(note.lowest, index)
    },
    unneeded: index => (firstNeeded(index) > first ? first : undefined),
    dropped: () => {
      if (notes[0]?.segment === first) notes.shift()
      first++
    },
  }
}
