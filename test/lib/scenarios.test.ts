import test, { type ExecutionContext } from 'ava'
import { nextRandom } from '../../lib/random.js'
import { termAt } from '../../lib/log.js'
import { type Cluster, type Member, cluster, elected } from './cluster.js'
import { showLast } from './build.js'

const toward = (...ids: readonly string[]) => ({ to }: { readonly to: string }): boolean => ids.includes(to)
const apart = (id: string) => ({ from, to }: { readonly from: string; readonly to: string }): boolean => from === id || to === id
const othersOf = (group: Cluster, id: string): readonly Member[] => group.members.filter(member => member.id !== id)
/** Everyone has applied the same, and all that is in its log. */
const areEqual = ({ members }: Cluster): boolean =>
  new Set(members.map(({ applied }) => applied.join(' '))).size === 1 && members.every(({ applied, state }) => applied.length === state.log.lastIndex)

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
  const newer = { type: 'appendRefused', from: back.id, to: id, term: term + 1, prevLogIndex: 0, hintIndex: 0, hintTerm: 0, round: 1 } as const
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

/** All that the checker has seen of one run. */
interface History {
  readonly leaders: Map<number, string>
  /** index → index@term, committed once and for ever. */
  readonly committed: Map<number, string>
}

const check = (t: ExecutionContext, group: Cluster, history: History, seed: number): void => {
  const claim = (holds: boolean, what: string): void => { if (!holds) t.fail(`seed ${seed}: ${what}`) }
  for (const { id, state, applied } of group.members) {
    if (state.role === 'leader') {
      claim((history.leaders.get(state.term) ?? id) === id, `two leaders in term ${state.term}`)
      if (!history.leaders.has(state.term)) {
        history.leaders.set(state.term, id)
        for (const [index, entry] of history.committed) claim(entry === `${index}@${termAt(state.log, index)}`, `leader ${id} lacks committed ${entry}`)
      }
    }
    for (let index = Math.max(1, Math.min(state.commitIndex - 5, history.committed.size + 1)); index <= state.commitIndex; index++) {
      const entry = `${index}@${termAt(state.log, index)}`
      claim((history.committed.get(index) ?? entry) === entry, `${id} commits ${entry}, but ${history.committed.get(index)} is committed`)
      history.committed.set(index, entry)
    }
    for (let index = Math.max(1, applied.length - 5); index <= applied.length; index++) {
      const entry = history.committed.get(index)
      claim(applied[index - 1] === entry, `${id} applied ${applied[index - 1]} at ${index}, where ${entry} is committed`)
    }
  }
}

/** A newly committed entry is on the disks of a quorum, counted there and nowhere else. */
const checkDurable = (t: ExecutionContext, group: Cluster, index: number, seed: number): void => {
  const leader = group.leaders().find(({ state }) => state.commitIndex === index)
  const term = leader && termAt(leader.state.log, index)
  const holders = group.members.filter(({ disk }) => disk.batches.some(batch => batch.firstIndex === index && batch.term === term))
  if (holders.length <= group.members.length / 2) t.fail(`seed ${seed}: ${index}@${term} is committed and on ${holders.length} disks`)
}

/** One random act: a message delivered, doubled, lost or overtaken, a write, a tick, a proposal, a crash. */
const disturb = (group: Cluster, draw: (below: number) => number, request: number): void => {
  const member = group.members[draw(group.members.length)]!
  const dice = draw(100)
  const message = group.mail[draw(Math.min(group.mail.length, 8))]
  if (dice < 55 && message) group.deliver(message)
  else if (dice < 60 && message) group.act(message.to, { type: 'received', message })
  else if (dice < 64 && message) group.mail.splice(group.mail.indexOf(message), 1)
  else if (dice < 80) group.sync(member.id)
  else if (dice < 88) group.work(member.id)
  else if (dice < 93) group.wait(draw(60))
  else if (dice < 98) for (const { id } of group.leaders()) group.propose(id, request)
  else if (member.isUp && draw(4) === 0) group.crash(member.id)
  else if (!member.isUp) group.restart(member.id)
  while (group.mail.length > 200) group.mail.shift()
}

const story = (t: ExecutionContext, names: string, seed: number, acts: number): number => {
  const group = cluster(names, { seed, settings: { logCacheBytes: 600, maxAppendBytes: 500, maxInflightMessages: 4, maxApplyBytes: 600 } })
  const history: History = { leaders: new Map(), committed: new Map() }
  let random = seed
  const draw = (below: number): number => {
    const [next, drawn] = nextRandom(random)
    random = next
    return Math.floor(drawn * below)
  }
  let committed = 0
  for (let i = 0; i < acts; i++) {
    disturb(group, draw, i)
    check(t, group, history, seed)
    const newest = Math.max(0, ...history.committed.keys())
    if (newest > committed) checkDurable(t, group, newest, seed)
    committed = newest
  }
  for (const { id, isUp } of group.members) if (!isUp) group.restart(id)
  group.mail.splice(0)
  group.until(() => group.leaders().length === 1 && areEqual(group))
  check(t, group, history, seed)
  t.true(new Set(group.members.map(({ state }) => showLast(state))).size === 1)
  return committed
}

for (const names of ['a b c', 'a b c d e']) {
  test(`P21 loss, doubling, reordering and crashes at random, then healing: ${names}`, t => {
    let committed = 0
    for (let seed = 1; seed <= SEEDS; seed++) committed += story(t, names, seed, ACTS)
    t.true(committed > 0)
    t.log(`${committed} entries committed under faults`)
  })
}
const SEEDS = 10
const ACTS = 3_000
