/**
 * Handing the leadership over (dissertation §3.10). The leader takes no more proposals; once all it has is committed and one voter has it all
 * on its disk, it tells that one to stand at once. What has not succeeded within an election timeout is given up, and proposals go on.
 */
import { isActive } from './contact.js'
import { campaign } from './election.js'
import type { RaftEvent } from './events.js'
import { mayStand } from './fitness.js'
import { isVoter } from './membership.js'
import type { TimeoutNow } from './messages.js'
import type { Outbox } from './outbox.js'
import type { Progress } from './progress.js'
import { nextRound } from './rounds.js'
import { type Follower, type Leader, type RaftState, membership } from './state.js'
import type { MemberId } from './types.js'

/** Begins, unless another leadership was meant, another transfer is under way or nobody is there who may lead: proposals would wait in vain. */
export const onTransferAsked = (leader: Leader, { term, to }: Extract<RaftEvent, { type: 'transferAsked' }>): void => {
  if (leader.term !== term || leader.transfer !== undefined || heirs(leader, to).length === 0) return
  leader.transfer = { to, deadline: leader.now + leader.settings.electionTimeoutMs, told: undefined }
}

/**
 * Once nothing is missing the heir is told; with each heartbeat the next of those who are ready, or the same one again where there is no other:
 * messages are lost, and one that has all of the log may not be fit to lead for another reason, which it does not tell.
 */
export const handOver = (leader: Leader, outbox: Outbox): void => {
  const { transfer, settings: { id }, term, log: { lastIndex }, commitIndex, now } = leader
  if (transfer === undefined) return
  if (outbox.ticked && now >= transfer.deadline) {
    leader.transfer = undefined
    return
  }
  const ready = commitIndex < lastIndex ? [] : heirs(leader, transfer.to).filter(heir => heir.matchIndex === lastIndex)
  const told = ready.findIndex(one => one.id === transfer.told)
  const heir = ready[(told + 1) % ready.length]
  if (heir === undefined || (told >= 0 && !outbox.heartbeatDue)) return
  leader.transfer = { ...transfer, told: heir.id }
  leader.hasAskedToStand = true
  outbox.messages.push({ type: 'timeoutNow', from: id, to: heir.id, term, lastIndex, round: nextRound(leader) })
}

/** The leader asks this member to stand. It comes too late where the log has grown since: the transfer was given up. */
export const onTimeoutNow = (follower: Follower, { lastIndex }: TimeoutNow, outbox: Outbox): RaftState => {
  const isWhole = follower.log.lastIndex === lastIndex && follower.persistedIndex === lastIndex
  return isWhole && mayStand(follower) ? campaign(follower, 'vote', outbox, true) : follower
}

/** The voters that could lead next, or the one that is named: whoever has been silent for an election timeout could not, nor who has lost its snapshot. */
export const heirs = (leader: Leader, to: MemberId | undefined): readonly Progress[] =>
  leader.progress.filter(one => (to === undefined || one.id === to) && isVoter(membership(leader), one.id) && isActive(leader, one) && one.lacks === 0)
