/** Committed entries on their way to the machine. */
import test from 'ava'
import { awaitsMachine } from '../../lib/application.js'
import { ae, applied, body, entries, follower, held, leader, play, readToApply, showBatches } from './build.js'

/** What an entry of one small command counts for. */
const WEIGHT = 136

test('committed entries are handed out as fast as the machine takes them, whole batches, at least one', t => {
  const player = play(follower({ log: '1-3@1 4@1 5-9@1', settings: { maxApplyBytes: 160 } }))
  t.is(player.turn(ae('L', '9@1', '', 6)).committed, '1-3@1 4@1')
  t.is(player.turn(applied(2)).committed, '')
  t.is(player.turn(applied(3)).committed, '5-6@1')
  t.is(player.turn(ae('L', '9@1', '', 9), applied(6)).committed, '7-9@1')
})

test('committed entries below the memory are read once, and applied in order', t => {
  const player = play(follower({ log: '1@1 2@1 3@1 4@1', settings: { logCacheBytes: WEIGHT } }))
  player.turn()
  const { reads, committed } = player.turn(ae('L', '4@1', '', 3))
  t.deepEqual([reads, committed], [['apply: 1-3'], ''])
  t.deepEqual(player.turn(ae('L', '4@1', '', 4)).reads, [])
  t.is(player.turn(readToApply(2, '2@1')).committed, '')
  const read = player.turn(readToApply(1, '1@1 2@1'))
  t.deepEqual([read.committed, read.reads], ['1@1 2@1', ['apply: 3-4']])
  t.is(player.turn(readToApply(3, '3@1 4@1')).committed, '3@1 4@1')
  t.is(player.turn(readToApply(3, '3@1 4@1')).committed, '')
})

test('the machine is awaited where it keeps something back, and at no other time', t => {
  const player = play(follower({ log: '1-9@1', settings: { maxApplyBytes: WEIGHT } }))
  player.turn(ae('L', '9@1', '', 1))
  t.false(awaitsMachine(player.state), 'all that is committed was handed out')
  player.turn(ae('L', '9@1', '', 2))
  t.true(awaitsMachine(player.state), 'no room for the second')
  player.turn(applied(1))
  t.false(awaitsMachine(player.state))
  t.true(awaitsMachine(leader({ log: '1@1', commit: 1, applied: 0, noop: 1 })), 'a leader is not ready')
  t.false(awaitsMachine(leader({ log: '1@1', commit: 1, applied: 1, noop: 1 })))
  t.true(awaitsMachine({ ...follower({ log: '1@1', commit: 1, applied: 0 }), handedIndex: 1, replayTo: 1 }), 'a start is not over')
})

test('a read never hands out more than is committed', t => {
  const player = play(follower({ log: '1-4@1', settings: { logCacheBytes: 0 } }))
  player.turn()
  player.turn(ae('L', '4@1', '', 2))
  t.is(player.turn(readToApply(1, '1-4@1')).committed, '1-2@1')
})

test('applied never falls, and never passes what was handed out', t => {
  const player = play(follower({ log: '1@1 2@1 3@1' }))
  player.turn(ae('L', '3@1', '', 2))
  const seen = [9, 1, 2].map(index => {
    player.turn(applied(index))
    return player.state.appliedIndex
  })
  t.deepEqual(seen, [2, 2, 2])
})

test('batches travel as they are: nothing is repacked between proposal, disk, network and machine', t => {
  const player = play(leader({ others: 'f1{next=1,on}', log: '' }))
  const packed = body(3)
  const { ready } = player.turn({ type: 'proposed', id: 1, body: packed })
  const write = ready.writes[0]!
  const sent = ready.messages[0]!
  const bodies = [write.type === 'append' ? write.batches : [], sent.type === 'appendEntries' ? sent.batches : [], held(player.state.log)]
    .map(([batch]) => batch?.kind === 'command' && batch.body)
  t.true(bodies.every(one => one === packed))
  t.is(showBatches(entries('1-3@1')), '1-3@1')
})
