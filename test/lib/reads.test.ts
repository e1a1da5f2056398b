/** Reads without an entry in the log (dissertation §6.4): what a leader asks for their sake, and which answers count. */
import test from 'ava'
import type { Leader } from '../../lib/state.js'
import { step } from '../../lib/step.js'
import {
  type Fact, NOTHING, type Player, accepted, ae, allPersisted, applied, follower, leader, message, persisted, play, preVote, propose, read, refused, requestVote, tick, vote,
} from './build.js'
import { snapshotAt } from './snapshots.js'

const HEARTBEAT = 100
const THREE = 'f1{next=3,match=2,on,told=2} f2{next=3,match=2,on,told=2}'
/** A leader that is ready, all of whose followers have just answered. */
const ready = (others = THREE, more: Parameters<typeof leader>[0] = {}): Player => play(leader({ others, log: '1@1 2@1', commit: 2, ...more }))
const asLeader = ({ state }: Player): Leader => state as Leader
const question = (...ids: readonly string[]): readonly string[] => ids.map(id => `AE(${id}; T1; 2@1; []; c=2?)`)
/** An answer to the latest question, or to the one before it. */
const answer = (from: string, round?: number): Fact => accepted(from, 2, 2, round === undefined ? {} : { round })

test('a read is asked of all who decide, in the same turn, and readable once a majority has answered', t => {
  const player = ready()
  const asked = player.later(1, read(7))
  t.deepEqual(asked.said, question('f1', 'f2'))
  t.deepEqual(asked.readAnswers, [])
  t.deepEqual(player.later(1, answer('f1')).readAnswers, ['#7 readable at 2'])
  t.deepEqual(player.later(1, answer('f2')).readAnswers, [])
  t.deepEqual(asLeader(player).reads, [])
})

test('the index is that of the moment at which the read was asked, whatever is committed until the answer', t => {
  const player = ready()
  player.turn(propose(1), read(1))
  player.turn(allPersisted)
  const confirmed = player.later(1, accepted('f1', 3))
  t.is(player.state.commitIndex, 3)
  t.deepEqual(confirmed.readAnswers, ['#1 readable at 2'])
  player.later(1, read(2))
  t.deepEqual(player.later(1, accepted('f1', 3)).readAnswers, ['#2 readable at 3'])
})

test('what many reads of one turn take grows with their number, and not with its square', t => {
  const state = leader({ others: THREE, log: '1@1 2@1', commit: 2, settings: { maxPendingReads: 1e5 } })
  const events = Array.from({ length: 1e5 }, (_, id) => ({ type: 'readAsked', id }) as const)
  const started = performance.now()
  const asked = step({ state, ready: NOTHING }, { now: state.now, wall: state.wall, events }).state as Leader
  t.is(asked.reads.length, 1e5)
  t.deepEqual(state.reads, [])
  t.true(performance.now() - started < 3000)
})

test('an answer to an older question confirms nothing, however late it comes', t => {
  const player = ready()
  player.later(HEARTBEAT, tick)
  const before = player.state.round
  player.later(1, read(1))
  t.true(player.state.round > before)
  for (let i = 0; i < 3; i++) for (const id of ['f1', 'f2']) t.deepEqual(player.later(1, answer(id, before)).readAnswers, [], `${i} ${id}`)
  t.deepEqual(player.later(1, answer('f2')).readAnswers, ['#1 readable at 2'])
})

test('an answer to a question of an earlier life of this member, of an earlier term, confirms nothing: it names no round', t => {
  const f1 = play(follower({ id: 'f1', log: '1@1 2@3', term: 3, votedFor: 'L', commit: 2 }))
  const [late] = f1.turn(ae('L', '1@1', '', 0, { term: 1, round: 1_500_000 })).ready.messages
  t.like(late, { type: 'appendRefused', term: 3, round: 0 })
  // L has started anew, its clock with it, and leads the term in which f1 answered; f1 votes for another by now.
  const player = play(leader({ log: '1@1 2@3', term: 3, commit: 2, now: 1000, others: THREE }))
  player.later(300, read(1))
  player.later(250, tick)
  const { readAnswers, noticed } = player.turn({ type: 'received', message: late! })
  t.deepEqual([readAnswers, noticed], [[], []])
})

test('one that is being sent a snapshot, or that waits for one, is asked at once, too', t => {
  for (const snapshot of [snapshotAt('9@1', { bytes: 125 }), undefined]) {
    const player = play(leader({ base: '9@1', log: '10@1', commit: 10, others: 'f1{next=3,on} f2', ...snapshot && { snapshot } }))
    player.later(HEARTBEAT, tick)
    const { said, readAnswers } = player.turn(read(1))
    t.deepEqual([said.length, said[0]?.includes('(f1;'), readAnswers], [1, true, []], `${snapshot?.index}`)
    t.deepEqual(player.later(1, refused('f1', 9)).readAnswers, ['#1 readable at 10'])
  }
})

test('an answer that comes in the turn of the read, before it or behind it, is to an older question', t => {
  for (const facts of [[answer('f1'), answer('f2'), read(1)], [read(1), answer('f1'), answer('f2')]]) {
    const player = ready()
    player.later(HEARTBEAT, tick)
    const { readAnswers, said } = player.later(1, ...facts)
    t.deepEqual(readAnswers, [])
    t.deepEqual(said, question('f1', 'f2'))
  }
})

test('reads of one turn share a round, and those that come while it is on its way share the next one', t => {
  const player = ready()
  t.deepEqual(player.later(1, read(1), read(2)).said, question('f1', 'f2'))
  const first = player.state.round
  t.deepEqual(player.later(1, read(3)).said, [])
  t.deepEqual(player.later(1, read(4)).said, [])
  const confirmed = player.later(1, answer('f1', first))
  t.deepEqual(confirmed.readAnswers, ['#1 readable at 2', '#2 readable at 2'])
  t.deepEqual(confirmed.said, question('f1', 'f2'), 'the next round begins when the one before is over')
  t.deepEqual(player.later(1, answer('f2', first)).readAnswers, [], 'the rest of the first round says nothing to the second')
  t.deepEqual(player.later(1, answer('f2')).readAnswers, ['#3 readable at 2', '#4 readable at 2'])
  t.deepEqual(player.later(1, answer('f1')).said, [])
})

test('a question that is lost is repeated with the next heartbeat, and serves all who came meanwhile', t => {
  const player = ready()
  player.later(1, read(1))
  player.later(1, read(2))
  t.deepEqual(player.later(HEARTBEAT, tick).said, question('f1', 'f2'))
  t.deepEqual(player.later(1, answer('f1')).readAnswers, ['#1 readable at 2', '#2 readable at 2'])
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T1; 2@1; []; c=2)', 'AE(f2; T1; 2@1; []; c=2)'])
})

test('entries that leave for other reasons carry the question, and do not let the reads wait for the disk', t => {
  const player = ready()
  t.deepEqual(player.later(1, propose(1), read(1)).said, ['AE(f1; T1; 2@1; [3@1]; c=2?)', 'AE(f2; T1; 2@1; [3@1]; c=2?)'])
  t.deepEqual(player.later(1, accepted('f1', 3, 2)).readAnswers, ['#1 readable at 2'])
})

test('a question is not put to learners, nor to those who show no life', t => {
  const player = ready('f1{next=3,match=2,on,told=2} f2{next=3,match=2,told=2} f3{next=3,match=2,on,told=2,nv}')
  t.deepEqual(player.later(1, read(1)).said, question('f1'))
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T1; 2@1; []; c=2?)', 'AE(f2; T1; 2@1; []; c=0?)', 'AE(f3; T1; 2@1; []; c=2?)'])
})

test('learners confirm nothing', t => {
  const player = ready('f1{next=3,match=2,on,told=2} f2{next=3,match=2,on,told=2} f3{next=3,match=2,on,told=2,nv} f4{next=3,match=2,on,told=2,nv}')
  player.later(1, read(1))
  t.deepEqual(player.later(1, answer('f3'), answer('f4')).readAnswers, [])
  t.deepEqual(player.later(1, answer('f1')).readAnswers, ['#1 readable at 2'])
})

test('in joint consensus both majorities must have answered', t => {
  const others = ['a', 'b', 'c', 'd'].map(id => `${id}{next=3,match=2,on,told=2}`).join(' ')
  const answers = [['a', 'b'], ['c', 'd'], ['a', 'c']].map(ids => {
    const player = ready(others.replaceAll('next=3', 'next=4'), { log: '1@1 2@1 3@1=L,a,b/L,c,d' })
    t.deepEqual(player.later(1, read(1)).said, ['a', 'b', 'c', 'd'].map(id => `AE(${id}; T1; 3@1; []; c=2?)`))
    return player.later(1, ...ids.map(id => answer(id))).readAnswers
  })
  t.deepEqual(answers, [[], [], ['#1 readable at 2']])
})

test('of five two must have answered, each counted once', t => {
  const five = ['a', 'b', 'c', 'd'].map(id => `${id}{next=3,match=2,on,told=2}`).join(' ')
  const player = ready(five)
  player.later(1, read(1))
  t.deepEqual(player.later(1, answer('a'), answer('a')).readAnswers, [])
  t.deepEqual(player.later(1, answer('a')).readAnswers, [])
  t.deepEqual(player.later(1, answer('b')).readAnswers, ['#1 readable at 2'])
})

test('every answer of the same term counts, also one that refuses entries', t => {
  const player = ready('f1{next=3,match=1,verified=2,on,told=2} f2{next=3,match=2,on,told=2}')
  player.later(1, read(1))
  t.deepEqual(player.later(1, refused('f1', 2, '1@1')).readAnswers, ['#1 readable at 2'])
})

test('who decides alone needs nobody', t => {
  const player = ready('')
  const { said, readAnswers } = player.later(1, read(1), read(2))
  t.deepEqual(said, [])
  t.deepEqual(readAnswers, ['#1 readable at 2', '#2 readable at 2'])
})

test('a leader that has not applied its first entry knows too little: it refuses', t => {
  const player = play(follower({ id: 'L', voters: 'L f1 f2', log: '1@1 2@1', term: 1 }))
  player.later(2000, tick)
  player.turn(preVote('f1', true))
  player.turn(vote('f1', true))
  t.deepEqual(player.later(1, read(1)).readAnswers, ['#1 refused notReady'])
  player.turn(allPersisted)
  player.later(1, accepted('f1', 3))
  t.is(player.state.commitIndex, 3)
  t.deepEqual(player.later(1, read(2)).readAnswers, ['#2 refused notReady'], 'committed, and not yet applied')
  player.turn(applied(3))
  t.deepEqual(player.later(1, read(3)).readAnswers, [])
  t.deepEqual(player.later(1, accepted('f1', 3)).readAnswers, ['#3 readable at 3'])
})

test('followers and candidates refuse at once', t => {
  const player = play(follower({ leader: 'L', log: '1@1' }))
  t.deepEqual(player.turn(read(1)).readAnswers, ['#1 refused notLeader'])
  player.later(2000, tick)
  t.is(player.state.role, 'candidate')
  t.deepEqual(player.turn(read(2)).readAnswers, ['#2 refused notLeader'])
})

test('beyond maxPendingReads a leader is busy', t => {
  const player = ready(THREE, { settings: { maxPendingReads: 2 } })
  t.deepEqual(player.later(1, read(1), read(2), read(3)).readAnswers, ['#3 refused busy'])
  player.later(1, answer('f1'))
  t.deepEqual(player.later(1, read(4)).readAnswers, [])
})

test('a newer term ends what waits: it is refused, and the answers of the old term confirm nothing in a later one', t => {
  const player = ready()
  player.later(1, read(1))
  const old = player.state.round
  t.deepEqual(player.later(1, ae('f2', '2@1', '3@2!', 2, { term: 2 })).readAnswers, ['#1 refused notLeader'])
  player.turn(allPersisted)
  player.later(2000, tick)
  player.turn(preVote('f1', true))
  player.turn(vote('f1', true))
  player.turn(allPersisted)
  player.later(1, accepted('f1', 4))
  player.turn(applied(4))
  t.is(player.state.term, 3)
  t.deepEqual(player.later(1, read(2)).readAnswers, [])
  t.deepEqual(player.later(1, accepted('f1', 2, 2, { term: 1, round: old }), accepted('f2', 2, 2, { term: 1, round: player.state.round })).readAnswers, [])
  t.deepEqual(player.later(1, accepted('f1', 4)).readAnswers, ['#2 readable at 4'])
})

test('who answers with a newer term confirms nothing', t => {
  const player = ready()
  player.later(1, read(1))
  t.deepEqual(player.later(1, refused('f1', 2, '0@0', { term: 2 }), answer('f2')).readAnswers, ['#1 refused notLeader'])
})

test('a leader that was paused takes answers from before its pause for what they are', t => {
  const player = ready()
  player.later(HEARTBEAT, tick)
  const before = player.state.round
  player.later(5000, read(1), answer('f1', before), answer('f2', before))
  t.deepEqual(player.later(0, answer('f1', before)).readAnswers, [])
  t.deepEqual(player.later(1, state => ({ type: 'ticked', due: state.now - 5000 })).readAnswers, ['#1 refused notLeader'], 'nobody has answered for an election timeout')
})

test('an answer to a round that was never asked is a contradiction and confirms nothing', t => {
  const player = ready()
  player.later(1, read(1))
  const { readAnswers, noticed } = player.later(1, answer('f1', player.state.round + 1))
  t.deepEqual([readAnswers, noticed], [[], ['contradiction']])
})

test('a follower answers a question in the same turn, whatever it has yet to write and however lately it has answered', t => {
  const player = play(follower({ leader: 'L', log: '1@1 2@1', verified: 2 }))
  player.turn(ae('L', '2@1', '', 0))
  t.deepEqual(player.later(1, ae('L', '2@1', '3@1', 2)).said, [], 'entries are answered when they are durable')
  t.deepEqual(player.later(1, ae('L', '3@1', '', 2, { asks: true })).said, ['ok(L; T1; 3/2)'])
  t.deepEqual(player.later(1, ae('L', '3@1', '4@1', 2, { asks: true })).said, ['ok(L; T1; 4/2)'])
  t.deepEqual(player.later(1, ae('L', '4@1', '', 3)).said, [], 'a commit that is told is not answered')
  t.deepEqual(player.later(1, ae('L', '4@1', '', 4, { asks: true })).said, ['ok(L; T1; 4/2)'])
  t.deepEqual(player.later(1, persisted(3)).said, ['ok(L; T1; 4/3)'])
})

test('who has voted for another since does not answer a question of the old term', t => {
  const player = play(follower({ voters: 'f1 f2 L', log: '1@1', votedFor: 'L' }))
  player.turn(ae('L', '1@1'))
  player.later(1001, requestVote('f2', 2, '1@1'))
  t.is(player.state.term, 2)
  t.deepEqual(player.turn(message('L', { type: 'appendEntries', term: 1, prevLogIndex: 1, prevLogTerm: 1, batches: [], leaderCommit: 1, asks: true })).said, ['no(L; T2; 1; 0@0)'])
})
