/** The executable definition of a healthy member notices one that is not. */
import test from 'ava'
import { brokenBetween, brokenIn } from '../../lib/invariants.js'
import { follower, leader } from './build.js'

test('invariants notice a member that contradicts itself', t => {
  const sound = leader({ log: '1@1 2@1', commit: 1, term: 3 })
  t.deepEqual(brokenIn(sound), [])
  const sick = [
    { ...sound, commitIndex: 3 }, { ...sound, appliedIndex: 2 }, { ...sound, handedIndex: 2 }, { ...sound, persistedIndex: 3 },
    { ...sound, persistedIndex: 0 }, { ...sound, log: { ...sound.log, tail: { batches: [], start: 0, end: 0, bytes: 0 } }, persistedIndex: 1 }, { ...sound, term: 0 }, { ...sound, votedFor: 'f1' }, { ...sound, isNewcomer: true },
    { ...sound, progress: sound.progress.map(one => ({ ...one, matchIndex: 3 })) },
    { ...sound, progress: sound.progress.map(one => ({ ...one, nextIndex: 4 })) }, { ...follower({ log: '1@1' }), verified: 2 },
  ]
  for (const state of sick) t.true(brokenIn(state).length > 0)
  const after = [
    { ...sound, term: 2 }, { ...sound, commitIndex: 0 }, { ...sound, isNewcomer: true }, { ...sound, appliedIndex: 0 }, { ...sound, votedFor: 'f1' },
    { ...sound, progress: sound.progress.map(one => ({ ...one, matchIndex: -1 })) }, { ...leader({ log: '1@1', commit: 1, term: 3 }) },
  ]
  for (const state of after) t.true(brokenBetween(sound, state).length > 0)
})
