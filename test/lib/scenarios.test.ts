import test from 'ava'
import { termAt } from '../../lib/log.js'
import { type Cluster, type Member, cluster, elected } from './cluster.js'
import { areEqual, story } from './story.js'

const toward = (...ids: readonly string[]) => ({ to }: { readonly to: string }): boolean => ids.includes(to)
const apart = (id: string) => ({ from, to }: { readonly from: string; readonly to: string }): boolean => from === id || to === id
const othersOf = (group: Cluster, id: string): readonly Member[] => group.members.filter(member => member.id !== id)

test('P01 three writes: the same log, the same commit, the same order everywhere', t => {
  const group = elected('a b c')
  for (const request of [1, 2, 3]) {
    group.propose(group.leader().id, request)
    group.settle()
  }
  const [first, ...rest] = group.members.map(({ applied }) => applied)
  t.is(first!.length, 4)
  for (const other of rest) t.deepEqual(other, first)
  t.true(group.members.every(({ state }) => state.commitIndex === 4))
})

test('P02 a follower that missed two writes catches up from the log', t => {
  const group = elected('a b c')
  const [, far] = othersOf(group, group.leader().id)
  for (const request of [1, 2]) group.propose(group.leader().id, request)
  group.settle(toward(far!.id))
  t.is(group.leader().state.commitIndex, 3)
  t.is(far!.state.commitIndex, 1)
  group.until(() => areEqual(group))
  t.is(far!.applied.length, 3)
})

test('P10 three conflicting entries of a partitioned leader are replaced by three of its successor', t => {
  const group = elected('a b c')
  const old = group.leader()
  for (const request of [1, 2, 3]) group.propose(old.id, request)
  group.settle(apart(old.id))
  t.is(old.state.log.lastIndex, 4)
  group.until(() => group.leaders().some(({ id, state }) => id !== old.id && state.commitIndex === state.log.lastIndex), apart(old.id))
  for (const request of [4, 5, 6]) group.propose(group.leader().id, request)
  group.settle(apart(old.id))
  group.until(() => areEqual(group))
  t.is(termAt(old.state.log, 2), group.leader().state.term)
  t.deepEqual(old.answers.filter(({ type }) => type === 'lost').map(({ id }) => id), [1, 2, 3])
})

test('P11 an entry that only one follower has outlives the leader that died over it', t => {
  const group = elected('a b c')
  const dead = group.leader()
  const [near, far] = othersOf(group, dead.id)
  group.propose(dead.id, 1)
  group.settle(({ to, from }) => to !== near!.id || from === near!.id)
  t.deepEqual([near!.state.log.lastIndex, far!.state.log.lastIndex], [2, 1])
  group.crash(dead.id)
  group.until(() => near!.state.role === 'leader' && near!.state.commitIndex === 3)
  group.until(() => far!.applied.length === 3)
  t.deepEqual(far!.applied, near!.applied)
  group.crash(near!.id)
  group.restart(near!.id)
  t.is(near!.state.log.lastIndex, 3)
})

test('P12 a partitioned member raises no term and disturbs nobody when it returns', t => {
  const group = elected('a b c')
  const { id, state: { term } } = group.leader()
  const alone = othersOf(group, id)[0]!
  for (let i = 0; i < 200; i++) {
    group.wait(50)
    group.settle(apart(alone.id))
  }
  t.is(alone.state.role, 'candidate')
  t.is(alone.state.term, term)
  group.until(() => areEqual(group))
  t.is(group.leader().id, id)
  t.is(group.leader().state.term, term)
})

test('P12 a member that did raise its term and has an old log is not elected, and follows the winner', t => {
  const group = elected('a b c')
  const alone = othersOf(group, group.leader().id)[0]!
  group.propose(group.leader().id, 1)
  group.settle(apart(alone.id))
  group.crash(alone.id)
  alone.disk.hardState = { ...alone.disk.hardState, term: 9, votedFor: alone.id }
  group.restart(alone.id)
  group.until(() => areEqual(group))
  t.true(group.leader().state.term > 9)
  t.not(group.leader().id, alone.id)
})

test('P13 late votes of an older election elect nobody', t => {
  const group = cluster('a b c')
  group.wait(2100)
  const asked = group.mail.filter(({ type, from }) => type === 'requestVote' && from === 'a')
  t.true(asked.length > 0)
  group.until(() => group.leaders().length === 1)
  const { id, state: { term } } = group.leader()
  const sent = group.sent.length
  for (const message of asked) group.act(message.to, { type: 'received', message })
  for (const { to } of asked) {
    const late = { type: 'requestVoteReply', from: to, to: 'a', term: term - 1, preVote: false, voteGranted: true, round: 1 } as const
    group.act('a', { type: 'received', message: late })
  }
  group.settle()
  t.is(group.leaders().length, 1)
  t.deepEqual([group.leader().id, group.leader().state.term], [id, term])
  t.true(group.sent.slice(sent).every(text => !text.includes('RVR') || text.endsWith('no)')))
})

test('P14 of two partitioned leaders the newer one stays', t => {
  const group = elected('a b c d e')
  const old = group.leader()
  group.until(() => group.leaders().some(({ id }) => id !== old.id), apart(old.id))
  const { id, state: { term } } = group.leader()
  group.until(() => group.member(old.id).state.role === 'follower' && old.state.term === term && areEqual(group))
  t.is(group.leader().id, id)
})

test('P20 a write that spans a loss of leadership is applied once and answered once after it was appended', t => {
  const group = elected('a b c')
  const { id, state: { term } } = group.leader()
  group.propose(id, 1)
  group.settle(apart(id))
  const back = othersOf(group, id)[0]!
  const newer = { type: 'appendRefused', from: back.id, to: id, term: term + 1, prevLogIndex: 0, hintIndex: 0, hintTerm: 0, isNewcomer: false, round: 1 } as const
  group.act(id, { type: 'received', message: newer })
  const once = group.member(id)
  t.deepEqual(once.answers.map(({ type }) => type), ['appended', 'lost'])
  group.until(() => once.state.role === 'leader', ({ type, from }) => type === 'requestVote' && from !== id)
  group.until(() => areEqual(group))
  t.is(once.applied.filter(entry => entry.startsWith('2@')).length, 1)
  t.is(once.answers.length, 2)
})

test('a follower that loses in a crash what it had verified but not written catches up in the same term', t => {
  const group = elected('a b c')
  const { id, state: { term } } = group.leader()
  const [weak, firm] = othersOf(group, id)
  group.propose(id, 1)
  // The follower answers that it verified the entry while its own write is still under way.
  for (const message of [...group.mail].filter(toward(weak!.id))) group.deliver(message)
  for (const message of [...group.mail].filter(toward(id))) group.deliver(message)
  group.crash(weak!.id)
  group.settle(apart(weak!.id))
  group.restart(weak!.id)
  t.is(weak!.state.log.lastIndex, 1)
  group.until(() => areEqual(group))
  t.is(group.leader().state.term, term)
  t.is(firm!.applied.length, 2)
})

for (const names of ['a b c', 'a b c d e']) {
  test(`P21 loss, doubling, reordering and crashes at random, then healing: ${names}`, t => {
    let committed = 0
    for (let seed = 1; seed <= SEEDS; seed++) committed += story(names, seed, ACTS).committed
    t.true(committed > 0)
    t.log(`${committed} entries committed under faults`)
  })
}

for (const names of ['a b c | d e', 'a | b c d']) {
  test(`the same while members come and go: ${names}`, t => {
    let changes = 0
    for (let seed = 1; seed <= SEEDS / 2; seed++) changes += story(names, seed, ACTS, { snapshotKeepEntries: 3, snapshotChunkBytes: 40 }).changes
    t.true(changes > SEEDS)
    t.log(`${changes} memberships committed under faults`)
  })
}

for (const names of ['a b c | d e', 'a b | c']) {
  test(`the same, and snapshots are lost that take long to come again: ${names}`, t => {
    let [changes, lost] = [0, 0]
    for (let seed = 10; seed < 10 + SEEDS / 2; seed++) {
      const told = story(names, seed, ACTS, { snapshotKeepEntries: 3, snapshotChunkBytes: 6 })
      changes += told.changes
      lost += told.lost
    }
    t.true(changes > 0 && lost > 0)
    t.log(`${changes} memberships committed under faults, ${lost} machines restored because their own snapshot was lost`)
  })
}

const SEEDS = 10
const ACTS = 3_000
