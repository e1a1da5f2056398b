/** A log by what tells its entries apart: term and checksum, entry by entry. */
import { checksumOf } from '../../../codecs/bytes.js'
import { forEachEntry } from '../../../codecs/entries.js'
import type { Write } from '../../../lib/events.js'
import type { EntryBatch, HardState, Index, Term } from '../../../lib/types.js'

/** The entry of index i stands at i - 1 in both lists. */
export interface Image {
  hardState: HardState
  readonly terms: Term[]
  readonly sums: number[]
}

export const emptyImage = (): Image => ({ hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, terms: [], sums: [] })

export const copyImage = ({ hardState, terms, sums }: Image): Image => ({ hardState, terms: [...terms], sums: [...sums] })

/** The smallest writes, in order, each of which a crash may separate from the next. */
export type Piece =
  | { readonly type: 'hardState'; readonly hardState: HardState }
  | { readonly type: 'entries'; readonly firstIndex: Index; readonly term: Term; readonly sums: readonly number[] }

const KIND_SEEDS = { command: 1, noop: 2, membership: 3 } as const

/** What tells the batch's entries from others of their terms. */
export const sumsOf = (batch: EntryBatch): readonly number[] => {
  if (batch.kind === 'noop') return [KIND_SEEDS.noop]
  if (batch.kind === 'membership') return [checksumOf(Buffer.from(JSON.stringify(batch.membership)), KIND_SEEDS.membership)]
  const sums: number[] = []
  forEachEntry(batch.body, batch.skip, batch.skip + batch.count, entry => sums.push(checksumOf(entry, KIND_SEEDS.command)))
  return sums
}

export const piecesOf = (writes: readonly Write[]): readonly Piece[] => writes.flatMap((write): readonly Piece[] => write.type === 'hardState'
  ? [{ type: 'hardState', hardState: write.hardState }]
  : write.batches.map(batch => ({ type: 'entries', firstIndex: batch.firstIndex, term: batch.term, sums: sumsOf(batch) })))

export const putPiece = (image: Image, piece: Piece): void => {
  if (piece.type === 'hardState') {
    image.hardState = piece.hardState
    return
  }
  const { firstIndex, term, sums } = piece
  image.terms.length = Math.min(image.terms.length, firstIndex - 1)
  image.sums.length = Math.min(image.sums.length, firstIndex - 1)
  for (const sum of sums) {
    image.terms.push(term)
    image.sums.push(sum)
  }
}

/** Whether both hold the same entry at `index`; what neither holds is not the same. */
export const sameEntry = (a: Pick<Image, 'terms' | 'sums'>, b: Pick<Image, 'terms' | 'sums'>, index: Index): boolean => {
  const at = index - 1
  return a.terms[at] !== undefined && a.terms[at] === b.terms[at] && a.sums[at] === b.sums[at]
}
