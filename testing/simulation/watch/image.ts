/** A log by what tells its entries apart: term and checksum, entry by entry. The checksum covers all else that an entry says: its kind, its time, and what it holds. */
import { encodeMembership } from '../../../codecs/membership.js'
import { checksumOf, writePosition } from '../../../codecs/bytes.js'
import { forEachEntry, numberingOf, openingOf } from '../../../codecs/entries.js'
import type { Write } from '../../../lib/events.js'
import type { EntryBatch, HardState, Index, Term } from '../../../lib/types.js'

/** The entry of index i stands at i - 1 in both lists. */
export interface Image {
  hardState: HardState
  readonly terms: Term[]
  readonly sums: number[]
}

export type Entries = Pick<Image, 'terms' | 'sums'>

export const emptyImage = (): Image => ({ hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, terms: [], sums: [] })

export const copyImage = ({ hardState, terms, sums }: Image): Image => ({ hardState, terms: [...terms], sums: [...sums] })

/** The smallest writes, in order, each of which a crash may separate from the next. */
export type Piece =
  | { readonly type: 'hardState'; readonly hardState: HardState }
  | { readonly type: 'entries'; readonly firstIndex: Index; readonly term: Term; readonly sums: readonly number[] }
  /** A snapshot takes the place of the log: all entries for which it stands, and no other. */
  | { readonly type: 'install'; readonly of: Entries }

const KIND_SEEDS = { command: 1, noop: 2, membership: 3 } as const

/** What all entries of a batch say alike, as the beginning of a checksum. */
const seedOf = (kind: EntryBatch['kind'], ...positions: readonly number[]): number => {
  const bytes = new Uint8Array(8 * positions.length)
  positions.forEach((position, at) => writePosition(bytes, 8 * at, position))
  return checksumOf(bytes, KIND_SEEDS[kind])
}

/** What tells the batch's entries from others of their terms. */
export const sumsOf = (batch: EntryBatch): readonly number[] => {
  const { kind, time } = batch
  if (batch.kind === 'noop') return [seedOf(kind, time)]
  if (batch.kind === 'membership') return [checksumOf(encodeMembership(batch.membership), seedOf(kind, time))]
  const { body, skip, count } = batch
  const { session, name, awaited, first } = numberingOf(body) ?? { session: 0, name: openingOf(body) ?? 0, awaited: 0, first: undefined }
  const seed = seedOf(kind, time, session, name, awaited)
  const sums: number[] = []
  // Wherever a body is cut, each of its commands keeps its number.
  forEachEntry(body, skip, skip + count, (entry, at) => sums.push(checksumOf(entry, first === undefined ? seed : (seed + first + at) >>> 0)))
  return sums
}

/** The first entries of `history`, up to this one. */
export const prefixOf = ({ terms, sums }: Entries, index: Index): Entries => ({ terms: terms.slice(0, index), sums: sums.slice(0, index) })

/** `history` is all that was ever committed: what a snapshot stands for is found there. What is cut from the front of a log stays in its image. */
export const piecesOf = (writes: readonly Write[], history: Entries): readonly Piece[] => writes.flatMap((write): readonly Piece[] => {
  switch (write.type) {
    case 'hardState': return [write]
    case 'append': return write.batches.map(batch => ({ type: 'entries', firstIndex: batch.firstIndex, term: batch.term, sums: sumsOf(batch) }))
    case 'install': return [{ type: 'install', of: prefixOf(history, write.base.index) }]
    case 'compact': return []
  }
})

export const putPiece = (image: Image, piece: Piece): void => {
  if (piece.type === 'hardState') {
    image.hardState = piece.hardState
    return
  }
  if (piece.type === 'install') return replaceFrom(image, 1, piece.of)
  cutFrom(image, piece.firstIndex)
  for (const sum of piece.sums) {
    image.terms.push(piece.term)
    image.sums.push(sum)
  }
}

const replaceFrom = (image: Image, first: Index, { terms, sums }: Entries): void => {
  cutFrom(image, first)
  for (const term of terms) image.terms.push(term)
  for (const sum of sums) image.sums.push(sum)
}

/** Hardly ever anything is cut, and setting a length is slow even if it is the same. */
const cutFrom = ({ terms, sums }: Image, first: Index): void => {
  if (terms.length < first) return
  terms.length = first - 1
  sums.length = first - 1
}

/** Whether both hold the same entry at `index`; what neither holds is not the same. */
export const sameEntry = (a: Entries, b: Entries, index: Index): boolean => {
  const at = index - 1
  return a.terms[at] !== undefined && a.terms[at] === b.terms[at] && a.sums[at] === b.sums[at]
}
