/**
 * Reads of what is committed, without an entry in the log (dissertation §6.4):
 *
 *     asked: index = commitIndex ──► a question leaves for all who decide ──► a quorum has answered ──► readable at index
 *
 * Whoever answers had seen no newer term by then, so no other leader was elected before the question was asked, and nothing
 * newer than this leader knows of was committed before the read was. So an answer to an earlier question is worth nothing, unless
 * it was a promise that still holds.
 */
import { quorumAnswered } from './contact.js'
import type { RefusalReason } from './events.js'
import { holdsLease } from './lease.js'
import type { Outbox } from './outbox.js'
import { dateOf, nextRound } from './rounds.js'
import { countOnNone } from './sequels.js'
import type { Leader } from './state.js'
import { isReady } from './status.js'
import type { RequestId } from './types.js'

/** A leader that has not applied an entry of its own term does not know yet what earlier terms committed (§8). */
const objectionTo = (leader: Leader): RefusalReason | undefined =>
  !isReady(leader) ? 'notReady' : leader.reads.length >= leader.settings.maxPendingReads ? 'busy' : undefined

export const onReadAsked = (leader: Leader, id: RequestId, outbox: Outbox): void => {
  const reason = objectionTo(leader)
  if (reason === undefined) leader.reads.push({ id, index: leader.commitIndex, after: leader.round })
  else outbox.readAnswers.push({ type: 'readRefused', id, reason })
}

/**
 * Answers what a quorum has confirmed, and asks on behalf of the rest where no question has left since the oldest of them came: so one round
 * is on its way at a time, and whatever comes meanwhile shares the next. One that is lost is repeated with the next heartbeat.
 */
export const confirmReads = (leader: Leader, outbox: Outbox): void => {
  if (leader.reads.length === 0) return
  const answered = holdsLease(leader) ? Number.POSITIVE_INFINITY : quorumAnswered(leader)
  const open = leader.reads.findIndex(({ after }) => dateOf(after) >= answered)
  const confirmed = open < 0 ? leader.reads : leader.reads.slice(0, open)
  for (const { id, index } of confirmed) outbox.readAnswers.push({ type: 'readable', id, index })
  leader.reads = leader.reads.slice(confirmed.length)
  // Whoever asked may be a follower that has yet to hear of the commit.
  if (confirmed.length > 0) countOnNone(leader)
  const [oldest] = leader.reads
  if (oldest === undefined || (leader.readRound > oldest.after && !outbox.heartbeatDue)) return
  leader.readRound = nextRound(leader)
  outbox.quorumAsked = true
}
