/** A snapshot on its way into a member: to the disk, into the log and into the machine. */
import test from 'ava'
import { follower, play } from './build.js'
import { chunkWritten, is, snapshotAt } from './snapshots.js'

const S = snapshotAt('9@1')

for (const [claim, said] of [
  ['a chunk beyond the end', is('L', S, 100, 26)],
  ['an offset beyond the end', is('L', S, 126)],
  ['a snapshot of a term to come', is('L', snapshotAt('9@2'))],
] as const) {
  test(`${claim} is reported, and nothing else comes of it`, t => {
    const player = play(follower())
    const before = player.state
    const { noticed, said: answers, snapshots } = player.turn(said)
    t.deepEqual([noticed, answers, snapshots], [['contradiction'], [], []])
    t.like(player.state, { receiving: undefined, leader: before.leader, electionDeadline: before.electionDeadline })
  })
}

test('one that comes late and is covered by the log ends nothing but itself', t => {
  const player = play(follower({ log: '1-5@1', commit: 5 }))
  const old = snapshotAt('4@1')
  player.turn(is('L', S))
  player.turn(chunkWritten(S, 0))
  player.turn(is('L', S, 0, 50))
  t.deepEqual(player.turn(is('L', old)).said, ['ok(L; T1; 4/4)'])
  t.like(player.state.receiving, { snapshot: S, phase: 'writing' })
  t.deepEqual(player.turn(is('L', S)).snapshots, [], 'what is being written is not asked for again')
  t.deepEqual(player.turn(chunkWritten(S, 50)).said, ['got(L; T1; 9@1; 50/125!)'])
})
