/** Mistakes about who may go, and who is to lead next. */
import type { Mutation } from './mutation.js'

const VOTERS = 'test/lib/state-of-voters.test.ts'
const SELDOM = 'a snapshot is seldom lost just while its leader is to leave'

export const LEAVING_MUTATIONS: readonly Mutation[] = [
  {
    name: 'whoever answers is enough to be left with the decision', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'in joint consensus, too*'],
    unseen: SELDOM,
    from: 'areThere(leader, voters) && !wouldBeMissed(leader, voters)\n', to: 'areThere(leader, voters)\n',
  },
  {
    name: 'a change does not wait for a voter that stays', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'a leader waits with its own leaving*'],
    unseen: SELDOM,
    from: 'voters => areThere(leader, voters) && wouldBeMissed(leader, voters)', to: '() => false',
  },
  {
    name: 'a leader goes, whoever is left', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'a leader that has left serves on*'],
    unseen: SELDOM,
    from: '  if (!couldBeLed(leader, membership.voters)) return leader\n', to: '',
  },
  {
    name: 'a leader that has told an heir goes, whoever is left', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'an operator*s wish to hand over*'],
    unseen: SELDOM,
    from: '  if (!couldBeLed(leader, membership.voters)) return leader\n', to: '  if (transfer?.told === undefined && !couldBeLed(leader, membership.voters)) return leader\n',
  },
  {
    name: 'a change waits although nothing gets worse', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'a change by which nobody is worse off*'],
    unseen: SELDOM,
    from: '(!voters.includes(leader.settings.id) || couldBeLed(leader, outgoing.length > 0 ? outgoing : current))', to: 'true',
  },
  {
    name: 'where the leader stays a change waits for nobody\'s state', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'whoever lacks its state can be removed*'],
    unseen: SELDOM,
    from: ' || couldBeLed(leader, outgoing.length > 0 ? outgoing : current))', to: ')',
  },
  {
    name: 'a change is abandoned to those who cannot be led', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'a change is abandoned*'],
    unseen: SELDOM,
    from: ' && !couldBeLed(leader, goal.voters)', to: ' && !areThere(leader, goal.voters)',
  },
  {
    name: 'one that never takes its state in keeps a change from being abandoned', file: 'lib/reconfiguration.ts', killer: [VOTERS, 'a change is abandoned*'],
    unseen: 'whoever lacks its state gets it there',
    from: ' && !goal.voters.includes(leader.settings.id)', to: '',
  },
  {
    name: 'of whom nothing is known is held for sound', file: 'lib/contact.ts', killer: [VOTERS, 'what is not known*'],
    unseen: SELDOM,
    from: 'acceptedRound > 0 && ', to: '',
  },
  {
    name: 'whoever was sound is held for sound', file: 'lib/contact.ts', killer: [VOTERS, 'what is not known*'],
    unseen: SELDOM,
    from: ' && now - dateOf(acceptedRound) <= electionTimeoutMs', to: '',
  },
  {
    name: 'one that lacks its state stands where it would decide alone', file: 'lib/fitness.ts', killer: [VOTERS, 'the last voter that is left*'],
    unseen: SELDOM,
    from: ' && !isLacking(state)', to: '',
  },
  {
    name: 'who would decide alone does not start without its state, though others may lead', file: 'streams/storage/alone.ts', killer: ['test/streams/snapshots/begin.test.ts', 'while it may not be committed*'],
    unseen: SELDOM,
    from: 'membershipsFrom(openLog({ ...log, tail: [] }), commitIndex).every(', to: 'membershipsFrom(openLog({ ...log, tail: [] }), log.lastIndex).every(',
  },
  {
    name: 'a leadership is handed to one that lacks its state', file: 'lib/transfer.ts', killer: [VOTERS, 'nobody is told to stand*'],
    unseen: 'it does not stand, and the leader leads on',
    from: ' && one.lacks === 0', to: '',
  },
]
