/** A snapshot on its way into a member: to the disk, into the log and into the machine. */
import test from 'ava'
import { follower, play } from './build.js'
import { is, snapshotAt } from './snapshots.js'

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
