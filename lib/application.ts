import { bytesOf, dropAfter, lastIndexOf } from './batch.js'
import { isReplaying } from './fitness.js'
import { batchesFrom, firstInMemory } from './log.js'
import type { Outbox } from './outbox.js'
import { type RaftState, isLacking } from './state.js'
import { isReady } from './status.js'
import type { EntryBatch, Index } from './types.js'

/** Hands out what is committed and on this disk, in order, as fast as the machine keeps up (§5.3). */
export const handOut = (state: RaftState, outbox: Outbox): void => {
  if (isLacking(state)) return
  const last = Math.min(state.commitIndex, state.persistedIndex)
  const { settings, log } = state
  for (let room = roomToApply(state); state.handedIndex < last && room > 0 && state.readingToApply === 0; room = roomToApply(state)) {
    const next = state.handedIndex + 1
    if (next >= firstInMemory(log)) {
      give(state, batchesFrom(log, next, last, room), outbox)
    } else {
      state.readingToApply = next
      outbox.logReads.push({ purpose: { type: 'apply' }, from: next, to: last, maxBytes: Math.min(room, settings.maxAppendBytes) })
    }
  }
}

/** Committed entries that had to be read from the disk. */
export const onReadToApply = (state: RaftState, from: Index, batches: readonly EntryBatch[], outbox: Outbox): void => {
  if (from !== state.readingToApply) return
  state.readingToApply = 0
  const last = Math.min(state.commitIndex, state.persistedIndex)
  give(state, batches.filter(({ firstIndex }) => firstIndex <= last).map(batch => dropAfter(batch, last)), outbox)
}

/** The machine has applied everything up to `index`; lastApplied never falls. */
export const onApplied = (state: RaftState, index: Index): void => {
  state.appliedIndex = Math.max(state.appliedIndex, Math.min(index, state.handedIndex))
  const open = state.handed.findIndex(({ last }) => last > state.appliedIndex)
  state.handed = open < 0 ? [] : state.handed.slice(open)
}

/** Whether something waits for the machine: a leader's readiness, a start's replay, a snapshot's end, or more that could be handed out. */
export const awaitsMachine = (state: RaftState): boolean =>
  (state.role === 'leader' && !isReady(state)) || isReplaying(state) || state.handedIndex < Math.min(state.commitIndex, state.persistedIndex)

const roomToApply = ({ settings, handed }: RaftState): number => handed.reduce((room, { bytes }) => room - bytes, settings.maxApplyBytes)

const give = (state: RaftState, batches: readonly EntryBatch[], outbox: Outbox): void => {
  const last = batches.at(-1)
  if (last === undefined) return
  for (const batch of batches) outbox.committed.push(batch)
  state.handedIndex = lastIndexOf(last)
  state.handed = [...state.handed, ...batches.map(batch => ({ last: lastIndexOf(batch), bytes: bytesOf(batch) }))]
}
