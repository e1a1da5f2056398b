/** What a disk holds, entry by entry, apart from how it got there. */
import { bytesOf } from '../../lib/batch.js'
import type { Write } from '../../lib/events.js'
import type { Stored } from '../../lib/recover.js'
import type { EntryBatch, HardState, Index, Membership } from '../../lib/types.js'

/** One entry: the batch that brought it, and its place in that batch's body. */
export interface Slot {
  readonly batch: EntryBatch
  readonly position: number
}

export interface Image {
  hardState: HardState
  /** The entry of index i stands at i - 1. */
  readonly slots: Slot[]
}

export const emptyImage = (): Image => ({ hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, slots: [] })

export const copyImage = ({ hardState, slots }: Image): Image => ({ hardState, slots: [...slots] })

const bodyOf = (batch: EntryBatch): unknown => batch.kind === 'command' ? batch.body : undefined

/** Whether two entries are one and the same, wherever and however sliced they are kept. */
export const sameSlot = (a: Slot | undefined, b: Slot | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.position === b.position
    && a.batch.term === b.batch.term && a.batch.time === b.batch.time && a.batch.kind === b.batch.kind && bodyOf(a.batch) === bodyOf(b.batch))

export const slotsOf = (batch: EntryBatch): readonly Slot[] => {
  const skip = batch.kind === 'command' ? batch.skip : 0
  return Array.from({ length: batch.count }, (_, at) => ({ batch, position: skip + at }))
}

/** Writes one batch over whatever stands at or above its first index. */
export const putBatch = ({ slots }: Image, batch: EntryBatch): void => {
  if (batch.firstIndex > slots.length + 1) throw new Error(`a write at ${batch.firstIndex} leaves a hole behind ${slots.length}`)
  slots.length = batch.firstIndex - 1
  for (const slot of slotsOf(batch)) slots.push(slot)
}

/** The smallest writes, in order, each of which a crash may separate from the next. */
export type Piece = { readonly hardState: HardState } | { readonly batch: EntryBatch }

export const piecesOf = (write: Write): readonly Piece[] =>
  write.type === 'hardState' ? [{ hardState: write.hardState }] : write.batches.map(batch => ({ batch }))

export const putPiece = (image: Image, piece: Piece): void => {
  if ('hardState' in piece) image.hardState = piece.hardState
  else putBatch(image, piece.batch)
}

/** Entries from `from` on, packed again into batches: at least one, about `maxBytes`, up to `to`. */
export const batchesIn = ({ slots }: Image, from: Index, to: Index, maxBytes: number): readonly EntryBatch[] => {
  const found: EntryBatch[] = []
  const end = Math.min(to, slots.length)
  let bytes = 0
  for (let index = from; index <= end;) {
    const { batch, position } = slots[index - 1]!
    let count = 1
    while (index + count <= end && continues(slots[index + count - 1]!, batch, position + count)) count++
    const run: EntryBatch = batch.kind === 'command' ? { ...batch, firstIndex: index, count, skip: position } : batch
    bytes += bytesOf(run)
    if (found.length > 0 && bytes > maxBytes) break
    found.push(run)
    index += count
  }
  return found
}

const continues = (next: Slot, batch: EntryBatch, position: number): boolean =>
  sameSlot(next, { batch, position }) && batch.kind === 'command'

/** What a member finds when it opens this disk: the newest batches up to `tailBytes`, of the rest the terms. */
export const storedIn = (image: Image, membership: Membership, tailBytes: number): Stored => {
  const { slots, hardState } = image
  const terms: { firstIndex: Index; term: number }[] = []
  slots.forEach(({ batch: { term } }, at) => { if (term !== terms.at(-1)?.term) terms.push({ firstIndex: at + 1, term }) })
  const all = batchesIn(image, 1, slots.length, Number.POSITIVE_INFINITY)
  let start = all.length
  for (let bytes = 0; start > 0 && (bytes += bytesOf(all[start - 1]!)) <= tailBytes;) start--
  return { hardState, base: { index: 0, term: 0, membership }, lastIndex: slots.length, terms, memberships: [], tail: all.slice(start) }
}
