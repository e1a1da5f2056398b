/** Handing the leadership over (dissertation §3.10). */
import test from 'ava'
import type { Message } from '../../lib/messages.js'
import { type Fact, accepted, allPersisted, follower, leader, message, play, propose, requestVote, tick } from './build.js'

const ask = (to?: string): Fact => ({ term }) => ({ type: 'transferAsked', term, to })
const transferOf = (state: object): unknown => (state as { readonly transfer?: unknown }).transfer

/** A leader whose log ends at 3, all of it committed: f1 has it all, f2 lacks the last entry. */
const leading = (others = 'f1{next=4,match=3,told=3,on} f2{next=4,match=2,told=3,on} n1{nv,next=4,match=3,told=3,on}') =>
  play(leader({ others, log: '1-3@1', commit: 3 }))

test('X02 whoever has the whole log is told to stand at once', t => {
  const player = leading()
  t.deepEqual(player.turn(ask()).said, ['TN(f1; T1; 3)'])
  t.deepEqual(player.turn().said, [], 'once')
  t.true(player.later(100, tick, accepted('f2', 2)).said.includes('TN(f1; T1; 3)'), 'and again with each heartbeat')
})

test('one that is told and does not stand is no obstacle: with each heartbeat the next is told that is ready', t => {
  const player = leading('f1{next=4,match=3,told=3,on} f2{next=4,match=3,told=3,on} f3{next=4,match=2,told=3,on}')
  const told = (said: readonly string[]): readonly string[] => said.filter(one => one.startsWith('TN'))
  t.deepEqual(told(player.turn(ask()).said), ['TN(f1; T1; 3)'])
  t.deepEqual(told(player.later(100, tick).said), ['TN(f2; T1; 3)'])
  t.deepEqual(told(player.turn(accepted('f3', 3)).said), [], 'not sooner')
  t.deepEqual(told(player.later(100, tick).said), ['TN(f3; T1; 3)'])
  t.deepEqual(told(player.later(100, tick).said), ['TN(f1; T1; 3)'], 'and the first again')
})

test('a wish that was meant for an earlier leadership is none for this one', t => {
  const player = leading()
  t.deepEqual(player.turn({ type: 'transferAsked', term: 0, to: undefined }).said, [])
  t.is(transferOf(player.state), undefined)
})

test('X02 an empty log is no obstacle', t => {
  const player = play(leader({ others: 'f1{next=1,on} f2{next=1,on}' }))
  t.deepEqual(player.turn(ask()).said, ['TN(f1; T1; 0)'])
})

test('X06 only the one that is named is told, once it has all; X05 a learner never is', t => {
  const player = leading()
  t.deepEqual(player.turn(ask('f2')).said, [])
  t.deepEqual(player.turn(accepted('f2', 3)).said, ['TN(f2; T1; 3)'])
  const learner = leading()
  t.deepEqual(learner.turn(ask('n1')).said, [])
  t.is(transferOf(learner.state), undefined)
  for (const stranger of ['L', 'zz']) t.is((learner.turn(ask(stranger)), transferOf(learner.state)), undefined)
})

test('meanwhile no proposal is taken, and what was taken before is committed first', t => {
  const player = leading()
  player.turn(propose(1))
  const { said } = player.turn(ask())
  t.deepEqual(said.filter(one => one.startsWith('TN')), [])
  t.deepEqual(player.turn(propose(2)).answers, ['#2 refused notReady'])
  t.deepEqual(player.turn(allPersisted).said.filter(one => one.startsWith('TN')), [], 'not committed yet')
  t.true(player.turn(accepted('f1', 4)).said.includes('TN(f1; T1; 4)'))
})

test('X04 what takes an election timeout is given up, and proposals go on', t => {
  const player = leading('f1{next=4,match=2,told=3,on} f2{next=4,match=2,told=3,on}')
  t.deepEqual(player.turn(ask()).said, [])
  player.later(500, accepted('f1', 2), accepted('f2', 2))
  player.later(499, tick)
  t.not(transferOf(player.state), undefined)
  player.later(1, tick)
  t.is(transferOf(player.state), undefined)
  t.deepEqual(player.turn(propose(1)).answers, ['#1 appended at 4@1'])
})

test('one that is silent is not told, and a second wish while one is under way changes nothing', t => {
  const player = leading('f1{next=4,match=3,told=3} f2{next=4,match=3,told=3,on}')
  t.deepEqual(player.turn(ask()).said, ['TN(f2; T1; 3)'])
  const before = transferOf(player.state)
  player.turn(ask('f1'))
  t.deepEqual(transferOf(player.state), before)
})

for (const [why, others, to] of [
  ['all are', 'f1{next=4,match=3} f2{next=4,match=3} n1{nv,next=4,match=3,on}', undefined],
  ['the one that is named is', 'f1{next=4,match=3,on} f2{next=4,match=3}', 'f2'],
] as const) {
  test(`silent for an election timeout, as ${why}: the wish is no more than that, and proposals go on`, t => {
    const player = leading(others)
    t.deepEqual(player.turn(ask(to)).said.filter(one => one.startsWith('TN')), [])
    t.is(transferOf(player.state), undefined)
    t.deepEqual(player.turn(propose(1)).answers, ['#1 appended at 4@1'])
  })
}

test('an heir counts as there until it has been silent for more than an election timeout', t => {
  for (const [silentMs, isThere] of [[1000, true], [1001, false]] as const) {
    const player = leading('f1{next=4,match=2,told=3,on} f2{next=4,match=3,told=3,on}')
    player.later(silentMs, accepted('f2', 3), ask('f1'))
    t.is(transferOf(player.state) !== undefined, isThere, `${silentMs}`)
  }
})

test('a leadership that has ended hands nothing over, and the next one begins without a transfer', t => {
  const player = leading()
  player.turn(ask('f2'))
  player.turn(message('f1', { type: 'appendEntries', term: 2, prevLogIndex: 0, prevLogTerm: 0, batches: [], leaderCommit: 0, asks: false }))
  t.is(player.state.role, 'follower')
  t.is(transferOf(player.state), undefined)
  t.deepEqual(player.turn(ask()).said, [], 'a follower has nothing to hand over')
})

/** The leader's word that this member is to stand. */
const stand = (lastIndex: number, from = 'L', said: Partial<Message> = {}): Fact => message(from, { type: 'timeoutNow', lastIndex, ...said } as Partial<Message> & { readonly type: 'timeoutNow' })

test('the heir stands in a new term without asking whether it could win, and says by whose wish', t => {
  const player = play(follower({ voters: 'f1 L f2', log: '1-3@1', leader: 'L' }))
  const { said, wrote } = player.turn(stand(3))
  t.deepEqual(said, ['by-wish-RV(L; T2; 3@1)', 'by-wish-RV(f2; T2; 3@1)'])
  t.deepEqual(wrote, ['hardState(T2 f1 c=0)'])
  t.is(player.state.role, 'candidate')
})

for (const [why, player, wish] of [
  ['whose log is shorter', play(follower({ voters: 'f1 L f2', log: '1-2@1', leader: 'L' })), stand(3)],
  ['whose log has grown since', play(follower({ voters: 'f1 L f2', log: '1-4@1', leader: 'L' })), stand(3)],
  ['whose log has grown since, though not on its disk yet', play(follower({ voters: 'f1 L f2', log: '1-4@1', durable: 3, leader: 'L' })), stand(3)],
  ['whose log is not on its disk', play(follower({ voters: 'f1 L f2', log: '1-3@1', durable: 2, leader: 'L' })), stand(3)],
  ['that does not vote', play(follower({ voters: 'L f2', learners: 'f1', log: '1-3@1', leader: 'L' })), stand(3)],
  ['whose machine is behind what it started with', play(follower({ voters: 'f1 L f2', log: '1-3@1', commit: 3, applied: 1, leader: 'L' })), stand(3)],
  ['that follows another', play(follower({ voters: 'f1 L f2', log: '1-3@1', leader: 'f2' })), stand(3)],
  ['that knows no leader', play(follower({ voters: 'f1 L f2', log: '1-3@1' })), stand(3)],
  ['of a later term', play(follower({ voters: 'f1 L f2', log: '1-3@1', term: 2, leader: 'L' })), stand(3, 'L', { term: 1 })],
] as const) {
  test(`a follower ${why} does not stand`, t => {
    t.deepEqual(player.turn(wish).said, [])
    t.is(player.state.role, 'follower')
  })
}

test('who has just heard the leader votes for the heir all the same, and for nobody else', t => {
  const voter = () => play(follower({ id: 'f2', voters: 'f1 L f2', log: '1-3@1', leader: 'L' }))
  t.deepEqual(voter().turn(requestVote('f1', 2, '3@1')).said, ['RVR(f1; T1; no)'])
  const wish = message('f1', { type: 'requestVote', preVote: false, transfer: true, term: 2, lastLogIndex: 3, lastLogTerm: 1, round: 7 })
  t.deepEqual(voter().turn(wish).said, ['RVR(f1; T2; yes)'])
  const old = leading()
  t.deepEqual(old.turn(wish).said, ['RVR(f1; T2; yes)'], 'and so does the leader itself')
  t.is(old.state.role, 'follower')
})

test('a log that lacks something gets no vote, whoever wishes it', t => {
  const wish = message('f1', { type: 'requestVote', preVote: false, transfer: true, term: 2, lastLogIndex: 2, lastLogTerm: 1, round: 7 })
  t.deepEqual(play(follower({ id: 'f2', voters: 'f1 L f2', log: '1-3@1', leader: 'L' })).turn(wish).said, ['RVR(f1; T2; no)'])
})
