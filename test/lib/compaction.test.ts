/** What of the log stays behind a snapshot. */
import test from 'ava'
import { accepted, leader, play } from './build.js'
import { snapshotAt, snapshotStored } from './snapshots.js'

const LOG = '1@1 2@1 3@2 4@2 5@2 6@3'

test('what is cut is not asked from the disk any more', t => {
  const player = play(leader({ others: 'f1{next=3} f2', log: LOG, commit: 6, settings: { logCacheBytes: 0 } }))
  player.turn()
  const { wrote, reads, said } = player.turn(accepted('f1', 2), snapshotStored(snapshotAt('5@2')))
  t.deepEqual([wrote, reads, said], [['compact(5@2)'], [], ['IS(f1; T3; 5@2; 0+0/125)']])
})
