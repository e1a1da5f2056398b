import { restartElectionWait } from './election-wait.js'
import { nothingAsked } from './ready.js'
import type { Step } from './step.js'
import { type Log, type StoredLog, lastEntry, membershipOf, openLog } from './log.js'
import { NOTHING_HEARD, followerOf } from './draft.js'
import { isAlone, isVoter } from './membership.js'
import type { Settings } from './state.js'
import type { HardState, Millis, Snapshot } from './types.js'

/** What a member finds on its disk. */
export interface Stored extends StoredLog {
  readonly hardState: HardState
}

/**
 * The state with which a member starts, always as a follower (§5.2), whatever it was before. What recovery handed over is
 * durable; what was committed for certain is applied again, from after the snapshot that the machine was restored from, if there is
 * one. In a term known only from the log nobody remembers the vote, so nobody else gets it.
 */
export const firstStep = (settings: Settings, stored: Stored, seed: number, now: Millis, snapshot?: Snapshot): Step => {
  const opened = openLog(stored)
  // Where nothing stands after the base, only the snapshot of what precedes it knows how late it was.
  const log: Log = { ...opened, time: Math.max(opened.time, snapshot?.time ?? 0) }
  const last = lastEntry(log)
  const applied = snapshot?.index ?? 0
  const writtenCommit = Math.max(log.base.index, Math.min(stored.hardState.commitIndex, last.index))
  // Only what was committed is ever applied, also where no later write carried the commitIndex.
  const commitIndex = Math.max(writtenCommit, applied)
  const term = Math.max(stored.hardState.term, last.term)
  const membership = membershipOf(log)
  // Before its first hard state only the empty folder tells that it joins.
  const isWaiting = last.index === 0 && membership.voters.length === 0
  const decidesAlone = isVoter(membership, settings.id) && isAlone(membership, settings.id)
  const state = followerOf({
    settings, now, wall: 0, turn: 0, random: seed >>> 0,
    term, votedFor: term === stored.hardState.term ? stored.hardState.votedFor : settings.id, isNewcomer: isWaiting || stored.hardState.isNewcomer === true, log, writtenCommit,
    persistedIndex: last.index, pendingWrites: [], writtenAt: now, commitIndex,
    handedIndex: applied, handed: [], appliedIndex: applied, readingToApply: 0, snapshot, receiving: undefined,
    replayTo: decidesAlone ? 0 : commitIndex,
    leader: undefined, heardAt: Number.NEGATIVE_INFINITY, promisedUntil: now + settings.readLeaseMs, electionDeadline: now, round: 0,
  }, NOTHING_HEARD)
  if (!decidesAlone) restartElectionWait(state)
  return { state, ready: nothingAsked(0) }
}
