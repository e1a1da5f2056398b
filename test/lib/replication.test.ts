/** What a leader sends to whom, and what it makes of the answers. */
import test from 'ava'
import { isActive } from '../../lib/contact.js'
import type { Leader } from '../../lib/state.js'
import { accepted, allPersisted, follower, leader, play, progressOf, propose, readToReplicate, refused, showLog, showProgress, tick } from './build.js'

/** What an entry of one small command counts for. */
const WEIGHT = 136

test('entries are pipelined behind a verified follower, up to the window of messages', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1}', log: '1@1', commit: 1, settings: { maxInflightMessages: 3 } }))
  const said = [1, 2, 3, 4, 5].flatMap(id => [...player.turn(propose(id)).said])
  t.deepEqual(said, ['AE(f1; T1; 1@1; [2@1]; c=1)', 'AE(f1; T1; 2@1; [3@1]; c=1)', 'AE(f1; T1; 3@1; [4@1]; c=1)'])
  t.is(showProgress(player.state, 'f1'), 'replicate next=5 match=1')
  t.deepEqual(player.turn(accepted('f1', 4, 1)).said, [], 'what is not on its disk waits in its memory')
  t.deepEqual(player.turn(accepted('f1', 4, 3)).said, ['AE(f1; T1; 4@1; [5@1 6@1]; c=1)'])
  t.deepEqual(progressOf(player.state, 'f1').inflight.map(({ lastIndex }) => lastIndex), [4, 6])
})

test('the window of bytes closes too, and what is durable opens it', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1}', log: '1@1', commit: 1, settings: { maxInflightBytes: WEIGHT } }))
  t.is(player.turn(propose(1)).said.length, 1)
  t.is(player.turn(propose(2)).said.length, 0)
  t.is(player.turn(accepted('f1', 2, 2)).said.length, 1)
  t.is(progressOf(player.state, 'f1').inflightBytes, WEIGHT)
  player.turn(accepted('f1', 3, 3))
  t.is(progressOf(player.state, 'f1').inflightBytes, 0)
})

test('a probe is one message at a time; an answer opens the pipeline', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@1 3@1', settings: { maxAppendBytes: 1 } }))
  t.deepEqual(player.turn().said, ['AE(f1; T1; 1@1; [2@1]; c=0)'])
  t.deepEqual(player.turn(propose(1)).said, [])
  t.deepEqual(player.turn(accepted('f1', 2, 0)).said, ['AE(f1; T1; 2@1; [3@1]; c=0)', 'AE(f1; T1; 3@1; [4@1]; c=0)'])
})

test('many answers in one turn cost one message', t => {
  const player = play(leader({ others: 'f1{next=9,on} f2{next=9,on}', log: '1@1 2@1 3@1 4@1 5@1 6@1 7@1 8@1' }))
  const { said } = player.turn(...[1, 2, 3, 4, 5, 6, 7, 8].map(index => accepted('f1', index)))
  t.deepEqual(said, ['AE(f1; T1; 8@1; []; c=8)', 'AE(f2; T1; 8@1; []; c=8)'])
})

test('a commit is told at once where nothing is in flight, and rides with what is sent next where something is', t => {
  const player = play(leader({ others: 'f1{on,next=4,match=3,told=3} f2{on,next=4,match=3,told=3}', log: '1-3@1', commit: 3 }))
  player.turn(propose(1))
  player.turn(propose(2))
  t.deepEqual(player.turn(accepted('f1', 4)).said, [], 'f1 has an answer to give, f2 two')
  t.deepEqual(player.turn(accepted('f2', 4)).said, [])
  player.turn(allPersisted)
  t.is(player.state.commitIndex, 4)
  t.deepEqual(player.turn(propose(3)).said, ['AE(f1; T1; 5@1; [6@1]; c=4)', 'AE(f2; T1; 5@1; [6@1]; c=4)'])
  t.deepEqual(player.turn(accepted('f1', 6)).said, ['AE(f1; T1; 6@1; []; c=5)'], 'f1 has answered all')
  t.deepEqual(player.later(100, tick).said.filter(said => said.includes('f2')), ['AE(f2; T1; 6@1; []; c=5)'], 'a heartbeat tells it anyway')
})

test('every refusal lowers nextIndex, whatever its hint; a late one lowers nothing', t => {
  const log = Array.from({ length: 20 }, (_, i) => `${i + 1}@1`).join(' ')
  const player = play(leader({ others: 'f1{next=21,on,probe}', log }))
  let next = 21
  for (let turns = 0; next > 1 && turns < 30; turns++) {
    player.turn(refused('f1', next - 1, `${next - 1}@1`))
    const { nextIndex } = progressOf(player.state, 'f1')
    t.true(nextIndex < next)
    next = nextIndex
  }
  player.turn(accepted('f1', 5, 5))
  const before = showProgress(player.state, 'f1')
  player.turn(refused('f1', 3, '0@0'), refused('f1', 5, '1@1'))
  t.is(showProgress(player.state, 'f1'), before)
})

test('a refusal that is not of the outstanding probe, or of nothing that was sent, changes nothing', t => {
  const log = '1-20@1'
  for (const [others, expected] of [['f1{next=3,on,probe}', 'probe next=3 match=0'], ['f1{next=5,match=4,on}', 'replicate next=5 match=4']] as const) {
    const player = play(leader({ others, log, settings: { maxInflightMessages: 0 } }))
    player.turn(refused('f1', 9, '8@1'), refused('f1', 5, '1@1'), refused('f1', 1, '0@0'))
    t.is(showProgress(player.state, 'f1'), expected)
  }
})

test('an older answer lowers nothing', t => {
  const player = play(leader({ others: 'f1{on,next=5} f2', log: '1-4@1' }))
  player.turn(accepted('f1', 4, 3))
  player.turn(accepted('f1', 2, 1))
  t.like(progressOf(player.state, 'f1'), { matchIndex: 3, verifiedIndex: 4, nextIndex: 5 })
})

test('a refusal empties the window: what was on its way is lost or will be refused', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1} f2', log: '1@1', commit: 1, settings: { maxInflightMessages: 2 } }))
  for (const id of [1, 2, 3]) player.turn(propose(id))
  t.is(progressOf(player.state, 'f1').inflight.length, 2)
  t.deepEqual(player.turn(refused('f1', 3, '1@1')).said, ['AE(f1; T1; 1@1; [2@1 3@1 4@1]; c=1)'])
  t.like(progressOf(player.state, 'f1'), { mode: 'probe', inflightBytes: 0, inflight: [] })
})

test('long divergent tails cost a round trip per term, not per entry', t => {
  const player = play(leader({ others: 'f1{next=201,on,probe}', log: '1-100@1 101-200@9', term: 9 }))
  const there = play(follower({ voters: 'L f1', log: '1-100@1 101-150@3 151-250@4', term: 9 }))
  let turns = 0
  for (; progressOf(player.state, 'f1').mode === 'probe' && turns < 10; turns++) {
    const asked = player.turn().ready.messages.concat(player.later(100, tick).ready.messages).at(0)!
    for (const message of there.turn({ type: 'received', message: asked }).ready.messages) player.turn({ type: 'received', message })
  }
  t.true(turns <= 3)
})

test('what is verified but not durable may be lost in a crash: the leader goes back, to what is durable and no further', t => {
  const player = play(leader({ others: 'f1{next=9,match=2,verified=8,on}', log: '1-8@1' }))
  player.turn(refused('f1', 8, '4@1'))
  t.is(showProgress(player.state, 'f1'), 'probe next=5 match=2')
  t.is(progressOf(player.state, 'f1').verifiedIndex, 4)
  player.turn(refused('f1', 4, '0@0'))
  t.is(showProgress(player.state, 'f1'), 'probe next=3 match=2')
  t.deepEqual(player.turn(refused('f1', 2, '0@0')).said, [])
  t.is(showProgress(player.state, 'f1'), 'probe next=3 match=2')
})

test('a follower is active by the date of the question, not of the answer', t => {
  const player = play(leader({ others: 'f1 f2{on}', log: '1@1' }))
  const { ready } = player.later(100, tick)
  const { round } = ready.messages[0]!
  player.later(900, accepted('f1', 1, 1, { round }))
  t.is(progressOf(player.state, 'f1').contact, 10_100)
  const isActiveAt = (now: number): boolean => isActive({ ...player.state as Leader, now }, progressOf(player.state, 'f1'))
  t.deepEqual([isActiveAt(11_100), isActiveAt(11_101)], [true, false])
})

test('an older answer never makes contact older', t => {
  const player = play(leader({ others: 'f1', log: '1@1' }))
  player.later(100, tick)
  player.turn(accepted('f1', 1, 1), accepted('f1', 1, 1, { round: 10_000_000 }))
  t.is(progressOf(player.state, 'f1').contact, 10_100)
})

test('entries below the memory are read from the disk, once, and sent when they come', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@1 3@1 4@1', commit: 4, settings: { logCacheBytes: WEIGHT } }))
  player.turn()
  t.is(showLog(player.state), '4@1')
  t.deepEqual(player.turn(refused('f1', 1, '0@0')).reads, ['f1: 1-4'])
  t.deepEqual(player.turn().reads, [])
  t.deepEqual(player.turn(readToReplicate('f1', 1, '1@1 2@1')).said, ['AE(f1; T1; 0@0; [1@1 2@1]; c=4)'])
})

/** A leader that has asked its disk for 3 and 4, both of term 2, on behalf of f1. */
const lagging = () => {
  const player = play(leader({ others: 'f1{next=5,on,probe}', log: '1@1 2@1 3@2 4@2', settings: { logCacheBytes: 0 } }))
  player.turn()
  player.turn(refused('f1', 4, '2@1'))
  return player
}

const stale: readonly (readonly [string, Parameters<typeof readToReplicate>])[] = [
  ['that nobody asked for', ['f1', 1, '1@1 2@1']],
  ['for a stranger', ['x', 3, '3@2 4@2']],
  ['of a time when the log was another', ['f1', 3, '3@1 4@1']],
]
for (const [what, [to, from, batches]] of stale) {
  test(`entries read ${what} are not sent`, t => {
    const player = lagging()
    const { said } = player.turn(readToReplicate(to, from, batches))
    t.deepEqual(said, [])
    t.true(player.later(100, tick).said.every(text => text.includes('[]')))
  })
}

test('entries read before the leader had to go back are not sent', t => {
  const player = lagging()
  player.turn(refused('f1', 2, '0@0'))
  const late = player.turn(readToReplicate('f1', 3, '3@2 4@2'))
  t.deepEqual([late.said, late.reads], [[], []])
  t.deepEqual(player.turn(readToReplicate('f1', 1, '1@1 2@1')).said, ['AE(f1; T2; 0@0; [1@1 2@1]; c=0)'])
})

test('entries read for a leader that has stepped down are not sent', t => {
  const player = lagging()
  t.deepEqual(player.turn(refused('f1', 1, '0@0', { term: 9 }), readToReplicate('f1', 3, '3@2 4@2')).said, [])
})
