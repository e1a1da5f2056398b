import { dropBefore, lastIndexOf } from './batch.js'
import { heed } from './hearing.js'
import { noteMustHave } from './joining.js'
import { lastNotAbove, termAt } from './log.js'
import type { AppendEntries } from './messages.js'
import { type Outbox, reportContradiction } from './outbox.js'
import { dateOf } from './rounds.js'
import type { Follower } from './state.js'
import { store } from './storing.js'
import type { EntryBatch, Index, Round } from './types.js'

/** Receiver of AppendEntries in its own term (Figure 2). Whether the entries are durable is told by a rule, later. */
export const onAppendEntries = (follower: Follower, request: AppendEntries, outbox: Outbox): void => {
  const { prevLogIndex, prevLogTerm, batches, leaderCommit, asks, round } = request
  if (!isContiguous(request)) return reportContradiction(outbox, request, 'entries that do not follow each other')
  heed(follower, request)
  const { base } = follower.log
  // What the base covers is committed and so agrees with every leader.
  if (prevLogIndex > base.index && termAt(follower.log, prevLogIndex) !== prevLogTerm) return refuse(follower, request, outbox)
  const conflict = firstConflict(follower, batches)
  // No leader changes what is committed, nor what it has verified itself in this term (Leader Append-Only, §5.3).
  if (conflict !== undefined && conflict <= Math.max(follower.commitIndex, follower.verified)) {
    return reportContradiction(outbox, request, `another entry at index ${conflict}, which stands`)
  }
  if (conflict !== undefined) store(follower, batches.filter(batch => lastIndexOf(batch) >= conflict).map(batch => dropBefore(batch, conflict)), outbox)
  const last = batches.at(-1)
  follower.verified = Math.max(follower.verified, last ? lastIndexOf(last) : prevLogIndex)
  if (follower.assembly !== undefined && follower.assembly.head.firstIndex <= follower.verified) follower.assembly = undefined
  // Only what the leader has checked: an unverified tail may differ from the leader's (§5.3, step 5 of AppendEntries).
  const commitIndex = Math.max(follower.commitIndex, Math.min(leaderCommit, follower.verified))
  const isAwaited = last === undefined ? commitIndex === follower.commitIndex : lastIndexOf(last) <= follower.persistedIndex
  follower.commitIndex = commitIndex
  follower.leaderCommit = Math.max(follower.leaderCommit, leaderCommit)
  noteMustHave(follower, leaderCommit)
  outbox.answerDue ||= asks || isAwaited || isSilent(follower, round)
}

/**
 * New entries are answered when they are durable, and a commit that is told brings nothing that the leader waits for; but neither
 * a slow disk nor many commits may keep a sign of life from it.
 */
const isSilent = ({ now, answeredAt, answeredRound, settings: { heartbeatMs } }: Follower, round: Round): boolean =>
  now - answeredAt >= heartbeatMs / 2 || dateOf(round) - dateOf(answeredRound) >= heartbeatMs / 2

/** The first index at which the request brings something that this log lacks: new, or different. What agrees is never cut. */
const firstConflict = ({ log }: Follower, batches: readonly EntryBatch[]): Index | undefined => {
  for (const batch of batches) {
    const last = lastIndexOf(batch)
    for (let index = Math.max(batch.firstIndex, log.base.index + 1); index <= last; index++) {
      if (termAt(log, index) !== batch.term) return index
      // Equal (index, term) at the batch's end means that all of it is equal (Log Matching, §5.3).
      if (termAt(log, last) === batch.term) break
    }
  }
  return undefined
}

const isContiguous = ({ prevLogIndex, prevLogTerm, batches, term }: AppendEntries): boolean => {
  let index = prevLogIndex
  let lastTerm = prevLogTerm
  for (const batch of batches) {
    if (batch.firstIndex !== index + 1 || batch.term < lastTerm || batch.term > term || batch.count < 1) return false
    index = lastIndexOf(batch)
    lastTerm = batch.term
  }
  return true
}

const refuse = (follower: Follower, { from, to, prevLogIndex, prevLogTerm, round }: AppendEntries, outbox: Outbox): void => {
  // The leader now asks one question at a time, and waits for each answer.
  follower.answeredAt = Number.NEGATIVE_INFINITY
  const hint = lastNotAbove(follower.log, Math.min(prevLogIndex, follower.log.lastIndex), prevLogTerm)
  outbox.messages.push({
    type: 'appendRefused', from: to, to: from, term: follower.term, prevLogIndex, hintIndex: hint.index, hintTerm: hint.term, isNewcomer: follower.isNewcomer, round,
  })
}
