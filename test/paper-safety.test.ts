/**
 * The paper's sentences, continued: safety (§5.4) to the dissertation's additions, marked D. Every test has three parts: what is
 * given, what happens, what follows.
 */
import test from 'ava'
import { termAt } from '../lib/log.js'
import { isReady } from '../lib/status.js'
import {
  accepted, ae, allPersisted, applied, candidateIn, follower, leader, persisted, play, preVote, propose, requestPreVote, requestVote,
  showLog, tick, vote,
} from './lib/build.js'
import { elected } from './lib/cluster.js'

const LONG_SILENCE = 2001

const figure7: readonly (readonly [string, string])[] = [
  ['a', '1@1 2@1 3@1 4@4 5@4 6@5 7@5 8@6 9@6'],
  ['b', '1@1 2@1 3@1 4@4'],
  ['c', '1@1 2@1 3@1 4@4 5@4 6@5 7@5 8@6 9@6 10@6 11@6'],
  ['d', '1@1 2@1 3@1 4@4 5@4 6@5 7@5 8@6 9@6 10@6 11@7 12@7'],
  ['e', '1@1 2@1 3@1 4@4 5@4 6@4 7@4'],
  ['f', '1@1 2@1 3@1 4@2 5@2 6@2 7@3 8@3 9@3 10@3 11@3'],
]
const LEADER_OF_8 = '1@1 2@1 3@1 4@4 5@4 6@5 7@5 8@6 9@6 10@6'
for (const [name, log] of figure7) {
  test(`Figure 7 (${name}): whatever a follower lacks or has too much, it ends with the leader's log`, t => {
    const first = play(follower({ id: 'L', voters: 'L x y', log: LEADER_OF_8, term: 7 }))
    first.later(LONG_SILENCE, tick)
    first.turn(preVote('y', true))
    const won = first.turn(vote('y', true))
    const other = play(follower({ id: 'x', voters: 'L x y', log, term: 7 }))

    let mail = [...won.ready.messages]
    for (let i = 0; mail.length > 0 && i < 100; i++) {
      const { to } = mail[0]!
      const next = mail.shift()!
      if (to === 'y') continue
      mail.push(...(to === 'x' ? other : first).turn({ type: 'received', message: next }).ready.messages)
      mail.push(...(to === 'x' ? other : first).turn(allPersisted).ready.messages)
    }

    t.is(showLog(other.state), `${LEADER_OF_8} 11@8!`)
    t.is(first.state.commitIndex, 11)
  })
}

test('§5.4.1 a candidate wins only with a log that holds all committed entries: the voter compares', t => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['1@1', '1@1', 'yes'], ['1@1', '2@1', 'yes'], ['1@1 2@1', '1@1', 'no'], ['1@1', '1@2', 'yes'], ['1@1 2@1', '1@2', 'yes'], ['1@2', '1@1', 'no'],
    ['1@1 2@2', '9@1', 'no'],
  ]

  const said = rows.map(([log, last]) => play(follower({ log, term: 2 })).turn(requestVote('L', 3, last)).said[0])

  t.deepEqual(said, rows.map(([, , answer]) => `RVR(L; T3; ${answer})`))
})

test('§5.4.2 entries of earlier terms are never committed by counting replicas', t => {
  const player = play(leader({ others: 'a{on} b{on}', log: '1@1 2@2', term: 3 }))

  player.turn(accepted('a', 2), accepted('b', 2))

  t.is(player.state.commitIndex, 0)
})

test('§5.4.2 once an entry of the leader\'s term is committed so, all before it are', t => {
  const player = play(leader({ others: 'a{on} b{on}', log: '1@1 2@2', term: 3 }))
  player.turn(propose(1))

  player.turn(allPersisted, accepted('a', 3))

  t.is(player.state.commitIndex, 3)
})

test('Figure 8 (c, d): an old entry on a majority can still be overwritten by a leader of a later term', t => {
  const first = play(leader({ id: 'S1', others: 'S2{on} S3{on} S4 S5', log: '1@1 2@2', term: 4, commit: 1 }))
  const third = play(follower({ id: 'S3', voters: 'S1 S2 S3 S4 S5', log: '1@1 2@2', term: 4, commit: 1 }))

  first.turn(accepted('S2', 2), accepted('S3', 2))
  third.turn(requestVote('S5', 5, '2@3'))
  third.turn(ae('S5', '1@1', '2@3', 1, { term: 5 }))

  t.is(first.state.commitIndex, 1)
  t.is(showLog(third.state), '1@1 2@3')
})

test('Figure 8 (e): with an entry of the leader\'s own term on a majority, that rival can no longer win', t => {
  const first = play(leader({ id: 'S1', others: 'S2{on} S3{on} S4 S5', log: '1@1 2@2 3@4', term: 4, commit: 1 }))
  const third = play(follower({ id: 'S3', voters: 'S1 S2 S3 S4 S5', log: '1@1 2@2 3@4', term: 4, commit: 1 }))

  first.turn(accepted('S2', 3), accepted('S3', 3))

  t.is(first.state.commitIndex, 3)
  t.deepEqual(third.turn(requestVote('S5', 5, '2@3')).said, ['RVR(S5; T5; no)'])
})

test('§5.4.3 Leader Completeness: who is elected after a commit has the committed entry', t => {
  const group = elected('a b c d e')
  const dead = group.leader()
  const [, far] = group.members.filter(({ id }) => id !== dead.id)
  group.propose(dead.id, 1)
  group.settle(({ to, from }) => to === far!.id || from === far!.id)

  group.crash(dead.id)
  group.until(() => group.leaders().some(({ state }) => isReady(state)))

  t.not(group.leader().id, far!.id)
  t.is(termAt(group.leader().state.log, 2), dead.state.term)
})

test('§5.5 requests are idempotent: one that comes again changes nothing', t => {
  const player = play(follower({ log: '1@1' }))
  player.turn(ae('L', '1@1', '2@1', 1))
  const log = showLog(player.state)

  const { wrote, committed } = player.turn(ae('L', '1@1', '2@1', 1), ae('L', '0@0', '1@1', 0))

  t.deepEqual([showLog(player.state), wrote, committed], [log, [], ''])
})

test('§5.5 a crashed server that comes back is brought up to date by retries', t => {
  const group = elected('a b c')
  const gone = group.members.find(({ state }) => state.role === 'follower')!
  group.crash(gone.id)
  for (const request of [1, 2, 3]) group.propose(group.leader().id, request)
  group.settle()

  group.restart(gone.id)
  group.until(() => gone.applied.length === 4)

  t.deepEqual(gone.applied, group.leader().applied)
})

test('§5.6 a steady leader remains while heartbeats come faster than election timeouts', t => {
  const group = elected('a b c')
  const { id, state: { term } } = group.leader()

  for (let i = 0; i < 100; i++) {
    group.wait(100)
    group.settle()
  }

  t.deepEqual([group.leader().id, group.leader().state.term], [id, term])
})

test('§8 a new leader commits an entry without content first, and knows by it what is committed', t => {
  const player = candidateIn(3, '1@1 2@2')

  const { wrote } = player.turn(vote('b', true), vote('c', true))
  const before = player.turn(allPersisted, accepted('b', 2), accepted('c', 2))
  const after = player.turn(accepted('b', 3), accepted('c', 3))

  t.deepEqual(wrote, ['append(3@3!)'])
  t.deepEqual([before.committed, after.committed], ['', '1@1 2@2 3@3!'])
})

test('§8 until that entry is applied the leader takes nothing from clients', t => {
  const player = candidateIn(3)
  player.turn(vote('b', true), vote('c', true))
  player.turn(allPersisted, accepted('b', 1), accepted('c', 1))

  const early = player.turn(propose(1))
  const late = player.turn(applied(1), propose(2))

  t.deepEqual([early.answers, late.answers], [['#1 refused notReady'], ['#2 appended at 2@3']])
})

test('D §4.2.3 a server that hears from a leader neither votes nor takes a newer term from a candidate', t => {
  const player = play(follower({ term: 3, leader: 'L' }))

  const { said, wrote } = player.turn(requestVote('f2', 9, '9@8'))

  t.deepEqual([said, wrote], [['RVR(f2; T3; no)'], []])
  t.like(player.state, { term: 3, votedFor: undefined })
})

test('D §4.2.3 nor does a leader that hears its quorum', t => {
  const player = play(leader({ others: 'a{on} b{on}', log: '1@1' }))

  player.turn(requestVote('b', 9, '9@8'))

  t.like(player.state, { role: 'leader', term: 1 })
})

test('D §6.2 a leader steps down when an election timeout passes without word from a majority', t => {
  const player = play(leader({ others: 'a{on} b{on} c d', log: '1@1' }))

  player.later(1000, tick)
  const before = player.state.role
  const { noticed } = player.later(1, tick)

  t.deepEqual([before, player.state.role, noticed], ['leader', 'follower', ['quorumLost']])
})

test('D §6.2 clients whose requests were pending then learn that their outcome is unknown', t => {
  const player = play(leader({ others: 'a{on} b{on}' }))
  player.turn(propose(1))
  player.turn(allPersisted)

  const { answers } = player.later(1001, tick)

  t.deepEqual(answers, ['#1 lost'])
})

test('D §9.6 before it raises its term a candidate asks whether it could win', t => {
  const player = play(follower({ id: 'a', voters: 'a b c', term: 4, log: '1@3', votedFor: 'b' }))

  const { said, wrote } = player.later(LONG_SILENCE, tick)

  t.deepEqual(said, ['pre-RV(b; T4; 1@3)', 'pre-RV(c; T4; 1@3)'])
  t.deepEqual(wrote, [])
  t.like(player.state, { term: 4, votedFor: 'b' })
})

test('D §9.6 the answer is yes with an up-to-date log and no leader heard; it changes nothing', t => {
  const rows = [
    play(follower({ log: '1@1' })).turn(requestPreVote('L', 1, '1@1')),
    play(follower({ log: '1@1 2@1' })).turn(requestPreVote('L', 1, '1@1')),
    play(follower({ log: '1@1', leader: 'f2' })).turn(requestPreVote('L', 1, '1@1')),
  ]

  const said = rows.flatMap(row => [...row.said])

  t.deepEqual(said, ['pre-RVR(L; T1; yes)', 'pre-RVR(L; T1; no)', 'pre-RVR(L; T1; no)'])
  t.true(rows.every(({ wrote }) => wrote.length === 0))
})

test('D §9.6 a server cut off from the others does not disturb them when it returns', t => {
  const group = elected('a b c')
  const { id, state: { term } } = group.leader()
  const alone = group.members.find(member => member.id !== id)!

  for (let i = 0; i < 100; i++) {
    group.wait(100)
    group.settle(({ from, to }) => from === alone.id || to === alone.id)
  }
  group.until(() => alone.state.leader === id)

  t.deepEqual([group.leader().id, group.leader().state.term], [id, term])
})

test('D §10.2.1 a leader sends entries while it is still writing them itself', t => {
  const player = play(leader({ others: 'a{on,told=0} b{on,told=0}' }))

  const { said, wrote } = player.turn(propose(1))

  t.deepEqual(wrote, ['append(1@1)'])
  t.deepEqual(said, ['AE(a; T1; 0@0; [1@1]; c=0)', 'AE(b; T1; 0@0; [1@1]; c=0)'])
})

test('D §10.2.1 it may commit before its own write is done, when a majority of others has the entry', t => {
  const player = play(leader({ others: 'a{on} b{on}' }))
  const { turn } = player.turn(propose(1))

  const { committed } = player.turn(accepted('a', 1), accepted('b', 1))
  const then = player.turn(persisted(turn))

  t.is(player.state.commitIndex, 1)
  t.deepEqual([committed, then.committed], ['', '1@1'])
})

test('D §10.2.2 entries follow each other without waiting for answers', t => {
  const player = play(leader({ others: 'a{on} b{on}' }))

  const said = [1, 2].flatMap(id => player.turn(propose(id)).said.filter(text => text.startsWith('AE(a')))

  t.deepEqual(said, ['AE(a; T1; 0@0; [1@1]; c=0)', 'AE(a; T1; 1@1; [2@1]; c=0)'])
})
