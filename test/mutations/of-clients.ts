/** Mistakes with what a client knows of the members. */
import type { Mutation } from './mutation.js'

const DIRECTORY = 'test/streams/requests/client-directory.test.ts'

export const CLIENT_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a client keeps to the members that it was given', file: 'client/directory.ts', killer: ['test/simulation/joining.test.ts', 'a client that runs on*'],
    unseen: 'in no trial all of the first members leave',
    from: 'if (told !== undefined && index <= told.index) return false', to: 'if (told !== undefined || index >= 0) return false',
  },
  {
    name: 'a member that is behind brings back who has left', file: 'client/directory.ts', killer: [DIRECTORY, 'a member that is behind*'],
    unseen: 'a client that looks where nobody is loses time',
    from: 'if (told !== undefined && index <= told.index) return false', to: 'if (told !== undefined && index < 0) return false',
  },
  {
    name: 'a told address is dialled in the clear', file: 'client/directory.ts', killer: [DIRECTORY, 'a list of whom nobody*'],
    unseen: 'the simulated network is trusted',
    from: 'Object.entries(addresses).filter(([, address]) => mayDial(address))', to: 'Object.entries(addresses)',
  },
  {
    name: 'an address where nobody was comes first again', file: 'client/directory.ts', killer: [DIRECTORY, 'members that are reached otherwise*'],
    unseen: 'simulated members are where they say',
    from: 'isReached ? ++attempts : -++attempts', to: 'isReached ? 0 : 0',
  },
  {
    name: 'clients are told of a membership that is not committed', file: 'streams/member/tell-clients.ts', killer: ['test/streams/member/tell-clients.test.ts', 'a client is told when*'],
    unseen: 'it takes a change that is overwritten, and all of the others gone',
    from: 'const committed = placedMembershipAt(log, commitIndex)', to: 'const committed = placedMembershipAt(log, Math.max(log.lastIndex, commitIndex))',
  },
  {
    name: 'a client never believes a leader of an earlier term', file: 'client/finder.ts', killer: ['test/streams/requests/client.test.ts', 'a leader of an earlier term*'],
    unseen: 'no trial goes on from a log that lacks the newest terms',
    from: '(isHere ? leader.term !== search.term : leader.term > search.term)', to: 'leader.term > search.term',
  },
  {
    name: 'a request for a leader that is gone closes the turn to everybody', file: 'streams/requests/intake.ts', killer: ['test/streams/requests/intake.test.ts', 'a request for the leader of another term*'],
    unseen: 'what is refused comes again',
    from: "  if (request.term !== state.term()) return refuse(state, origin, request, 'notLeader')\n", to: '',
  },
]
