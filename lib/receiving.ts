/** A snapshot on its way into this member: from the leader to the disk, into the log and into the machine (§7, Figure 13). */
import type { RaftEvent } from './events.js'
import { heed } from './hearing.js'
import { emptyLog, termAt } from './log.js'
import { type InstallSnapshot, NO_CHUNK } from './messages.js'
import { type Outbox, reportContradiction } from './outbox.js'
import { type Follower, type RaftState, isLacking } from './state.js'
import { idOf, isSameSnapshot } from './snapshot-id.js'
import type { Snapshot } from './types.js'

/**
 * Receiver of InstallSnapshot in its own term. The chunk that is awaited is written, everything else is answered with which one that
 * is: so nothing is written twice or out of place, whatever is lost, repeated or overtaken on the way. While one is being written the
 * next one is on its way, so that neither the link nor the disk waits for the other.
 */
export const onInstallSnapshot = (follower: Follower, request: InstallSnapshot, outbox: Outbox): void => {
  const { term, snapshot, offset, chunk } = request
  if (offset + chunk.length > snapshot.bytes) return reportContradiction(outbox, request, `a chunk that ends at ${offset + chunk.length} of ${snapshot.bytes}`)
  if (snapshot.term > term) return reportContradiction(outbox, request, `a snapshot of term ${snapshot.term}, which is to come`)
  heed(follower, request)
  const { receiving } = follower
  if (receiving?.phase === 'restoring') outbox.chunkAnswerDue = true
  else if (!isWanted(follower, snapshot)) agree(follower, snapshot, outbox)
  else if (receiving === undefined || !isSameSnapshot(receiving.snapshot, snapshot)) {
    // From one leader each is newer than the last: what comes late is not begun again.
    if (receiving !== undefined && receiving.term === term && snapshot.index < receiving.snapshot.index) return
    follower.receiving = { snapshot, term, phase: 'opening', received: 0, expected: 0 }
    outbox.snapshots.push({ type: 'receive', snapshot })
    outbox.chunkAnswerDue = true
  } else if (receiving.phase === 'waiting' && chunk.length > 0 && offset === receiving.expected) {
    const isOnly = receiving.expected === receiving.received
    const expected = offset + chunk.length
    follower.receiving = { ...receiving, term, expected, phase: isOnly && expected < snapshot.bytes ? 'waiting' : 'writing' }
    outbox.snapshots.push({ type: 'write', snapshot, offset, chunk })
    outbox.chunkAnswerDue ||= follower.receiving.phase === 'waiting'
  } else {
    follower.receiving = { ...receiving, term }
    outbox.chunkAnswerDue = true
  }
}

/** Whether this log lacks what the snapshot stands for, or the machine the snapshot on which the log stands. */
const isWanted = (state: RaftState, { index, term }: Snapshot): boolean =>
  isLacking(state) ? index >= state.log.base.index : index > state.commitIndex && termAt(state.log, index) !== term

/** The log holds what the snapshot stands for, which is committed: so far it agrees with the leader's. */
const agree = (follower: Follower, { index }: Snapshot, outbox: Outbox): void => {
  follower.verified = Math.max(follower.verified, index)
  outbox.answerDue = true
}

type Of<T extends RaftEvent['type']> = Extract<RaftEvent, { type: T }>

export const onChunkWritten = (state: RaftState, { snapshot, received }: Of<'chunkWritten'>, outbox: Outbox): void => {
  const { receiving } = state
  if (receiving === undefined || receiving.phase === 'restoring' || !isSameSnapshot(receiving.snapshot, snapshot)) return
  // All of it may be here already: there is nothing of it to wait for, or a crash came before its end was told.
  const isWhole = received === snapshot.bytes
  const expected = receiving.phase === 'opening' ? received : receiving.expected
  const phase = expected < snapshot.bytes ? 'waiting' : 'writing'
  state.receiving = { ...receiving, phase, received, expected }
  if (isWhole) outbox.snapshots.push({ type: 'write', snapshot, offset: received, chunk: NO_CHUNK })
  outbox.chunkAnswerDue ||= phase === 'waiting' && receiving.phase !== 'waiting'
}

/** Whoever sends it begins again, from what the disk has kept of it. */
export const onReceiveFailed = (state: RaftState, { snapshot }: Of<'receiveFailed'>): void => {
  const { receiving } = state
  if (receiving !== undefined && receiving.phase !== 'restoring' && isSameSnapshot(receiving.snapshot, snapshot)) state.receiving = undefined
}

/** It is durable, and what it stands for is committed. Where the machine is not as far, it was received: log and machine go on from there. */
export const onSnapshotStored = (state: RaftState, { snapshot }: Of<'snapshotStored'>, outbox: Outbox): void => {
  const { index, term, bytes } = snapshot
  // This one was still being taken when a newer one came.
  if (state.snapshot !== undefined && index < state.snapshot.index) return
  state.snapshot = snapshot
  // A leader's log holds all that is committed (Leader Completeness, §5.4.3).
  if (index <= state.handedIndex || state.role === 'leader') return
  const isHeld = termAt(state.log, index) === term
  state.receiving = undefined
  state.commitIndex = Math.max(state.commitIndex, index)
  if (isHeld && !isLacking(state)) return
  // Where the log holds the entry it stays as it is: what of it is not written yet the snapshot stands for, and does not write.
  if (!isHeld) beginLog(state, snapshot, outbox)
  state.receiving = { snapshot, term: state.term, phase: 'restoring', received: bytes, expected: bytes }
  state.handedIndex = index
  state.handed = []
  state.readingToApply = 0
  // Handed out before in this very turn: the machine would get it after the snapshot that holds it.
  outbox.committed.length = 0
  outbox.snapshots.push({ type: 'restore', snapshot })
}

/**
 * The whole log is discarded, and what is being written of it vouches for nothing (§7, step 7 of InstallSnapshot). The snapshot is durable
 * and vouches for its own place at once: whoever starts with a log that does not hold it begins anew after it, too.
 */
const beginLog = (state: RaftState, { index, term, time, membership }: Snapshot, outbox: Outbox): void => {
  state.log = emptyLog({ index, term, membership }, Math.max(time, state.log.time))
  state.persistedIndex = index
  state.pendingWrites = state.pendingWrites.map(write => ({ ...write, last: 0 }))
  if (state.role === 'follower') state.verified = 0
  outbox.installed = true
  outbox.appendedFrom = Number.POSITIVE_INFINITY
}

/** What the log has come to hold, by the entries of whoever leads now, is received no more: nobody may ever send the rest. */
export const giveUpOvertaken = (state: RaftState): void => {
  const { receiving } = state
  if (receiving !== undefined && receiving.phase !== 'restoring' && !isWanted(state, receiving.snapshot)) state.receiving = undefined
}

/** Once the machine stands where the snapshot does the leader hears of it, as of entries that are durable. */
export const completeInstall = (state: RaftState, outbox: Outbox): void => {
  const { receiving } = state
  if (receiving?.phase !== 'restoring' || state.appliedIndex < receiving.snapshot.index) return
  state.receiving = undefined
  if (state.role !== 'follower') return
  state.verified = Math.max(state.verified, receiving.snapshot.index)
  outbox.answerDue = true
}

/** Tells the leader, once per turn, how much is taken in of what it sends. */
export const tellReceived = (state: RaftState, outbox: Outbox): void => {
  const { receiving } = state
  if (!outbox.chunkAnswerDue || state.role !== 'follower' || state.leader === undefined || receiving === undefined) return
  const { snapshot, phase, expected } = receiving
  outbox.messages.push({
    type: 'chunkAccepted', from: state.settings.id, to: state.leader, term: state.term, snapshot: idOf(snapshot), received: expected,
    awaited: phase === 'waiting', isNewcomer: state.isNewcomer, round: state.leaderRound,
  })
}
