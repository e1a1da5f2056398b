/** A snapshot on its way into a member: to the disk, into the log and into the machine. */
import test from 'ava'
import { ae, follower, play, readToApply } from './build.js'
import { chunkWritten, is, snapshotAt, snapshotStored } from './snapshots.js'

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

test('what a read hands out in the turn of an install is not applied on top of it', t => {
  const player = play(follower({ log: '1@1 2@1 3@1', applied: 0, settings: { logCacheBytes: 0 } }))
  player.turn()
  t.deepEqual(player.turn(ae('L', '3@1', '', 3)).reads, ['apply: 1-3'])
  const { committed, snapshots } = player.turn(readToApply(1, '1@1 2@1'), snapshotStored(S))
  t.deepEqual([snapshots, committed], [['restore 9@1'], ''])
  t.like(player.state, { handedIndex: 9, appliedIndex: 0, handed: [] })
  t.is(player.turn(readToApply(3, '3@1')).committed, '', 'what is read later is nobody\'s, too')
})
