import type { EntryId } from './types.js'

/** What tells one snapshot from every other. Members take theirs each for itself: equal in place, they may differ in bytes. */
export interface SnapshotId extends EntryId {
  readonly bytes: number
  readonly checksum: number
}

/** A snapshot's name, without all else that is known of it. */
export const idOf = ({ index, term, bytes, checksum }: SnapshotId): SnapshotId => ({ index, term, bytes, checksum })

export const isSameSnapshot = (a: SnapshotId, b: SnapshotId): boolean =>
  a.index === b.index && a.term === b.term && a.bytes === b.bytes && a.checksum === b.checksum
