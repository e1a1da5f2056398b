/**
 * Mistakes that real Raft libraries made, put back one at a time: each is a small change to one file, and the check that must notice
 * it. A check that lets one pass has lost its teeth.
 */
import type { Mutation } from './mutation.js'
import { ADMISSION_MUTATIONS } from './of-admission.js'
import { CLIENT_MUTATIONS } from './of-clients.js'
import { LEASE_MUTATIONS } from './of-leases.js'
import { LEAVING_MUTATIONS } from './of-leaving.js'
import { MACHINE_MUTATIONS } from './of-machines.js'
import { PART_MUTATIONS } from './of-parts.js'
import { TURN_MUTATIONS } from './of-turns.js'
import { SESSION_MUTATIONS } from './of-sessions.js'
import { SNAPSHOT_MUTATIONS } from './of-snapshots.js'
import { STORE_MUTATIONS } from './of-stores.js'

const LIB = 'test/lib'
const SCENARIOS = 'test/scenarios/scenarios.test.ts'
const STREAMS = 'test/streams'

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a new term or vote is not written', file: 'lib/ready.ts', seed: 1, killer: [SCENARIOS, 'vote-survives*'],
    from: 'if (isCommitDue || !isSameVote(before, after)) {', to: 'if (isCommitDue) {',
  },
  {
    name: 'asking first forgets the vote of the term', file: 'lib/convert.ts', killer: [`${LIB}/election.test.ts`],
    from: 'candidate.votedFor = id\n  }\n', to: 'candidate.votedFor = id\n  } else candidate.votedFor = undefined\n',
  },
  {
    name: 'answers of another round count as votes', file: 'lib/candidate.ts', killer: [`${LIB}/election.test.ts`],
    from: "if (reply.round !== candidate.round || reply.preVote !== (candidate.phase === 'preVote')) return candidate", to: 'if (reply.round > candidate.round) return candidate',
  },
  {
    name: 'a vote of an earlier term is kept in a new one', file: 'lib/convert.ts', killer: [`${LIB}/election.test.ts`],
    from: '  follower.votedFor = term === state.term ? state.votedFor : undefined\n', to: '',
  },
  {
    name: 'the length of a log counts before its last term', file: 'lib/voting.ts', killer: [`${LIB}/election.test.ts`],
    from: 'return lastLogTerm > last.term || (lastLogTerm === last.term && lastLogIndex >= last.index)', to: 'return lastLogIndex >= last.index',
  },
  {
    name: 'votes of those who are no voters count', file: 'lib/quorum.ts', killer: [`${LIB}/quorum.test.ts`],
    from: '  for (const id of voters) {\n    const vote', to: '  for (const id of votes.keys()) {\n    const vote',
  },
  {
    name: 'whoever is asked begins its wait anew', file: 'lib/voting.ts', killer: [`${LIB}/election.test.ts`],
    from: '  const voteGranted = mayVote', to: '  restartElectionWait(state)\n  const voteGranted = mayVote',
  },
  {
    name: 'a candidate of an older term is not told the newer one', file: 'lib/step.ts', killer: [`${LIB}/election.test.ts`],
    from: "return message.type === 'requestVote' || isPreVoteReply ? dispatch", to: 'return isPreVoteReply ? dispatch',
  },
  {
    name: 'entries of earlier terms are committed by counting', file: 'lib/commitment.ts', seed: 1, killer: [SCENARIOS, 'figure-8*'],
    from: 'if (reached <= leader.commitIndex || termAt(leader.log, reached) !== leader.term) return', to: 'if (reached <= leader.commitIndex) return',
  },
  {
    name: 'the commitIndex follows a leader back', file: 'lib/follower.ts', killer: [`${LIB}/follower.test.ts`],
    from: 'const commitIndex = Math.max(follower.commitIndex, Math.min(leaderCommit, follower.verified))', to: 'const commitIndex = Math.min(leaderCommit, follower.verified)',
  },
  {
    name: 'a tail that nobody verified is committed', file: 'lib/follower.ts', killer: [SCENARIOS, 'commit-of-verified*'],
    from: 'Math.min(leaderCommit, follower.verified))', to: 'Math.min(leaderCommit, follower.log.lastIndex))',
  },
  {
    name: 'an older answer lowers matchIndex', file: 'lib/progress.ts', killer: [`${LIB}/replication.test.ts`],
    from: 'progress.matchIndex = Math.max(progress.matchIndex, durable)', to: 'progress.matchIndex = durable',
  },
  {
    name: 'indexes are sorted as words', file: 'lib/quorum.ts', killer: [`${LIB}/quorum.test.ts`],
    from: 'falling[place - 1]! < value', to: 'String(falling[place - 1]!) < String(value)',
  },
  {
    name: 'half of an even number is a majority', file: 'lib/quorum.ts', killer: [`${LIB}/quorum.test.ts`],
    from: 'Math.floor(voters.length / 2) + 1', to: 'Math.ceil(voters.length / 2)',
  },
  {
    name: 'a repeated append cuts what agrees', file: 'lib/follower.ts', killer: [`${LIB}/follower.test.ts`],
    from: 'const conflict = firstConflict(follower, batches)', to: 'const conflict = batches[0]?.firstIndex',
  },
  {
    name: 'a refusal moves nothing', file: 'lib/leader.ts', killer: [`${LIB}/replication.test.ts`],
    from: 'backUp(progress, Math.min(common.index + 1, prevLogIndex))', to: 'backUp(progress, progress.nextIndex)',
  },
  {
    name: 'an unknown term passes for that of no entry', file: 'lib/log.ts', killer: [`${LIB}/log.test.ts`],
    from: 'if (index < log.base.index || index > log.lastIndex) return undefined', to: 'if (index < log.base.index || index > log.lastIndex) return 0',
  },
  {
    name: 'a late write vouches for what replaced its entries', file: 'lib/storing.ts', killer: [SCENARIOS, 'late-write*'],
    unseen: 'a leader sends entries once it has an answer in its term, which the gate holds back until all earlier writes are done',
    from: 'state.pendingWrites = state.pendingWrites.map(write => write.last < first ? write : { ...write, last: first - 1 })', to: '',
  },
  {
    name: 'what is verified counts as durable', file: 'lib/acknowledgement.ts', seed: 1, killer: [SCENARIOS, 'one-disk*'],
    from: 'const durable = Math.min(state.verified, state.persistedIndex)', to: 'const durable = state.verified',
  },
  {
    name: 'votes of the past are given away on restart', file: 'lib/recover.ts', killer: [SCENARIOS, 'vote-survives*'],
    unseen: 'the store has a vote durable before the entries of its term',
    from: 'votedFor: term === stored.hardState.term ? stored.hardState.votedFor : settings.id,', to: 'votedFor: undefined,',
  },
  {
    name: 'contact is dated by the answer', file: 'lib/hearing.ts', killer: [`${LIB}/replication.test.ts`, 'a follower is active*'],
    from: 'Math.max(progress.contact, askedAt)', to: 'leader.now',
  },
  {
    name: 'a late request is taken for another term', file: 'lib/leader.ts', killer: [`${LIB}/proposals.test.ts`],
    unseen: 'the intake knows the term that the core is in, and refuses it before',
    from: "  if (term !== leader.term) return 'notLeader'\n", to: '',
  },
  {
    name: 'messages do not wait for the vote that they tell of', file: 'streams/pipeline/gate.ts', killer: [`${STREAMS}/pipeline/gate.test.ts`],
    from: 'if (held.length === 0 && after <= durable) return', to: 'if (held.length >= 0) return',
  },
  {
    name: 'a claimed length is believed', file: 'codecs/frame-reader.ts', killer: ['test/codecs/frames.test.ts', 'a claimed length*'],
    unseen: 'what it costs is memory',
    from: 'Math.min(wanted, Math.max(FIRST_CAPACITY, GROWTH * bytes.length, needed))', to: 'wanted',
  },
  {
    name: 'a damaged chunk of a snapshot passes for whole', file: 'codecs/layouts.ts', killer: ['test/codecs/messages.test.ts', 'a chunk is a view*'],
    unseen: 'no simulated link flips a bit',
    from: "summed(bytes, n[5], 'chunk')", to: 'summed(bytes, checksumOf(bytes), \'chunk\')',
  },
  {
    name: 'what may be in the log passes for refused', file: 'streams/requests/inflight.ts', killer: [`${STREAMS}/requests/fates.test.ts`],
    from: "case 'lost': return miss(state, request, 'the leader lost track of the command, as when its leadership ends')", to: "case 'lost': return refuse(state, request, 'notReady')",
  },
  {
    name: 'what may have been looked at passes for refused', file: 'streams/requests/outlet.ts', killer: [`${STREAMS}/requests/fates.test.ts`],
    from: "if (unanswered !== 'unseen') return lose(state, 'the connection to the leader was lost')\n", to: '',
  },
  {
    name: 'a member ends without a farewell', file: 'streams/transport/tcp/link.ts', killer: [`${STREAMS}/transport/link.test.ts`, 'a member that closes*'],
    unseen: 'in the storms nobody stops in good order',
    from: 'end: reason => close(reason, [FAREWELL]),', to: 'end: reason => close(reason, []),',
  },
  {
    name: 'a turn is entered again from inside itself', file: 'streams/pipeline/per-turn.ts', seed: 1, killer: [`${STREAMS}/pipeline/pipeline.test.ts`],
    from: 'cancel = endOfTurn(close)', to: 'close()',
  },
  {
    name: 'a snapshot is taken in the middle of a call of the machine', file: 'streams/machine/apply.ts', killer: [`${STREAMS}/machine/apply.test.ts`, 'whoever wants the machine at rest*'],
    from: 'if (!work.isCalling) look(work.at)\n  else if (!work.isOver) work.waiting.add(look)', to: 'look(work.at)',
  },
  {
    name: 'a snapshot stands before the last entry that it holds', file: 'streams/snapshots/capture.ts', killer: [`${STREAMS}/snapshots/capture.test.ts`, 'one is taken when enough*'],
    from: 'snapshots.write({ index, term,', to: 'snapshots.write({ index: index - 1, term,',
  },
  {
    name: 'a large state is written again and again for a little log', file: 'streams/snapshots/capture.ts', seed: 8, killer: [`${STREAMS}/snapshots/capture.test.ts`, 'a log may grow*'],
    from: 'Math.max(snapshotBytes, taken?.bytes ?? 0)', to: 'snapshotBytes',
  },
  {
    name: 'what a snapshot holds is applied again', file: 'lib/recover.ts', killer: [`${LIB}/election.test.ts`],
    from: 'handedIndex: applied, handed', to: 'handedIndex: log.base.index, handed',
  },
  {
    name: 'a snapshot is believed, whatever the log holds', file: 'streams/snapshots/begin.ts', killer: [`${STREAMS}/snapshots/begin.test.ts`],
    from: 'return found === term ? undefined', to: 'return found === term || term > 0 ? undefined',
  },
  {
    name: 'a snapshot that was not read to its end passes for sound', file: 'streams/snapshots/restore.ts', killer: [`${STREAMS}/snapshots/begin.test.ts`],
    from: 'complete: () => void readOut(next).then(() => end(undefined), failed),', to: 'complete: () => end(undefined),',
  },
  {
    name: 'a log that a snapshot contradicts is kept beside it', file: 'lib/receiving.ts', killer: [`${LIB}/receiving.test.ts`, 'a snapshot comes*'],
    from: 'const isHeld = termAt(state.log, index) === term', to: 'const isHeld = index <= state.log.lastIndex',
  },
  {
    name: 'a membership that was never committed outlives the log that held it', file: 'lib/receiving.ts', killer: [`${LIB}/receiving.test.ts`, 'A6 51*'],
    from: 'emptyLog({ index, term, membership },', to: 'emptyLog({ index, term, membership: state.log.memberships.at(-1)?.membership ?? membership },',
  },
  {
    name: 'a chunk is written wherever it comes from', file: 'lib/receiving.ts', killer: [`${LIB}/receiving.test.ts`, 'R04*'],
    from: "receiving.phase === 'waiting' && chunk.length > 0 && offset === receiving.expected", to: "receiving.phase === 'waiting' && chunk.length > 0",
  },
  {
    name: 'a part is taken in wherever it belongs', file: 'lib/assembling.ts', killer: [`${LIB}/assembling.test.ts`, 'each part is answered*'],
    from: 'if (offset === own.held) {', to: 'if (offset >= 0) {',
  },
  {
    name: 'parts of two batches make one', file: 'lib/assembling.ts', killer: [`${LIB}/assembling.test.ts`, 'a part of another batch*'],
    from: 'assembly !== undefined && isSameBatch(assembly.head, head)', to: 'assembly !== undefined',
  },
  {
    name: 'proposals go on while a leadership is handed over', file: 'lib/leader.ts', killer: [`${LIB}/transfer.test.ts`, 'meanwhile no proposal*'],
    from: ' || leader.transfer !== undefined', to: '',
  },
  {
    name: 'a leadership is handed to one that lacks something', file: 'lib/transfer.ts', killer: [`${LIB}/transfer.test.ts`, 'X06*'],
    from: '.filter(heir => heir.matchIndex === lastIndex)', to: '',
  },
  {
    name: 'one that does not stand is told again and again', file: 'lib/transfer.ts', killer: [`${LIB}/transfer.test.ts`, 'one that is told and does not stand*'],
    from: 'ready[(told + 1) % ready.length]', to: 'ready[Math.max(told, 0)]',
  },
  {
    name: 'a question of an earlier life is answered by its round', file: 'lib/step.ts', killer: [`${LIB}/reads.test.ts`, 'an answer to a question of an earlier life*'],
    from: 'isNewcomer: state.isNewcomer, round: 0 })', to: 'isNewcomer: state.isNewcomer, round: message.round })',
  },
  {
    name: 'a late word of a leader makes a follower stand', file: 'lib/transfer.ts', killer: [`${LIB}/transfer.test.ts`, 'a follower whose log has grown since, though*'],
    from: 'follower.log.lastIndex === lastIndex && follower', to: 'follower',
  },
  {
    name: 'entries from before a snapshot are applied on top of it', file: 'lib/receiving.ts', killer: [`${LIB}/receiving.test.ts`, 'what a read hands out*'],
    from: '  outbox.committed.length = 0\n', to: '',
  },
  {
    name: 'answers to older questions confirm reads', file: 'lib/reads.ts', killer: [`${LIB}/reads.test.ts`, 'an answer to an older question*'],
    from: 'dateOf(after) >= answered)', to: 'dateOf(after) > answered + 1000)',
  },
  {
    name: 'reads that wait are confirmed by the round of those before them', file: 'lib/reads.ts', killer: [`${LIB}/reads.test.ts`, 'reads of one turn share*'],
    from: 'after: leader.round })', to: 'after: leader.reads[0]?.after ?? leader.round })',
  },
  {
    name: 'a leader answers reads before it has applied its first entry', file: 'lib/reads.ts', killer: [SCENARIOS, 'read-before*'],
    from: "!isReady(leader) ? 'notReady' : ", to: '',
  },
  {
    name: 'a leader answers reads without asking anybody', file: 'lib/reads.ts', killer: [SCENARIOS, 'read-behind*'],
    from: ': quorumAnswered(leader)', to: ': Number.POSITIVE_INFINITY',
  },
  {
    name: 'reads that a deposed leader cannot answer are forgotten', file: 'lib/convert.ts', seed: 1, killer: [`${LIB}/reads.test.ts`, 'a newer term ends*'],
    from: "    for (const read of state.reads) outbox.readAnswers.push({ type: 'readRefused', id: read.id, reason: 'notLeader' })\n", to: '',
  },
  {
    name: 'a read is served before this machine has come so far', file: 'streams/reads/reader.ts', seed: 2, killer: [`${STREAMS}/reads/reader.test.ts`, 'reads of one turn*'],
    from: '  const { index } = at\n', to: '  const index = at.index + Number.POSITIVE_INFINITY\n',
  },
  {
    name: 'an answer serves reads that came after its question', file: 'streams/reads/reader.ts', killer: [`${STREAMS}/reads/reader.test.ts`, 'an answer serves no read*'],
    from: 'state.readable.add(answer.index, question.reads)', to: 'state.readable.add(answer.index, [...question.reads, ...state.waiting.splice(0)])',
  },
  {
    name: 'a step that throws stops nobody', file: 'streams/member/run-member.ts', killer: [`${STREAMS}/member/raft.test.ts`, 'a failed write ends*'],
    unseen: 'no step of a correct core throws',
    from: ').subscribe({ error: ending.fail })', to: ').subscribe({ error: () => undefined })',
  },
  {
    name: 'a link that went down passes for a process that has ended', file: 'streams/transport/tcp/departures.ts',
    killer: [`${STREAMS}/transport/departures.test.ts`, '*is no sign*'],
    unseen: 'one election more breaks no promise',
    from: "if (outcome === 'refused') registry.gone(peer)", to: 'registry.gone(peer)',
  },
  {
    name: 'a leader is forgotten when another member is gone', file: 'lib/departure.ts', killer: [`${LIB}/departure.test.ts`, 'a follower of another*'],
    unseen: 'the others still hear the leader',
    from: "if (state.role !== 'follower' || state.leader !== peer) return state", to: "if (state.role !== 'follower') return state",
  },
  {
    name: 'a leader changes the membership before an entry of its own term is committed', file: 'lib/reconfiguration.ts', killer: [SCENARIOS, 'change-before*'],
    from: "state.role === 'leader' && state.noopIndex <= state.commitIndex && ", to: "state.role === 'leader' && ",
  },
  {
    name: 'a change begins behind one that is not committed', file: 'lib/reconfiguration.ts', killer: [`${LIB}/reconfiguration.test.ts`, 'a change is refused while*'],
    from: "if (newest.index > leader.commitIndex && wish.type !== 'abandon') return", to: "if (newest.index < 0) return",
  },
  {
    name: 'a change begins while another waits or is in joint consensus', file: 'lib/change.ts', killer: [`${LIB}/change.test.ts`, '*makes no sense*'],
    from: "  if (isUnderWay(membership)) return left('another change is under way')\n", to: '',
  },
  {
    name: 'voters leave without joint consensus', file: 'lib/change.ts', killer: [`${LIB}/change.test.ts`, 'M15*'],
    from: 'membership: joint(membership, goal, addresses) })', to: 'membership: through })',
  },
  {
    name: 'new voters decide before they have learnt', file: 'lib/change.ts', killer: [`${LIB}/change.test.ts`, 'a new voter learns*'],
    from: 'if (added.length > 0 || haveToWait(goal.voters)) {', to: 'if (haveToWait(goal.voters)) {',
  },
  {
    name: 'an abandoned change is finished', file: 'lib/change.ts', killer: [`${LIB}/change.test.ts`, 'what is abandoned*'],
    from: 'const stay = outgoing.length > 0 ? outgoing : voters', to: 'const stay = voters',
  },
  {
    name: 'a step of a change is taken before the one before it is committed', file: 'lib/reconfiguration.ts', killer: [SCENARIOS, 'joint-needs*'],
    from: 'if (index > commitIndex || !canChange(leader)) return', to: 'if (!canChange(leader)) return',
  },
  {
    name: 'the new majority alone commits in joint consensus', file: 'lib/quorum.ts', killer: ['test/exploration/exploration.test.ts', 'from "two leave"*'],
    from: 'Math.min(majorityValue(membership.voters, valueOf), majorityValue(membership.outgoing, valueOf))', to: 'majorityValue(membership.voters, valueOf)',
  },
  {
    name: 'the new majority alone elects in joint consensus', file: 'lib/quorum.ts', killer: [SCENARIOS, 'joint-needs*'],
    from: 'const results = [majorityVote(membership.voters, votes), majorityVote(membership.outgoing, votes)]', to: 'const results = [majorityVote(membership.voters, votes)]',
  },
  {
    name: 'a new voter votes before it has caught up', file: 'lib/reconfiguration.ts', killer: [`${LIB}/reconfiguration.test.ts`, 'M01*'],
    unseen: 'what it costs is time',
    from: 'if (areReady && canDecide(leader, step)) adopt', to: 'if (canDecide(leader, step)) adopt',
  },
  {
    name: 'a decision is left to members who are not there', file: 'lib/reconfiguration.ts', killer: [SCENARIOS, 'abandoned-in-joint*'],
    unseen: 'what it costs is a leader that makes room',
    from: 'if (step.outgoing.length > 0 && !canDecide(leader, step)) ', to: 'if (step.voters.length === 0) ',
  },
  {
    name: 'a leader that is no member any more leads on', file: 'lib/reconfiguration.ts', killer: [SCENARIOS, 'leader-that-leaves*'],
    from: 'if (index > commitIndex || isVoter(membership, id)) return leader', to: 'if (index >= 0) return leader',
  },
  {
    name: 'one that leaves is not told', file: 'lib/reconfiguration.ts', killer: [`${LIB}/reconfiguration.test.ts`, 'one that leaves is served*'],
    unseen: 'whoever was removed unheard asks in vain, and disturbs nobody',
    from: '...leader.leaving.filter(({ id }) => !members.includes(id)), ...leaving]', to: '...leader.leaving.filter(({ id }) => !members.includes(id))]',
  },
  {
    name: 'a wish that the leader may have taken is asked again', file: 'streams/wishes/outlet.ts', killer: ['test/simulation/wishes.test.ts', 'what is told of a change is true*'],
    unseen: 'no trial holds a wish against what was told', from: "unanswered === 'unseen' ? 'notTaken' : 'lost'", to: "'notTaken'",
  },
  {
    name: 'a wish that was given up blocks the next', file: 'streams/wishes/outlet.ts', killer: [`${STREAMS}/wishes/forwarding.test.ts`, 'a wish that is given up*'],
    unseen: 'what is refused for it changes nothing', from: 'giveUp: told => void take(sent => sent.told === told),', to: 'giveUp: () => undefined,',
  },
  {
    name: 'a wish is granted by the leader of another term', file: 'streams/wishes/operator.ts', killer: [`${STREAMS}/wishes/operator.test.ts`, 'a wish is meant for the leader of one term*'],
    unseen: 'what comes late is as welcome as what comes in time',
    from: "if (newest.role !== 'leader' || newest.term !== term) return", to: "if (newest.role !== 'leader') return",
  },
  {
    name: 'a member that ends leaves out the wishes that it looked at', file: 'streams/wishes/operator.ts', killer: [`${STREAMS}/wishes/operator.test.ts`, 'a leader that ends*'],
    unseen: 'its disk must fail while it hands over', from: '      intake.halt()\n', to: '',
  },
  {
    name: 'a membership that was replaced in the log goes on counting', file: 'lib/log.ts', killer: [SCENARIOS, 'change-behind*'],
    from: 'memberships: log.memberships.filter(placed => placed.index < first),', to: 'memberships: log.memberships,',
  },
  {
    name: 'a log that is cut forgets who belonged to the cluster there', file: 'lib/log.ts', killer: [`${LIB}/compaction.test.ts`, 'the membership of the base*'],
    from: 'base: { index, term, membership: membershipAt(log, index) },', to: 'base: { index, term, membership: log.base.membership },',
  },
  {
    name: 'learners stand for election', file: 'lib/fitness.ts', killer: [SCENARIOS, 'learner-restarts*'],
    unseen: 'one that wins has all that is committed, and leads like any other',
    from: 'mayBeVoter(state) && !isDiskSlow(state)', to: '!isDiskSlow(state)',
  },
  {
    name: 'a disk is blamed for what waits in a queue that moves', file: 'lib/fitness.ts', killer: [`${LIB}/storing.test.ts`, 'a leader leads on*'],
    unseen: 'whoever leads next has the same disk, and nothing is lost by leading in turns',
    from: 'state.now - Math.max(oldest.since, state.writtenAt)', to: 'state.now - oldest.since',
  },
  {
    name: 'whoever is left out stands no more before that is committed', file: 'lib/fitness.ts', killer: ['test/simulation/memberships.test.ts', 'those who are to leave*'],
    from: 'mayBeVoter(state) && !isDiskSlow(state)', to: 'isVoter(membership(state), state.settings.id) && !isDiskSlow(state)',
  },
  ...ADMISSION_MUTATIONS,
  ...LEASE_MUTATIONS, ...LEAVING_MUTATIONS,
  ...MACHINE_MUTATIONS,
  ...TURN_MUTATIONS,
  ...PART_MUTATIONS,
  ...SESSION_MUTATIONS,
  ...SNAPSHOT_MUTATIONS,
  ...CLIENT_MUTATIONS,
  ...STORE_MUTATIONS,
]
