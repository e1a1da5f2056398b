import { append, truncateFrom } from './log.js'
import type { Outbox } from './outbox.js'
import type { RaftState } from './state.js'
import type { EntryBatch, Turn } from './types.js'

/**
 * Puts batches into the log, replacing what stands at or above the first of them. What an earlier, unfinished write carried
 * from there on no longer counts: its completion must not vouch for entries that it did not write.
 */
export const store = (state: RaftState, batches: readonly EntryBatch[], outbox: Outbox): void => {
  const first = batches[0]?.firstIndex
  if (first === undefined) return
  if (first <= state.log.lastIndex) {
    state.log = truncateFrom(state.log, first)
    state.persistedIndex = Math.min(state.persistedIndex, first - 1)
    state.pendingWrites = state.pendingWrites.map(write => write.last < first ? write : { ...write, last: first - 1 })
  }
  state.log = append(state.log, batches)
  outbox.appendedFrom = Math.min(outbox.appendedFrom, first)
}

/** This turn's writes, and all before it, are on the disk. */
export const onPersisted = (state: RaftState, turn: Turn): void => {
  let done = 0
  for (const write of state.pendingWrites) {
    if (write.turn > turn) break
    state.persistedIndex = Math.max(state.persistedIndex, write.last)
    done++
  }
  if (done === 0) return
  state.pendingWrites = state.pendingWrites.slice(done)
  state.writtenAt = state.now
}
