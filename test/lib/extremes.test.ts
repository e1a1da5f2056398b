/** The largest numbers that a peer may say cost numbers and nothing else: whatever a member writes after them can be read again, and somebody can lead. */
import test from 'ava'
import { decodeBatch, encodeBatch } from '../../codecs/batches.js'
import { decodeHardState, encodeHardState } from '../../codecs/records.js'
import { MAX_HEARD, MAX_POSITION, MAX_TIME } from '../../lib/bounds.js'
import { isRight } from '../../lib/prelude.js'
import { membership } from '../../lib/state.js'
import { type Fact, ae, allPersisted, follower, leader, message, play, preVote, propose, requestPreVote, requestVote, tick, vote } from './build.js'
import { type Cluster, elected } from './cluster.js'
import { is, snapshotAt } from './snapshots.js'
import { wishOf } from './wishes.js'

/** Far more than an election wait. */
const LONG_MS = 1e6
const LEAP = 2 ** 32

/** Whether all that a turn wrote is read back as it was. */
const isReadable = ({ ready }: ReturnType<ReturnType<typeof play>['turn']>): boolean => ready.writes.every(write => {
  if (write.type === 'hardState') return isRight(decodeHardState(encodeHardState(write.hardState)))
  if (write.type !== 'append') return true
  const out: Uint8Array[] = []
  for (const batch of write.batches.filter(({ kind }) => kind !== 'command')) encodeBatch(batch, out)
  return out.every(bytes => isRight(decodeBatch(bytes, 0)))
})

/** Once what it has written is on its disk it stands, and is elected. */
const lead = (player: ReturnType<typeof play>) =>
  [player.turn(allPersisted), player.later(LONG_MS, tick), player.turn(preVote('L', true)), player.turn(vote('L', true))]

const timesIn = ({ ready }: ReturnType<ReturnType<typeof play>['turn']>): readonly number[] =>
  ready.writes.flatMap(write => write.type === 'append' ? write.batches.map(({ time }) => time) : [])

/** An AppendEntries with an entry of this time. */
const entryOf = (time: number): Fact => state => {
  const fact = ae('L', '0@0', '1@1!')
  const event = typeof fact === 'function' ? fact(state) : fact
  if (event.type !== 'received' || event.message.type !== 'appendEntries') throw new Error('no AppendEntries')
  return { ...event, message: { ...event.message, batches: event.message.batches.map(batch => ({ ...batch, time })) } }
}

test('a leader whose log ends at the latest time appends at that time, and what it writes is read again', t => {
  const player = play(follower({ term: 1 }))
  t.true(isReadable(player.turn(entryOf(MAX_TIME))))
  const turns = lead(player)
  t.is(player.state.role, 'leader')
  t.true(turns.every(isReadable))
  t.deepEqual(turns.flatMap(timesIn), [MAX_TIME])
  const fast = play({ ...leader({ others: 'f1{on} f2{on}' }), stamped: { time: MAX_TIME, at: 0 } })
  t.deepEqual(timesIn(fast.turn(propose(1))), [MAX_TIME])
})

test('a member that has heard of the last term that may be any leads in the next one, and its hard state is read again', t => {
  const player = play(follower({ term: 1 }))
  t.true(isReadable(player.turn(requestVote('f2', MAX_HEARD, '0@0'))))
  t.is(player.state.term, MAX_HEARD)
  t.true(lead(player).every(isReadable))
  t.like(player.state, { role: 'leader', term: MAX_HEARD + 1 })
  const peer = play(follower({ id: 'f2', term: MAX_HEARD }))
  t.deepEqual(peer.turn(requestVote('f1', MAX_HEARD + 1, '0@0')).noticed, [])
  t.is(peer.state.term, MAX_HEARD + 1)
})

for (const [what, known, heard] of [['the last', 1, MAX_POSITION], ['one beyond the last that may be any', 1, MAX_HEARD + LEAP + 1], ['one too far ahead', MAX_HEARD + 5, MAX_HEARD + LEAP + 6]] as const) {
  test(`of terms ${what} is reported, has no answer, and takes nobody further than a leap`, t => {
    const player = play(follower({ term: known }))
    const { noticed, said } = player.turn(requestVote('f2', heard, '0@0'))
    t.deepEqual([noticed, said], [['contradiction'], []])
    t.like(player.state, { role: 'follower', term: Math.max(known, MAX_HEARD) + LEAP, votedFor: undefined })
  })
}

test('what moves no term is not approached, however far it is', t => {
  const player = play(follower({ term: 1, leader: 'L' }))
  for (const fact of [requestPreVote('f2', MAX_POSITION, '0@0'), requestVote('f2', MAX_POSITION, '0@0')]) {
    t.deepEqual(player.turn(fact).noticed, ['contradiction'])
    t.is(player.state.term, 1)
  }
  t.deepEqual(player.turn(is('L', snapshotAt(`${MAX_POSITION}@1`))).noticed, ['contradiction'])
  t.is(player.state.term, 1)
})

test('a member far ahead still hears of terms that it has missed', t => {
  const player = play(follower({ term: MAX_HEARD }))
  t.deepEqual(player.turn(requestVote('f2', MAX_HEARD + LEAP, '0@0')).noticed, [])
  t.is(player.state.term, MAX_HEARD + LEAP)
})

test('a snapshot that ends where no log can go on is reported and not taken in', t => {
  for (const [index, wanted] of [[MAX_POSITION, false], [MAX_HEARD + LEAP + 1, false], [MAX_HEARD + LEAP, true]] as const) {
    const player = play(follower({ log: '1@1', leader: 'L' }))
    const { noticed, snapshots } = player.turn(is('L', snapshotAt(`${index}@1`)))
    t.deepEqual([noticed.length, snapshots.length], wanted ? [0, 1] : [1, 0], String(index))
  }
})

test('a member at the end of all numbers stops before it writes what it could not read', t => {
  const player = play(follower({ term: MAX_POSITION }))
  player.later(LONG_MS, tick)
  t.throws(() => player.turn(preVote('L', true)), { message: /can be written/ })
  t.notThrows(() => play(follower({ term: 1 })).turn(message('L', { type: 'timeoutNow', lastIndex: MAX_POSITION })))
})

/** What one of three says to their leader, and all that it says. */
const lie = (group: Cluster, term: number): void => {
  const { id } = group.leader()
  const from = group.members.find(member => member.id !== id)!.id
  group.act(id, { type: 'received', message: { type: 'appendRefused', from, to: id, term, prevLogIndex: 0, hintIndex: 0, hintTerm: 0, isNewcomer: false, round: 0 } })
}
const pass = (group: Cluster, ms: number): void => {
  for (let i = 0; i < ms; i += 50) {
    group.wait(50)
    group.settle()
  }
}

for (const [what, lies] of [
  ['any term', [MAX_HEARD]], ['the furthest term', [MAX_HEARD + LEAP]], ['the last term', [MAX_POSITION]],
  ['ever further terms', [1, 2, 3, 4, 5].map(times => MAX_HEARD + times * LEAP)],
] as const) {
  test(`after lies of ${what} who was up, who was down and who is new follow a leader`, t => {
    const group = elected('a b c | d')
    const away = group.members.findLast(({ id }) => id !== group.leader().id && id !== 'd')!.id
    group.crash(away)
    for (const term of lies) {
      lie(group, term)
      pass(group, 10_000)
    }
    group.restart(away)
    pass(group, 10_000)
    const { id, state: { term } } = group.leader()
    t.true(term >= MAX_HEARD && term <= MAX_HEARD + (lies.length + 1) * LEAP)
    group.change(id, 1, wishOf('+d'))
    pass(group, 20_000)
    t.deepEqual(membership(group.leader().state).voters, ['a', 'b', 'c', 'd'])
    for (const { state } of group.members) t.is(state.log.lastIndex, group.leader().state.log.lastIndex)
  })
}
