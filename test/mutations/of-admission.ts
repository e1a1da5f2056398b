/** Mistakes about who is let in, and as whom. */
import type { Mutation } from './mutation.js'

const STREAMS = 'test/streams'

export const ADMISSION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a new voter gives way as long as there are commands', file: 'lib/catching-up.ts', killer: ['test/lib/giving-way.test.ts', 'it gives way for so long*'],
    unseen: 'no load of theirs goes on for so long',
    from: 'Math.min(lap.giveWayMs, now - lap.since) / 2', to: 'giveWayMs',
  },
  {
    name: 'a follower waits for a new voter that rests', file: 'lib/sending.ts', killer: ['test/lib/giving-way.test.ts', 'between the chunks*'],
    unseen: 'a rest is short',
    from: ' || isResting(leader, other)', to: '',
  },
  {
    name: 'only two memberships say who stands', file: 'lib/fitness.ts', killer: ['test/lib/reconfiguration.test.ts', 'whoever voted in a membership*'],
    from: 'membershipsFrom(log, commitIndex).some(', to: 'membershipsFrom(log, commitIndex).filter((_, at, all) => at === 0 || at === all.length - 1).some(',
  },
  {
    name: 'a member that is turned away is told that this one ends', file: 'streams/transport/tcp/link.ts', killer: ['test/ports/transport.test.ts', 'tcp: who is named no longer*'],
    unseen: 'whoever has left is asked for little, and repeats it elsewhere',
    from: 'dismiss: reason => close(reason, []),', to: 'dismiss: reason => close(reason, [FAREWELL]),',
  },
  {
    name: 'of two members that dial each other neither gives way', file: 'streams/transport/tcp/pairs.ts', killer: [`${STREAMS}/transport/pairs.test.ts`, 'where both know*'],
    unseen: 'a link that takes the place of another costs time',
    from: '      if (id > peer) dialled.get(peer)?.giveWay()\n', to: '',
  },
  {
    name: 'a member that looks in vain where another was turns that one away', file: 'streams/transport/tcp/pairs.ts', killer: [`${STREAMS}/transport/pairs.test.ts`, 'who looks for a member*'],
    unseen: 'no machine of theirs is left without an answer for long',
    from: ' && clock.now() - dial.since < limits.reconnectMaxMs', to: '',
  },
  {
    name: 'of two links that are made at once each ends the other', file: 'streams/transport/tcp/pairs.ts', killer: [`${STREAMS}/transport/pairs.test.ts`, 'two whose handshakes*'],
    unseen: 'they are made anew',
    from: 'for (const leave of guests.get(peer)?.unconfirmed ?? []) leave()', to: '',
  },
  {
    name: 'a dial that timed out is no failure', file: 'streams/transport/tcp/redial.ts', killer: [`${STREAMS}/transport/dial.test.ts`, 'a link that outlived*'],
    unseen: 'dials that are not answered cost nothing there',
    from: 'linkedAt !== undefined && clock.now() - linkedAt', to: 'clock.now() - (linkedAt ?? 0)',
  },
  {
    name: 'a peer is forgotten before the membership without it is committed', file: 'streams/member/follow-roll.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'whoever an uncommitted*'],
    unseen: 'nobody wipes a member before it has left',
    from: 'leftBy(state.log, before.committed, before.commitIndex, commitIndex)', to: 'leftBy(state.log, before.newest, before.commitIndex, state.log.lastIndex)',
  },
  {
    name: 'whom an overwritten membership named keeps its name', file: 'streams/member/follow-roll.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'whom an overwritten*'],
    from: 'at === 0 || here.has(membership)', to: 'at >= 0 || here.has(membership)',
  },
  {
    name: 'a crash keeps who has left from coming back', file: 'streams/member/admission.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'at a start those*'],
    from: 'membershipsFrom(openLog(log), hardState.commitIndex)', to: 'membershipsFrom(openLog(log), 0)',
  },
  {
    name: 'a crash keeps who has left and come back out', file: 'streams/member/admission.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'whoever left and came back before a start*'],
    unseen: 'no loss of power comes in that very moment',
    from: 'doubtful.get(peer) ?? knownTo', to: 'knownTo',
  },
  {
    name: 'whoever says again that it was named is met anew again', file: 'streams/member/admission.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'whoever left and came back before a start*'],
    unseen: 'nobody loses its disk twice there',
    from: '        doubtful.delete(peer)\n', to: '',
  },
  {
    name: 'a link is cut before its member is told that it has left', file: 'streams/member/admission.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'whoever is leaving is reached*'],
    unseen: 'of those who have left nothing is demanded',
    from: 'Object.hasOwn(members, peer) && claimed.get(peer) !== incarnation', to: 'claimed.get(peer) !== incarnation',
  },
  {
    name: 'a link outlives the leaving of its member', file: 'streams/transport/tcp/registry.ts', killer: ['test/ports/transport.test.ts', 'tcp: who has left and is named again*'],
    unseen: 'whoever has left and comes back is seldom still linked',
    from: ' ?? (isUnproven(peer, incarnation) ? `${peer} has to present itself as a member` : undefined)', to: '',
  },
  {
    name: 'who was let in before it was named is taken for who is named', file: 'streams/member/admission.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'who is not named*'],
    from: 'claimed.get(peer) !== incarnation', to: '(claimed.get(peer) ?? incarnation) !== incarnation',
  },
  {
    name: 'a newcomer votes', file: 'lib/voting.ts', killer: ['test/scenarios/scenarios.test.ts', 'left-out-and-met*'],
    from: ' && !state.isNewcomer', to: '',
  },
  {
    name: 'a newcomer stands', file: 'lib/fitness.ts', killer: ['test/scenarios/scenarios.test.ts', 'left-out-behind*'],
    from: ' && !state.isNewcomer', to: '',
  },
  {
    name: 'a start makes a newcomer a voter', file: 'lib/recover.ts', killer: ['test/scenarios/scenarios.test.ts', 'left-out-and-met*'],
    from: ' || stored.hardState.isNewcomer === true', to: '',
  },
  {
    name: 'a newcomer is told of what is committed by whoever takes itself for the leader', file: 'lib/joining.ts', killer: ['test/scenarios/scenarios.test.ts', 'left-out-and-stood*'],
    unseen: 'it takes a leader that stood still while it was left out, and the newcomer left and came back',
    from: ' && quorumAnswered(leader) > dateOf(metRound)', to: '',
  },
  {
    name: 'a newcomer is told of what is committed by whatever a majority has answered before', file: 'lib/joining.ts', killer: ['test/lib/joining.test.ts', 'a newcomer is told*'],
    unseen: 'it takes a leader that stood still while it was left out, and the newcomer left and came back',
    from: 'dateOf(metRound)', to: 'Number.NEGATIVE_INFINITY',
  },
  {
    name: 'a newcomer believes a leader that has committed nothing of its own term', file: 'lib/joining.ts', killer: ['test/lib/joining.test.ts', '*no entry of the leader*own term'],
    unseen: 'it takes a leader that was just elected, behind whose back the newcomer has left once before',
    from: '  if (termAt(log, mustHave) !== term) return\n', to: '',
  },
  {
    name: 'a newcomer believes a leader that has it for a voter', file: 'lib/joining.ts', killer: ['test/lib/joining.test.ts', '*takes it for a voter'],
    unseen: 'it takes a leader that stood still while it was left out, and the newcomer left and came back',
    from: '  if (!membership.learners.includes(id) || isVoter(membership, id)) return\n', to: '',
  },
  {
    name: 'a newcomer votes before it has what it must have', file: 'lib/joining.ts', killer: ['test/lib/joining.test.ts', '*newcomer hears of what is committed: all*'],
    unseen: 'what it was told is with it within a moment, and it takes one that was left out at that very moment',
    from: ' || state.mustHave > Math.min(state.verified, state.persistedIndex)', to: ' || state.mustHave > state.verified',
  },
  {
    name: 'a leader counts on a newcomer that its log takes for a voter', file: 'lib/hearing.ts', killer: ['test/lib/joining.test.ts', 'a leader counts on no newcomer*'],
    unseen: 'it takes a leader that stood still while it was left out, and the newcomer left and came back',
    from: 'if (reply.isNewcomer && isVoter', to: 'if (false && isVoter',
  },
  {
    name: 'a newcomer is made a voter', file: 'lib/reconfiguration.ts', seed: 3, killer: ['test/lib/reconfiguration.test.ts', 'a newcomer is waited for*'],
    from: '!progress.mayBeNewcomer && ', to: '',
  },
  {
    name: 'what one said before it left counts when it comes back', file: 'lib/hearing.ts', killer: ['test/lib/reconfiguration.test.ts', 'what one that left had said*'],
    unseen: 'it takes a word that arrives in the very turn in which its member is named again',
    from: 'reply.round <= progress.since || ', to: '',
  },
  {
    name: 'one that lacks the state is made a voter', file: 'lib/reconfiguration.ts', killer: ['test/lib/reconfiguration.test.ts', 'one that lacks what precedes*'],
    unseen: 'it takes a learner that lost its snapshot and not its log, and is made a voter before another has come',
    from: 'hasState(leader, progress) && hasCaughtUp', to: 'hasCaughtUp',
  },
  {
    name: 'a learner stands before it has applied', file: 'lib/recover.ts', killer: ['test/lib/election.test.ts', 'who decides alone*'],
    unseen: 'it takes a cluster of one whose learner restarts and is made the one voter at once',
    from: 'isVoter(membership, settings.id) && isAlone(membership, settings.id)', to: 'membership.voters.length + membership.outgoing.length === 1',
  },
  {
    name: 'an install counts entries of the log before it', file: 'lib/ready.ts', killer: ['test/lib/receiving.test.ts', 'in the turn of an install, with a tick*'],
    unseen: 'it takes a crash between two syncs, and a damaged snapshot',
    from: 'installed ? after.writtenCommit : ', to: '',
  },
  {
    name: 'a newcomer is a voter by a word that a crash undoes', file: 'lib/hard-state.ts', killer: [`${STREAMS}/pipeline/gate.test.ts`, 'that a member is no newcomer*'],
    from: ' && (a.isNewcomer ?? false) === (b.isNewcomer ?? false)', to: '',
  },
  {
    name: 'whoever is behind refuses who came back meanwhile', file: 'streams/member/admission.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'whoever is behind*'],
    from: 'if (named <= newest)', to: 'if (named <= named)',
  },
  {
    name: 'a snapshot hides who left and came back as another', file: 'streams/member/follow-roll.ts', killer: [`${STREAMS}/member/roll.test.ts`, 'behind a snapshot*'],
    from: '    if (state.log.base.index > before.commitIndex) admission.left(Object.keys(before.committed.addresses))\n', to: '',
  },
  {
    name: 'a newcomer that leads waits for itself', file: 'lib/reconfiguration.ts', killer: ['test/lib/reconfiguration.test.ts', 'a leader that is waited for*'],
    unseen: 'it takes one that left and came back while it was away, and is elected before it hears that this is committed',
    from: '.filter(id => id !== self).map(', to: '.map(',
  },
  {
    name: 'a client comes in as a member of the name in its certificate', file: 'streams/transport/tcp/trust.ts', killer: [`${STREAMS}/transport/tls.test.ts`, 'a client*of its own name*'],
    unseen: 'nobody shows certificates there',
    from: 'return certificate.isForMembers ? undefined', to: 'return certificate.names.length > 0 ? undefined',
  },
  {
    name: 'a renewed certificate is shown whomever it names', file: 'streams/transport/tcp/trust.ts', killer: [`${STREAMS}/transport/tls.test.ts`, 'what is renewed and cannot be used*'],
    unseen: 'nobody shows certificates there',
    from: 'return fault === undefined ? material', to: 'return fault === undefined || former !== undefined ? material',
  },
]
