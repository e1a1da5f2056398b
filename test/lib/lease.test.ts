/** Reads on the word of those who promised to help elect nobody else (dissertation §6.4.1). */
import test from 'ava'
import {
  type Fact, type Player, accepted, ae, allPersisted, applied, follower, gone, leader, message, play, read, requestPreVote, requestVote, tick,
} from './build.js'

const LEASE = 500
/** What a leader relies on of it. */
const TRUSTED = 400
const HEARTBEAT = 100
const settings = { readLeaseMs: LEASE }
const THREE = 'f1{next=3,match=2,on,told=2} f2{next=3,match=2,on,told=2}'
const promised = (from: string, said: Parameters<typeof accepted>[3] = {}): Fact => accepted(from, 2, 2, { promisedMs: LEASE, ...said })
/** A leader that is ready, and asked its followers a moment ago. */
const leading = (others = THREE, more: Parameters<typeof leader>[0] = {}): Player => {
  const player = play(leader({ others, log: '1@1 2@1', commit: 2, settings, ...more }))
  player.later(HEARTBEAT, tick)
  return player
}
const following = (more: Parameters<typeof follower>[0] = {}): Player => play(follower({ id: 'f1', voters: 'f1 L f2', log: '1@1 2@1', commit: 2, settings, ...more }))
/** Long enough after its start that nothing is left of what it may have promised before. */
const settled = (): Player => {
  const player = following()
  player.later(LEASE)
  return player
}

test('a follower promises with each answer, and only where it was told to', t => {
  const answerOf = (player: Player) => player.turn(ae('L', '2@1', '', 2, { asks: true })).ready.messages
  t.like(answerOf(following())[0], { type: 'appendAccepted', promisedMs: LEASE })
  t.like(answerOf(following({ settings: {} }))[0], { type: 'appendAccepted', promisedMs: 0, isNewcomer: false })
})

test('a leader reads at once while a majority has promised, and asks nobody', t => {
  const player = leading()
  player.later(1, promised('f1'))
  const { said, readAnswers } = player.later(1, read(1), read(2))
  t.deepEqual([said, readAnswers], [[], ['#1 readable at 2', '#2 readable at 2']])
})

test('it counts from when it asked, relies on four fifths, and asks again afterwards', t => {
  const player = leading()
  player.later(100, promised('f1'))
  t.deepEqual(player.later(TRUSTED - 101, read(1)).readAnswers, ['#1 readable at 2'])
  const late = player.later(1, read(2))
  t.deepEqual([late.said.length, late.readAnswers], [2, []])
  t.deepEqual(player.later(1, promised('f2')).readAnswers, ['#2 readable at 2'])
})

test('an answer that promises nothing is worth no more than it was', t => {
  const player = leading()
  player.later(1, accepted('f1', 2), accepted('f2', 2))
  t.is(player.later(1, read(1)).said.length, 2)
})

test('a leader that was not told to does not rely on what others promise', t => {
  const player = leading(THREE, { settings: {} })
  player.later(1, promised('f1'), promised('f2'))
  t.is(player.later(1, read(1)).said.length, 2)
})

test('a late answer to an old question does not shorten what a later one has promised', t => {
  const player = leading()
  const { round } = player.state
  player.later(HEARTBEAT, tick)
  player.later(1, promised('f1'))
  player.later(1, promised('f1', { round }))
  t.deepEqual(player.later(TRUSTED - 3, read(1)).readAnswers, ['#1 readable at 2'])
})

test('learners promise in vain, and in joint consensus both majorities must have promised', t => {
  const learners = leading(`${THREE} n1{nv,next=3,match=2,on,told=2} n2{nv,next=3,match=2,on,told=2}`)
  learners.later(1, promised('n1'), promised('n2'))
  t.deepEqual(learners.later(1, read(1)).readAnswers, [])
  const four = ['a', 'b', 'c', 'd'].map(id => `${id}{next=4,match=2,on,told=2}`).join(' ')
  const answers = [['a', 'b'], ['c', 'd'], ['a', 'c']].map(ids => {
    const player = leading(four, { log: '1@1 2@1 3@1=L,a,b/L,c,d' })
    player.later(1, ...ids.map(id => promised(id)))
    return player.later(1, read(1)).readAnswers
  })
  t.deepEqual(answers, [[], [], ['#1 readable at 2']])
})

test('one that has told somebody to stand relies on no promise any more, also when the transfer is given up', t => {
  const player = leading()
  player.later(1, promised('f1'), promised('f2'))
  t.true(player.turn(({ term }) => ({ type: 'transferAsked', term, to: 'f1' })).said.includes('TN(f1; T1; 2)'))
  t.is(player.later(1, read(1)).said.length, 2)
  for (let i = 0; i < 11; i++) player.later(HEARTBEAT, tick, promised('f1'), promised('f2'))
  t.like(player.state, { role: 'leader', transfer: undefined })
  t.is(player.later(1, read(2)).said.length, 2)
})

test('a transfer for which nobody was told to stand yet changes nothing', t => {
  const player = leading('f1{next=3,match=1,verified=2,on,told=2} f2{next=3,match=1,verified=2,on,told=2}')
  player.later(1, accepted('f1', 2, 1, { promisedMs: LEASE }))
  t.deepEqual(player.turn(({ term }) => ({ type: 'transferAsked', term, to: 'f1' }), read(1)).readAnswers, ['#1 readable at 2'])
})

test('a leader that has not applied its first entry reads nothing yet', t => {
  const player = play(leader({ others: THREE, log: '1@1 2@1', commit: 1, noop: 2, settings }))
  player.later(HEARTBEAT, tick)
  t.deepEqual(player.later(1, promised('f1'), read(1)).readAnswers, ['#1 refused notReady'])
  player.later(1, allPersisted, applied(2))
  t.deepEqual(player.later(1, read(2)).readAnswers, ['#2 readable at 2'])
})

test('whoever has promised grants nothing, neither in advance nor in a newer term, and takes no newer term from who asks', t => {
  const player = settled()
  player.turn(ae('L', '2@1', '', 2))
  t.deepEqual(player.later(LEASE - 1, requestPreVote('f2', 1, '2@1')).said, ['pre-RVR(f2; T1; no)'])
  t.deepEqual(player.turn(requestVote('f2', 2, '2@1')).said, ['RVR(f2; T1; no)'])
  t.like(player.state, { term: 1, role: 'follower' })
})

test('whoever has promised keeps it, also when it hears that the leader is gone', t => {
  const player = settled()
  player.turn(ae('L', '2@1', '', 2))
  t.deepEqual(player.later(10, gone('L')).said, [])
  t.deepEqual(player.turn(requestVote('f2', 2, '2@1')).said, ['RVR(f2; T1; no)'])
  const { electionDeadline, promisedUntil } = player.state
  t.true(electionDeadline > promisedUntil && electionDeadline <= promisedUntil + 2 * HEARTBEAT, `${electionDeadline} after ${promisedUntil}`)
  t.true(player.later(electionDeadline - player.state.now, tick).said.every(one => one.startsWith('pre-RV(')))
})

test('the leader may ask for an election: its own word ends the promise', t => {
  const player = settled()
  player.turn(ae('L', '2@1', '', 2))
  const wished = message('f2', { type: 'requestVote', preVote: false, transfer: true, term: 2, lastLogIndex: 2, lastLogTerm: 1, round: 7 })
  t.deepEqual(player.later(1, wished, allPersisted).said, ['RVR(f2; T2; yes)'])
})

test('whoever starts may have promised before: it is bound for as long as that may last', t => {
  const player = following()
  t.deepEqual(player.later(LEASE - 1, requestPreVote('f2', 1, '2@1')).said, ['pre-RVR(f2; T1; no)'])
  t.deepEqual(player.later(1, requestPreVote('f2', 1, '2@1')).said, ['pre-RVR(f2; T1; yes)'])
  t.deepEqual(following({ settings: {} }).turn(requestPreVote('f2', 1, '2@1')).said, ['pre-RVR(f2; T1; yes)'])
})

test('whoever starts and decides alone is bound as well: it may have decided with others before', t => {
  const alone = (lease: number): Player => play(follower({ id: 'f1', voters: 'f1', log: '1@1 2@1=f1', settings: { readLeaseMs: lease } }))
  const player = alone(LEASE)
  player.later(LEASE - 1, tick)
  t.like(player.state, { role: 'follower', term: 1 })
  player.later(1, tick)
  t.like(player.state, { role: 'leader', term: 2 })
  const free = alone(0)
  free.turn(tick)
  t.is(free.state.role, 'leader')
})
