import { type StoredLog, openLog, termAt } from '../../lib/log.js'
import type { HardState, Index, LogBase, Snapshot } from '../../lib/types.js'

/**
 * Where the log has to begin anew, if it has: a snapshot that came from another member is durable before the log is replaced by it, and
 * what lay between was interrupted where the log does not hold the snapshot's last entry. A snapshot that was taken here is always of a
 * part of the log, or of what preceded it.
 */
export const interruptedInstall = (log: Omit<StoredLog, 'tail'>, snapshot: Snapshot | undefined): LogBase | undefined => {
  if (snapshot === undefined || snapshot.index < log.base.index) return undefined
  const { index, term, membership } = snapshot
  return termAt(openLog({ ...log, tail: [] }), index) === term ? undefined : { index, term, membership }
}

/** Where a log ends, and up to where it was committed all the same. */
export interface LostEnd {
  readonly last: Index
  readonly committed: Index
}

/**
 * What a log has lost of its end, if it has: a member writes a commitIndex once all that it counts is durable, and what is committed gives way to nothing but a
 * snapshot. So no crash leaves a log that ends before it; a disk does that confirms what it does not keep, or whoever puts an older file in the place of a newer one.
 */
export const lostEnd = (log: Omit<StoredLog, 'tail'> & { readonly commitIndex: Index }, snapshot: Snapshot | undefined, hardState: HardState | undefined): LostEnd | undefined => {
  const committed = Math.max(hardState?.commitIndex ?? 0, log.commitIndex)
  const last = interruptedInstall(log, snapshot)?.index ?? log.lastIndex
  return committed > last ? { last, committed } : undefined
}

export const lostEndReason = ({ last, committed }: LostEnd): string =>
  `the log ends with ${last}, and this member wrote that it was committed up to ${committed}, once all of that was on this disk`

/** What is left of the log then. */
export const installed = (base: LogBase): StoredLog => ({ base, lastIndex: base.index, terms: [], memberships: [], tail: [] })

export const installNote = (where: string, { index }: LogBase): string =>
  `${where}: the log did not hold the last entry of the newest snapshot, and begins anew after it, at ${index + 1}`
