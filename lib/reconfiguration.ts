/**
 * Changing the membership (§4). The leader appends each step of a change once the one before is committed, whoever appended that: so a change that
 * a leader leaves unfinished is finished by the next one. The newest membership in the log counts, committed or not.
 */
import { quorumReached } from './agreement.js'
import { endLaps, hasCaughtUp, runLap } from './catching-up.js'
import { awaitedBy, changed, stepAfter } from './change.js'
import { hasState, isActive } from './contact.js'
import { stepDown } from './convert.js'
import type { ChangeAnswer, RaftEvent } from './events.js'
import { placedMembershipOf } from './log.js'
import { isVoter, membersOf, sameMembership, votersOf } from './membership.js'
import type { Outbox } from './outbox.js'
import { isLeft } from './prelude.js'
import { type Progress, newProgress } from './progress.js'
import { countOnNone } from './sequels.js'
import { type Leader, type RaftState, isLeaving, membership, progressOf } from './state.js'
import { stamp } from './stamp.js'
import { store } from './storing.js'
import type { MemberId, Membership } from './types.js'

type ChangeAsked = Extract<RaftEvent, { type: 'changeAsked' }>

/** Whether this member takes wishes for another membership: not before an entry of its term is committed, nor while it hands over. */
export const canChange = (state: RaftState): boolean => state.role === 'leader' && state.noopIndex <= state.commitIndex && state.transfer === undefined

/** Takes the first step of a change, or says why not. One at a time: two that are open could have majorities that do not meet (§4.1). */
export const onChangeAsked = (leader: Leader, { id, term, wish, from }: ChangeAsked, outbox: Outbox): void => {
  const answer = (answer: ChangeAnswer): void => void outbox.changeAnswers.push(answer)
  const notTaken = (reason: string): void => answer({ type: 'changeNotTaken', id, reason })
  const refuse = (reason: string): void => answer({ type: 'changeRefused', id, reason })
  if (term !== leader.term) return notTaken('another leadership was meant')
  if (!canChange(leader)) return notTaken('the leader cannot change the membership right now')
  const newest = placedMembershipOf(leader.log)
  if (from !== undefined && !sameMembership(from, newest.membership)) return refuse('the membership has become another one')
  const first = changed(newest.membership, wish, voters => areThere(leader, voters) && wouldBeMissed(leader, voters))
  if (isLeft(first)) return refuse(first.left)
  if (newest.index > leader.commitIndex && wish.type !== 'abandon') return refuse('another change is under way')
  const { membership: step, goal } = first.right
  if (step.outgoing.length > 0 && !canDecide(leader, step)) return refuse(`no majority of ${goal.voters.join(', ')} is responding`)
  // Where the leader stays it can bring the others their state afterwards: one that will never take it in must not keep a change from being abandoned.
  if (wish.type === 'abandon' && !goal.voters.includes(leader.settings.id) && !couldBeLed(leader, goal.voters)) {
    return refuse(`no majority of ${goal.voters.join(', ')} is known to have its state`)
  }
  adopt(leader, step, outbox)
  answer({ type: 'changeTaken', id, index: leader.log.lastIndex, term, goal })
}

/** The next step of the change that is under way. */
export const reconfigure = (leader: Leader, outbox: Outbox): void => {
  const { log, commitIndex, settings: { id: self } } = leader
  if (leader.leaving.length > 0) letGo(leader)
  const { index, membership } = placedMembershipOf(log)
  if (index > commitIndex || !canChange(leader)) return
  const step = stepAfter(membership)
  if (step === undefined) return
  // The leader itself has all that there is to catch up with, even where the voters before the change elected it.
  const awaited = awaitedBy(membership).filter(id => id !== self).map(id => progressOf(leader, id)!)
  const areReady = awaited.every(progress => isReady(leader, progress))
  for (const progress of awaited) runLap(leader, progress)
  if (areReady && canDecide(leader, step)) adopt(leader, step, outbox)
}

/**
 * A leader that no longer votes, or is no longer a member, leads until that is committed (§4.2.2), and until those who vote could be led without it. Then it hands over, and
 * steps down once an heir has been told or an election timeout has passed. An heir that it told before, by an operator's wish, ends nothing: until another leads, it is missed.
 */
export const resign = (leader: Leader, outbox: Outbox): RaftState => {
  const { log, commitIndex, transfer, now, settings: { id, electionTimeoutMs } } = leader
  const { index, membership } = placedMembershipOf(log)
  if (index > commitIndex || isVoter(membership, id)) return leader
  if (!couldBeLed(leader, membership.voters)) return leader
  if (transfer !== undefined && (transfer.told !== undefined || now >= transfer.deadline)) return stepDown(leader, outbox)
  leader.transfer ??= { to: undefined, deadline: now + electionTimeoutMs, told: undefined }
  return leader
}

/** Whether a majority of these is such, this leader too if it is one of them. */
const isMajority = (leader: Leader, voters: readonly MemberId[], isSuch: (leader: Leader, progress: Progress) => boolean): boolean =>
  quorumReached(leader, 1, progress => isSuch(leader, progress) ? 1 : 0, { voters, outgoing: [] }) >= 1

const areThere = (leader: Leader, voters: readonly MemberId[]): boolean => isMajority(leader, voters, isActive)

/**
 * Whether these could be led by themselves, whichever of them have the newest entries: a majority has its state. Whoever has lost it votes, for no log shorter than its own,
 * and does not stand; only a leader can bring it back.
 */
const couldBeLed = (leader: Leader, voters: readonly MemberId[]): boolean => isMajority(leader, voters, hasState)

/**
 * Whether somebody would be missed once these vote: they could not be led by themselves, and this leader is not one of them, or those who vote as yet could be. Otherwise
 * they are no worse off, and what waits may be just what helps.
 */
const wouldBeMissed = (leader: Leader, voters: readonly MemberId[]): boolean => {
  const { voters: current, outgoing } = membership(leader)
  return !couldBeLed(leader, voters) && (!voters.includes(leader.settings.id) || couldBeLed(leader, outgoing.length > 0 ? outgoing : current))
}

/** Whether all who decide are there to do so by this membership, and once the change is through; and nobody would be missed then. */
const canDecide = (leader: Leader, { voters, outgoing }: Membership): boolean =>
  areThere(leader, outgoing) && areThere(leader, voters) && !wouldBeMissed(leader, voters)

const isReady = (leader: Leader, progress: Progress): boolean => !progress.mayBeNewcomer && hasState(leader, progress) && hasCaughtUp(leader, progress)

/** Whom the change that is under way waits for, and what they have to do. */
export interface Awaited {
  readonly id: MemberId
  readonly to: 'catch up' | 'respond' | 'have its state'
}

export const waitsFor = (leader: Leader): readonly Awaited[] => {
  const current = membership(leader)
  const step = stepAfter(current)
  if (step === undefined) return []
  const newcomers = awaitedBy(current)
  const isMissed = wouldBeMissed(leader, step.voters)
  const areFew = !areThere(leader, step.outgoing) || !areThere(leader, step.voters)
  const needOf = (progress: Progress): Awaited['to'] | undefined => {
    if (newcomers.includes(progress.id) && !isReady(leader, progress)) return 'catch up'
    if (!isActive(leader, progress)) return isMissed || areFew ? 'respond' : undefined
    return isMissed && step.voters.includes(progress.id) && !hasState(leader, progress) ? 'have its state' : undefined
  }
  return votersOf(step).filter(id => id !== leader.settings.id).flatMap(id => {
    const to = needOf(progressOf(leader, id)!)
    return to === undefined ? [] : [{ id, to }]
  })
}

/** For how many election timeouts a member that leaves is served, so that it may hear of it. */
const LEAVING_TIMEOUTS = 2

/** Appends a membership, which counts from now on. */
const adopt = (leader: Leader, next: Membership, outbox: Outbox): void => {
  const { log, term, now, settings: { id: self, electionTimeoutMs } } = leader
  const before = membership(leader)
  const were = membersOf(before)
  const index = log.lastIndex + 1
  const members = membersOf(next).filter(id => id !== self)
  const gone = were.filter(id => id !== self && !members.includes(id))
  // Whoever leaves has to hear that this is committed before a leader that leaves with it is gone.
  countOnNone(leader)
  store(leader, [{ kind: 'membership', firstIndex: index, term, count: 1, time: stamp(leader), membership: next }], outbox)
  const leaving = gone.map(id => ({ id, address: before.addresses[id]!, index, deadline: now + LEAVING_TIMEOUTS * electionTimeoutMs }))
  leader.leaving = [...leader.leaving.filter(({ id }) => !members.includes(id)), ...leaving]
  // Whoever comes back may come back with nothing.
  leader.progress = [
    ...members.map(id => were.includes(id) ? progressOf(leader, id)! : newProgress(id, index, leader.round)),
    ...leader.leaving.map(({ id }) => progressOf(leader, id)!),
  ]
  const awaited = awaitedBy(next)
  for (const progress of leader.progress) if (!awaited.includes(progress.id)) endLaps(progress)
}

/** Forgets those who know that they are no longer members, or have not learnt it in time. */
const letGo = (leader: Leader): void => {
  leader.leaving = leader.leaving.filter(({ id, index, deadline }) => {
    const { matchIndex, sentCommit } = progressOf(leader, id)!
    return leader.now < deadline && (matchIndex < index || sentCommit < index)
  })
  const members = membersOf(membership(leader))
  leader.progress = leader.progress.filter(({ id }) => members.includes(id) || isLeaving(leader, id))
}
