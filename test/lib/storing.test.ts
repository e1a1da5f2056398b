/** What the disk has confirmed, and what no longer counts. */
import test from 'ava'
import { accepted, ae, allPersisted, body, follower, leader, persisted, play, propose, showLog, tick } from './build.js'

test('a write counts when it is named as done, with all before it', t => {
  const player = play(leader({ others: '' }))
  const turns = [1, 2, 3].map(id => player.turn(propose(id)).turn)
  t.is(player.state.persistedIndex, 0)
  player.turn(persisted(turns[1]!))
  t.deepEqual([player.state.persistedIndex, player.state.pendingWrites.length], [2, 1])
  player.turn(persisted(turns[0]!))
  t.is(player.state.persistedIndex, 2)
  player.turn(persisted(turns[2]!))
  t.deepEqual([player.state.persistedIndex, player.state.pendingWrites.length], [3, 0])
})

test('a leader leads on however long its writes wait for a disk that makes one after another durable', t => {
  const player = play(leader({ others: 'f1{on} f2{on}', log: '1@1' }))
  const answers = [accepted('f1', 1), accepted('f2', 1)]
  const turns = [1, 2, 3].map(id => player.turn(propose(id)).turn)
  player.later(700, persisted(turns[0]!), ...answers, tick)
  player.later(700, persisted(turns[1]!), ...answers, tick)
  t.deepEqual(player.later(700, ...answers, tick).noticed, [])
  t.is(player.state.role, 'leader')
  t.deepEqual(player.later(301, ...answers, tick).noticed, ['slowDisk'])
})

test('an old write that completes does not vouch for entries that replaced its own', t => {
  const player = play(follower({ voters: 'f1 L M', log: '1@1' }))
  const first = player.turn(ae('L', '1@1', '2@1 3@1 4@1')).turn
  const second = player.turn(ae('M', '2@1', '3@2 4@2', 0, { term: 2 })).turn
  const { said } = player.turn(persisted(first))
  t.deepEqual([player.state.persistedIndex, said], [2, ['ok(M; T2; 4/2)']])
  t.deepEqual(player.turn(persisted(second)).said, ['ok(M; T2; 4/4)'])
})

test('entries that came back with the same index and term are durable only by their own write', t => {
  const player = play(follower({ voters: 'f1 L M' }))
  const first = player.turn(ae('L', '0@0', '1@1 2@1')).turn
  const second = player.turn(ae('M', '0@0', '1@2', 0, { term: 2 })).turn
  const third = player.turn(ae('L', '0@0', '1@1 2@1 3@3', 0, { term: 3 })).turn
  const durable = [first, second, third].map(turn => {
    player.turn(persisted(turn))
    return player.state.persistedIndex
  })
  t.deepEqual(durable, [0, 0, 3])
})

test('what is on the disk and cut is no longer durable', t => {
  const player = play(follower({ voters: 'f1 L', log: '1@1 2@1 3@1' }))
  t.deepEqual(player.turn(ae('L', '1@1', '2@2', 0, { term: 2 })).said, ['ok(L; T2; 2/1)'])
  t.is(player.state.persistedIndex, 1)
})

test('two appends of one turn are one write, from the lowest index on', t => {
  const player = play(follower({ voters: 'f1 L M', log: '1@1' }))
  const { wrote } = player.turn(ae('L', '1@1', '2@1 3@1 4@1'), ae('M', '2@1', '3@2', 0, { term: 2 }))
  t.deepEqual(wrote, ['hardState(T2 - c=0)', 'append(2@1 3@2)'])
  t.is(showLog(player.state), '1@1 2@1 3@2')
})

test('the memory keeps what is not yet on the disk, whatever its bound', t => {
  const player = play(leader({ others: '', settings: { logCacheBytes: 0 } }))
  player.turn({ type: 'proposed', id: 1, body: body(1) }, propose(2))
  t.is(showLog(player.state), '1@1 2@1')
  player.turn(allPersisted)
  t.is(showLog(player.state), '')
})
