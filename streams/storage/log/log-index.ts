import { firstWhere } from '../../../lib/search.js'
import type { Index } from '../../../lib/types.js'

/** Where a record stands. */
export interface Place {
  readonly segment: number
  readonly offset: number
}

/** Indices that stand in one piece in the order of the files: reading on from `place` finds them without a gap. */
export interface Span {
  readonly place: Place
  readonly from: Index
  readonly to: Index
}

/** Which records hold which indices, sparsely: memory does not grow with the log. */
export interface LogIndex {
  lastIndex(): Index
  /** A record with entries `first` to `last`, of `bytes` bytes, stands at `place`; it replaces everything from `first` on. */
  add(first: Index, last: Index, place: Place, bytes: number): void
  /** Where the live entries `from` to `to` stand; nowhere where the first of them are forgotten. */
  spans(from: Index, to: Index): readonly Span[]
  /** Entries up to `index` are no longer looked for. */
  forget(index: Index): void
  /** The log begins anew after `index`. */
  restart(index: Index): void
  /** Whether what was to be read from `from` on, `restarts` restarts into this index, need no longer be there. */
  isGone(from: Index, restarts: number): boolean
  restarts(): number
}

interface Position {
  readonly index: Index
  readonly place: Place
  /** Here the order of the files leaves what precedes: an append replaced something. */
  readonly isTurn: boolean
}

const SPACING_BYTES = 64 * 1024
/** When there are more, every second one is dropped and the spacing doubles; turns are kept, at most a few per term, and the first of each segment. */
const MAX_POSITIONS = 16_384

const spansOf = (positions: readonly Position[], firstAt: number, from: Index, to: Index): Span[] => {
  const spans: Span[] = []
  let place = positions[firstAt]!.place
  let begin = from
  for (let i = firstAt + 1; i < positions.length && positions[i]!.index <= to; i++) {
    if (!positions[i]!.isTurn) continue
    spans.push({ place, from: begin, to: positions[i]!.index - 1 })
    place = positions[i]!.place
    begin = positions[i]!.index
  }
  spans.push({ place, from: begin, to })
  return spans
}

/** An index of the log that begins after `begin`. */
export const createLogIndex = (begin: Index, maxPositions = MAX_POSITIONS): LogIndex => {
  let base = begin
  let restarts = 0
  let positions: Position[] = []
  let spacing = SPACING_BYTES
  let sinceLast = 0
  let lastIndex = begin

  /** How many positions stand at or below `index`. */
  const countTo = (index: Index): number => firstWhere(positions.length, at => positions[at]!.index > index)
  const thin = (): void => {
    let regular = 0
    positions = positions.filter((position, i) => position.isTurn || position.place.segment !== positions[i - 1]?.place.segment || regular++ % 2 === 0)
    spacing *= 2
  }

  return {
    lastIndex: () => lastIndex,
    add: (first, last, place, bytes) => {
      const isTurn = first <= lastIndex
      if (isTurn) positions.length = countTo(first - 1)
      // The segments before this one may go: nothing that stands in it is found by way of them.
      if (isTurn || positions.at(-1)?.place.segment !== place.segment || sinceLast >= spacing) {
        positions.push({ index: first, place, isTurn })
        sinceLast = 0
        if (positions.length > maxPositions) thin()
      }
      sinceLast += bytes
      lastIndex = last
    },
    spans: (from, to) => {
      const end = Math.min(to, lastIndex)
      return from <= base || from > end ? [] : spansOf(positions, countTo(from) - 1, from, end)
    },
    forget: index => {
      if (index <= base) return
      base = index
      // The last position at or before the first entry that is left is where reading it begins.
      positions.splice(0, Math.max(0, countTo(index + 1) - 1))
    },
    restart: index => {
      base = index
      lastIndex = index
      positions = []
      sinceLast = 0
      restarts++
    },
    isGone: (from, since) => from <= base || since !== restarts,
    restarts: () => restarts,
  }
}
