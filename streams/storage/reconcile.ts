import { type StoredLog, openLog, termAt } from '../../lib/log.js'
import type { LogBase, Snapshot } from '../../lib/types.js'

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

/** What is left of the log then. */
export const installed = (base: LogBase): StoredLog => ({ base, lastIndex: base.index, terms: [], memberships: [], tail: [] })

export const installNote = (where: string, { index }: LogBase): string =>
  `${where}: the log did not hold the last entry of the newest snapshot, and begins anew after it, at ${index + 1}`
