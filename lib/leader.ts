import { bytesOf } from './batch.js'
import { isIsolated } from './contact.js'
import type { RaftEvent, RefusalReason } from './events.js'
import { heardFrom } from './hearing.js'
import { takePromise } from './lease.js'
import { lastNotAbove } from './log.js'
import type { AppendAccepted, AppendRefused } from './messages.js'
import { noteWork } from './giving-way.js'
import { type Outbox, reportContradiction } from './outbox.js'
import { type Passage, arrivalOf, arrivedBy, onTheWay, pace } from './pacing.js'
import { type Parts, type Progress, accept, backUp } from './progress.js'
import { dateOf } from './rounds.js'
import { type Leader, isLeaving, progressOf } from './state.js'
import { noteSequel } from './sequels.js'
import { stamp } from './stamp.js'
import { isReady } from './status.js'
import { store } from './storing.js'
import type { CommandBatch, Index, MemberId, Term } from './types.js'

type Proposed = Extract<RaftEvent, { type: 'proposed' }>

/** Why this leader takes no proposal of this term; undefined where it does. One that cannot know that it leads, or that hands over, is not ready. */
const objectionTo = (term: Term, leader: Leader): RefusalReason | undefined => {
  if (term !== leader.term) return 'notLeader'
  if (!isReady(leader) || isIsolated(leader) || leader.transfer !== undefined) return 'notReady'
  return isFull(leader) ? 'busy' : undefined
}

/** Others may commit what this disk has yet to write: that stays in memory beyond what is kept there anyway. */
const isFull = ({ uncommittedBytes, log, settings: { maxUncommittedBytes, logCacheBytes } }: Leader): boolean =>
  uncommittedBytes >= maxUncommittedBytes || log.tail.bytes >= logCacheBytes + maxUncommittedBytes

/** A client's commands, appended as one batch (§5.3); refused while this leader cannot know that it leads. */
export const onProposed = (leader: Leader, { id, body, term = leader.term }: Proposed, outbox: Outbox): void => {
  const { log } = leader
  const reason = outbox.refusing ??= objectionTo(term, leader)
  if (reason !== undefined) {
    outbox.answers.push({ type: 'refused', id, reason })
    return
  }
  const { count } = body
  const batch: CommandBatch = { kind: 'command', firstIndex: log.lastIndex + 1, term, count, time: stamp(leader), body, skip: 0 }
  const tracker = { id, firstIndex: batch.firstIndex, count, bytes: bytesOf(batch) }
  if (leader.commitIndex === log.lastIndex) noteSequel(leader)
  store(leader, [batch], outbox)
  leader.trackers.push(tracker)
  leader.uncommittedBytes += tracker.bytes
  outbox.answers.push({ type: 'appended', id, firstIndex: batch.firstIndex, count, term })
}

/** The follower agrees up to `verified` and has `durable` of it on its disk. */
export const onAppendAccepted = (leader: Leader, reply: AppendAccepted, outbox: Outbox): void => {
  const progress = heardFrom(leader, reply, outbox)
  if (progress === undefined) return
  const { verified, durable } = reply
  if (verified > leader.log.lastIndex || durable > verified) return reportContradiction(outbox, reply, `verified ${verified}, durable ${durable}`)
  takePromise(progress, reply)
  progress.acceptedRound = Math.max(progress.acceptedRound, reply.round)
  if (reply.round === progress.acceptedRound) progress.lacks = reply.lacks
  const passage = passageOf(progress, reply)
  pace(leader, progress, passage)
  if (passage.arrival !== undefined) noteWork(leader, progress, passage.arrival)
  accept(progress, verified, durable)
  if (answersPart(progress, reply)) progress.parts = partsHeld(progress, reply)
}

/** Whether the follower had the part that is on its way, if one is, before it said this. */
const answersPart = ({ acceptedRound, parts }: Progress, { round }: AppendAccepted): boolean => round === acceptedRound && round >= parts.round

/** What is asked while a part is on its way is answered only once the part has come: what counts is when the part left. */
const passageOf = (progress: Progress, reply: AppendAccepted): Passage => {
  const { parts } = progress
  const isOfPart = parts.round > 0 && answersPart(progress, reply)
  return {
    answered: reply.round, left: parts.round > 0 ? Math.min(parts.round, reply.round) : reply.round, bytes: onTheWay(progress),
    arrival: isOfPart ? arrivalOf(progress, parts.bytes, dateOf(parts.round)) : arrivedBy(progress, reply.verified),
  }
}

/** What the follower has of the batch that goes in parts; nothing is on its way any more. */
const partsHeld = ({ nextIndex, parts: { held } }: Progress, reply: AppendAccepted): Parts =>
  ({ held: reply.verified === nextIndex - 1 ? reply.held : held, round: 0, bytes: 0 })

/** The follower's log differs before what was sent: go back to where the two can agree, whole terms at a time (§5.3). */
export const onAppendRefused = (leader: Leader, reply: AppendRefused, outbox: Outbox): void => {
  const progress = heardFrom(leader, reply, outbox)
  if (progress === undefined) return
  const { prevLogIndex, hintIndex, hintTerm } = reply
  if (hintIndex > prevLogIndex) return reportContradiction(outbox, reply, `a hint ${hintIndex} after the refused ${prevLogIndex}`)
  const isOutstanding = progress.mode === 'probe' ? prevLogIndex === progress.nextIndex - 1 : prevLogIndex < progress.nextIndex
  if (prevLogIndex <= progress.matchIndex) {
    // What is durable there is refused by a message that comes late, or by a disk that lost what it had confirmed; one that has left may come back with nothing.
    if (reply.round > progress.acceptedRound && !isLeaving(leader, reply.from)) reportContradiction(outbox, reply, `it lost index ${prevLogIndex}, which it had made durable`)
    return
  }
  if (!isOutstanding) return
  const common = lastNotAbove(leader.log, hintIndex, hintTerm)
  // Every refusal strictly lowers nextIndex, whatever the hint says.
  backUp(progress, Math.min(common.index + 1, prevLogIndex))
}

/** Entries read from the disk for a lagging follower, if they are still what it needs next. */
export const onEntriesRead = (leader: Leader, to: MemberId, from: Index, batches: Progress['fromDisk']): void => {
  const progress = progressOf(leader, to)
  if (progress === undefined || progress.reading !== from) return
  progress.reading = 0
  if (from === progress.nextIndex) progress.fromDisk = batches
}
