import { isActive } from './contact.js'
import { compactTo } from './log.js'
import { isMoving } from './sending.js'
import type { RaftState } from './state.js'
import type { Index } from './types.js'

/** Gives up what is written and a durable snapshot covers, but for a tail that spares followers the snapshot (§7). */
export const compact = (state: RaftState): void => {
  const { snapshot, settings, log } = state
  if (snapshot === undefined) return
  const index = Math.min(snapshot.index - settings.snapshotKeepEntries, state.appliedIndex, state.persistedIndex, neededFrom(state))
  if (index > log.base.index) state.log = compactTo(log, index)
}

/**
 * What follows a snapshot that is being sent stays until it has arrived, or the one who receives it would need another. Whoever cannot
 * take it in, as on a full disk, holds nothing back: the log would grow for ever.
 */
const neededFrom = (state: RaftState): Index => {
  if (state.role !== 'leader') return Number.POSITIVE_INFINITY
  const needed = state.progress.map(one => one.sending !== undefined && isActive(state, one) && isMoving(state, one.sending)
    ? one.sending.snapshot.index : Number.POSITIVE_INFINITY)
  return Math.min(...needed)
}
