/** Commands on their way into the leader's log. */
import test from 'ava'
import { accepted, allPersisted, applied, body, candidateIn, held, leader, persisted, play, preVote, propose, refused, tick, vote } from './build.js'

/** What an entry of one small command counts for. */
const WEIGHT = 136

test('after one refusal every later proposal of the turn is refused, so that no window has a hole', t => {
  const player = play(leader({ others: 'f1{on}', settings: { maxUncommittedBytes: 2 * WEIGHT } }))
  const { answers } = player.turn(propose(1), propose(2), propose(3), persisted(0), propose(4))
  t.deepEqual(answers, ['#1 appended at 1@1', '#2 appended at 2@1', '#3 refused busy', '#4 refused busy'])
  player.turn(allPersisted)
  t.deepEqual(player.turn(accepted('f1', 2), propose(5)).answers, ['#5 refused busy'])
  t.deepEqual(player.turn(propose(6)).answers, ['#6 appended at 3@1'])
})

test('what others have committed waits for the leader\'s own disk only up to a bound', t => {
  const player = play(leader({ others: 'f1{on} f2{on}', settings: { maxUncommittedBytes: 2 * WEIGHT, logCacheBytes: WEIGHT } }))
  const turns = [1, 2, 3].map(index => {
    const { turn } = player.turn(propose(index))
    player.turn(accepted('f1', index), accepted('f2', index))
    return turn
  })
  t.like(player.state, { commitIndex: 3, uncommittedBytes: 0 })
  t.deepEqual(player.turn(propose(4)).answers, ['#4 refused busy'])
  player.turn(persisted(turns[0]!))
  t.deepEqual(player.turn(propose(5)).answers, ['#5 appended at 4@1'])
})

test('a proposal for the leader of another term is refused: it may come late, behind what was to follow it', t => {
  const player = play(leader({ others: 'f1{on}', term: 7, log: '1@7' }))
  const late = { type: 'proposed', id: 1, body: body(), term: 5 } as const
  t.deepEqual(player.turn(late).answers, ['#1 refused notLeader'])
  t.deepEqual(player.turn({ ...late, id: 2, term: 7 }).answers, ['#2 appended at 2@7'])
})

test('not even a leader that becomes ready between two proposals takes the second', t => {
  const player = play(leader({ others: 'f1{on}', log: '1@1!', noop: 1, commit: 1, applied: 0 }))
  player.turn()
  t.deepEqual(player.turn(propose(1), applied(1), propose(2)).answers, ['#1 refused notReady', '#2 refused notReady'])
  t.deepEqual(player.turn(propose(3)).answers, ['#3 appended at 2@1'])
})

test('a proposal of many commands is one batch, answered as one', t => {
  const player = play(leader({ others: '', log: '1@1', commit: 1 }))
  const { answers, wrote } = player.turn(propose(1, 5), propose(2, 2))
  t.deepEqual([answers, wrote], [['#1 appended at 2@1', '#2 appended at 7@1'], ['append(2-6@1 7-8@1)']])
  t.is(player.turn(allPersisted).committed, '2-6@1 7-8@1')
})

test('what is uncommitted weighs nothing once it is committed, or leadership has passed on and come back', t => {
  const player = play(leader({ others: 'f1{on} f2{on}' }))
  for (let i = 1; i <= 40; i++) player.turn(propose(i, 1 + (i % 3)))
  const weigh = (): number => (player.state.role === 'leader' ? player.state.uncommittedBytes : -1)
  const all = weigh()
  player.turn(allPersisted)
  player.turn(accepted('f1', 20))
  t.true(weigh() > 0 && weigh() < all)
  player.turn(accepted('f1', player.state.log.lastIndex))
  t.is(weigh(), 0)
  player.turn(propose(99))
  player.turn(allPersisted, refused('f2', 1, '0@0', { term: 5 }))
  player.turn(allPersisted)
  player.later(2001, tick)
  player.turn(preVote('f1', true))
  player.turn(vote('f1', true))
  t.is(player.state.role, 'leader')
  t.is(weigh(), 0)
})

test('time never falls from entry to entry, although the wall clock does, and goes on at half the pace until that has caught up', t => {
  const first = leader({ others: '' })
  const ahead = first.wall + 100
  const player = play({ ...first, log: { ...first.log, time: ahead }, stamped: { time: ahead, at: first.now } })
  player.turn(propose(1))
  for (const [i, ms] of [1, 1, 1, 97, 99, 1, 1, 50].entries()) player.later(ms, propose(2 + i))
  const sinceStart = held(player.state.log).map(({ time }) => time - first.wall)
  t.deepEqual(sinceStart, [100, 100, 101, 101, 150, 199, 200, 201, 251], 'a step at a time adds up, and from 200 ms on the wall clock counts')
})

test('a new leader goes on from the latest time in its log', t => {
  const { state } = candidateIn(3)
  const player = play({ ...state, log: { ...state.log, time: 9e12 } })
  player.turn(vote('b', true), vote('c', true))
  t.is(player.state.role, 'leader')
  player.turn(allPersisted)
  player.turn(accepted('b', 1), accepted('c', 1))
  player.turn(applied(1))
  player.later(1000, propose(1))
  t.deepEqual(held(player.state.log).map(({ time }) => time), [9e12, 9e12 + 500])
})

test('a clock that goes back stands still', t => {
  const player = play(leader({ others: 'f1{on}', log: '1@1' }))
  player.later(50)
  player.later(-500, tick)
  t.is(player.state.now, 10_050)
})
