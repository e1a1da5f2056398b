/** Mistakes with reads by lease. */
import type { Mutation } from './mutation.js'

const LIB = 'test/lib'

export const LEASE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a promise ends when the leader is said to be gone', file: 'lib/voting.ts', killer: [`${LIB}/lease.test.ts`, 'whoever has promised keeps it*'],
    from: '  if (isBound(state)) return true\n', to: '',
  },
  {
    name: 'a start forgets what was promised', file: 'lib/recover.ts', killer: [`${LIB}/lease.test.ts`, 'whoever starts*'],
    from: 'promisedUntil: now + settings.readLeaseMs', to: 'promisedUntil: now',
  },
  {
    name: 'a leader relies on promises for longer than they last', file: 'lib/lease.ts', killer: [`${LIB}/lease.test.ts`, 'it counts from when it asked*'],
    from: 'TRUSTED = 0.8', to: 'TRUSTED = 3',
  },
  {
    name: 'a leader that has told another to stand relies on promises', file: 'lib/lease.ts', killer: [`${LIB}/lease.test.ts`, 'one that has told*'],
    from: ' || hasAskedToStand', to: '',
  },
  {
    name: 'who decides alone stands although it has promised', file: 'lib/timers.ts', killer: [`${LIB}/lease.test.ts`, 'whoever starts and decides alone*'],
    from: ' || isBound(state)) return state', to: ') return state',
  },
]
