/** What begins a turn, and what waits for the next one. */
import test from 'ava'
import { isAwaited } from '../../lib/awaiting.js'
import type { RaftEvent } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'
import { type Fact, accepted, ae, allPersisted, applied, follower, leader, persisted, play, propose, read, refused, tick } from './build.js'

const awaits = (state: RaftState, fact: Fact): boolean => {
  const event: RaftEvent = typeof fact === 'function' ? fact(state) : fact
  return isAwaited(state, event)
}

/** All is committed and told to both. */
const atRest = 'f1{on,next=4,match=3,told=3} f2{on,next=4,match=3,told=3}'
const quiet = (changed: Parameters<typeof leader>[0] = {}) => leader({ others: atRest, log: '1-3@1', commit: 3, applied: 3, ...changed })

test('an answer that says nothing new of what is not committed begins no turn', t => {
  t.false(awaits(quiet(), accepted('f1', 3)))
  t.false(awaits(quiet(), accepted('f1', 2)), 'nor one that was overtaken')
})

test('every answer on which something may hang does', t => {
  t.true(awaits(quiet({ log: '1-4@1', others: 'f1{on,next=5,match=3,told=3} f2{on,next=5,match=3,told=3}' }), accepted('f1', 4)), 'an entry may be committed by it')
  t.true(awaits(quiet(), accepted('f1', 3, 3, { term: 2 })), 'a newer term')
  t.true(awaits(quiet(), accepted('f1', 3, 3, { lacks: 3 })), 'it lacks its snapshot')
  t.true(awaits(quiet(), accepted('f9', 3)), 'a stranger is reported')
  t.true(awaits(quiet(), refused('f1', 3)))
  for (const [why, f1] of [
    ['it was probed', 'f1{on,probe,next=4,match=3,told=3}'], ['it is to be sent more', 'f1{on,next=3,match=2,told=3}'], ['it lacked something', 'f1{on,next=4,match=3,told=3,lacks=3}'],
    ['the commit is told it at once', 'f1{on,next=4,match=3,told=2}'],
  ] as const) t.true(awaits(quiet({ others: `${f1} f2{on,next=4,match=3,told=3}` }), accepted('f1', 3)), why)
  const player = play(quiet())
  player.turn(read(1))
  t.true(awaits(player.state, accepted('f1', 3)), 'a read may be confirmed by it')
  t.true(awaits({ ...quiet(), transfer: { to: 'f1', deadline: 9, told: undefined } }, accepted('f1', 3)), 'the heir may have all by now')
  t.true(awaits({ ...quiet(), leaving: [{ id: 'f1', address: 'localhost:1', index: 3, deadline: 9 }] }, accepted('f1', 3)), 'one that leaves may know it by now')
  t.true(awaits(follower({ log: '1@1', leader: 'L' }), accepted('f1', 1)), 'and so does every message to whoever does not lead')
  t.true(awaits(follower({ log: '1@1', leader: 'L' }), ae('L', '1@1')))
})

test('what is no event, or no message, begins a turn, in which it is reported', t => {
  const player = play(quiet())
  const nonsense: readonly unknown[] = [undefined, null, 7, 'foo', {}, [], true]
  for (const odd of [...nonsense, ...nonsense.map(message => ({ type: 'received', message })), { type: 'received', message: { type: 'appendAccepted' } }]) {
    t.true(isAwaited(player.state, odd as RaftEvent))
    t.is(player.turn(() => odd as RaftEvent).noticed.length, 1)
  }
})

test('a write of the own disk begins a turn where it may commit something, or let it be applied', t => {
  const player = play(quiet())
  player.turn(propose(1))
  t.false(awaits(player.state, allPersisted), 'nobody else has it')
  player.turn(accepted('f1', 4))
  t.true(awaits(player.state, allPersisted), 'now it commits')
  player.turn(accepted('f2', 4))
  t.is(player.state.commitIndex, 4)
  t.true(awaits(player.state, allPersisted), 'and what is committed is applied only once it is here')
  player.turn(allPersisted)
  t.false(awaits(player.state, persisted(player.state.turn)))
  t.true(awaits(leader({ others: '', voters: 'L', log: '1@1 2@1', commit: 1, applied: 1 }), persisted(1)), 'who is alone decides alone')
  t.true(awaits(follower({ log: '1@1', leader: 'L' }), persisted(1)), 'a leader waits for the word of a follower')
})

test('an answer that would pass for a late one by the next tick begins a turn: nothing is wrong with the link', t => {
  const slow = quiet({ settings: { heartbeatMs: 500 } })
  t.true(awaits(slow, accepted('f1', 3)))
  const player = play(quiet())
  player.later(100, tick)
  t.false(awaits(player.state, accepted('f1', 3)))
  t.true(awaits(player.state, accepted('f1', 3, 3, { round: (player.state.now - 151) * 1000 })))
})

test('a commitIndex that is written in a quiet moment was as fast as the disk, not as far as the next tick', t => {
  const player = play(quiet({ log: '1-3@1' }))
  player.turn(propose(1))
  player.turn(allPersisted, accepted('f1', 4), accepted('f2', 4))
  const before = player.later(50, tick)
  t.is(before.wrote.length, 1)
  t.true(awaits(player.state, allPersisted))
  player.later(1, allPersisted)
  t.deepEqual(player.state.pendingWrites, [])
})

test('proposals, reads and ticks always begin one; what was applied, where the machine is awaited', t => {
  for (const fact of [propose(1), read(1), tick]) t.true(awaits(quiet(), fact))
  t.false(awaits(quiet(), applied(3)))
  t.true(awaits(leader({ log: '1@1', commit: 1, applied: 0, noop: 1 }), applied(1)))
})

/** Commands, each proposed so long after the commit of the one before: what is said of the last one's commit at once. */
const saidOfTheLast = (commands: number, pauseMs: number, changed: Parameters<typeof leader>[0] = {}) => {
  const player = play(quiet({ now: 10_000, ...changed }))
  let said: readonly string[] = []
  for (let n = 1; n <= commands; n++) {
    player.later(pauseMs, propose(n))
    player.turn(allPersisted)
    said = player.turn(accepted('f1', 3 + n), accepted('f2', 3 + n)).said
  }
  return { player, said }
}

test('where one command has followed another for a while, its commit is told with the next one, or with a tick', t => {
  const { player, said } = saidOfTheLast(9, 1)
  t.is(player.state.commitIndex, 12)
  t.deepEqual(said, [])
  t.false(awaits(player.state, accepted('f1', 12)), 'and no answer begins a turn to tell it')
  t.deepEqual(player.turn(propose(10)).said, ['AE(f1; T1; 12@1; [13@1]; c=12)', 'AE(f2; T1; 12@1; [13@1]; c=12)'])
  player.turn(allPersisted)
  t.deepEqual(player.turn(accepted('f1', 13), accepted('f2', 13)).said, [])
  t.deepEqual(player.turn(tick).said, ['AE(f1; T1; 13@1; []; c=13)', 'AE(f2; T1; 13@1; []; c=13)'])
})

test('it is told at once where few have come so, where commands keep their distance, and to who reads', t => {
  const told = (index: number): readonly string[] => [`AE(f1; T1; ${index}@1; []; c=${index})`, `AE(f2; T1; ${index}@1; []; c=${index})`]
  t.deepEqual(saidOfTheLast(8, 1).said, told(11))
  t.deepEqual(saidOfTheLast(20, 5).said, told(23))
  const { player } = saidOfTheLast(9, 1)
  player.later(5, propose(10))
  player.turn(allPersisted)
  t.deepEqual(player.turn(accepted('f1', 13), accepted('f2', 13)).said, told(13), 'one that comes late is not counted on')
  const reading = saidOfTheLast(9, 1).player
  t.deepEqual(reading.turn(read(1)).said.map(said => said.includes('c=12')), [true, true])
  const { player: leased } = saidOfTheLast(9, 1, { settings: { readLeaseMs: 1_000 } })
  t.deepEqual(leased.turn(accepted('f1', 12, 12, { promisedMs: 1_000 })).said, [])
  t.deepEqual(leased.turn(read(1)).said, told(12), 'also where no question leaves for it')
})

test('whoever reads hears of the commit also where something is on its way there, which is no sooner answered', t => {
  const { player } = saidOfTheLast(9, 1, { settings: { readLeaseMs: 1_000 } })
  player.turn(propose(10))
  player.turn(allPersisted)
  t.deepEqual(player.turn(accepted('f1', 13, 13, { promisedMs: 1_000 })).said, [])
  t.deepEqual(player.turn(read(1)).readAnswers, ['#1 readable at 13'])
  t.true(awaits(player.state, accepted('f2', 13)), 'it was not told yet')
  t.deepEqual(player.turn(accepted('f2', 13)).said, ['AE(f2; T1; 13@1; []; c=13)'])
})
