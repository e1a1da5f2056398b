import type { SnapshotId } from './messages.js'

/** Whether two snapshots are one. Members take theirs each for itself: equal in place, they may differ in bytes. */
export const isSameSnapshot = (a: SnapshotId, b: SnapshotId): boolean =>
  a.index === b.index && a.term === b.term && a.bytes === b.bytes && a.checksum === b.checksum
