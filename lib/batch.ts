import type { BatchHead, CommandBatch, EntryBatch, Index } from './types.js'

/** The batch's last index. */
export const lastIndexOf = (batch: Pick<EntryBatch, 'firstIndex' | 'count'>): Index => batch.firstIndex + batch.count - 1

/**
 * What the batch weighs in memory, on the wire and on disk, in bytes; for a slice the weight of the whole, since it keeps
 * the whole alive.
 */
export const bytesOf = (batch: EntryBatch): number => BATCH_OVERHEAD_BYTES + (batch.kind === 'command' ? batch.body.bytes.length : 0)

/** What the first `entries` of the batch take of the log: their part of it, as if all entries of its body were equally large. */
export const shareOf = (batch: EntryBatch, entries: number): number =>
  batch.kind === 'command' ? bytesOf(batch) * entries / batch.body.count : bytesOf(batch)

/** The batch, its bytes left out. */
export const headOf = ({ body: { count, bytes, checksum }, ...batch }: CommandBatch): BatchHead => ({ ...batch, body: { count, bytes: bytes.length, checksum } })

/** Header and object: what makes ten million one-entry batches count for what they cost. */
const BATCH_OVERHEAD_BYTES = 128

/** The part of the batch from `first` on; shares the body, and no byte is touched. Only command batches have more than one entry. */
export const dropBefore = (batch: EntryBatch, first: Index): EntryBatch => {
  const dropped = first - batch.firstIndex
  return batch.kind !== 'command' || dropped <= 0 ? batch
    : { ...batch, firstIndex: first, count: batch.count - dropped, skip: batch.skip + dropped }
}

/** The part of the batch up to and including `last`. */
export const dropAfter = (batch: EntryBatch, last: Index): EntryBatch =>
  batch.kind !== 'command' || lastIndexOf(batch) <= last ? batch : { ...batch, count: last - batch.firstIndex + 1 }
