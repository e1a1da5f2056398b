/** A new voter that catches up gives way to commands, and does so for ever less. */
import test from 'ava'
import type { Settings } from '../../lib/state.js'
import { type Fact, type Player, accepted, allPersisted, applied, leader, play, progressOf, propose, refused, tick } from './build.js'
import { awaits, chunkRead, snapshotAt } from './snapshots.js'

const join: Fact = ({ term }) => ({ type: 'changeAsked', id: 1, term, wish: { type: 'change', voters: { n: 'n:1' }, learners: {}, remove: [], newcomers: undefined }, from: undefined })
const abandon: Fact = ({ term }) => ({ type: 'changeAsked', id: 2, term, wish: { type: 'abandon' }, from: undefined })
const OTHERS = 'f1{next=9,match=8,told=8,on} f2{next=9,match=8,told=8,on}'
const LOG = '1@1! 2@1 3@1 4@1 5@1 6@1 7@1 8@1'

/** `n` is to vote, has nothing, and has just said so. */
const joining = (settings: Partial<Settings> = {}, { log = LOG, ...more }: Parameters<typeof leader>[0] = {}): Player => {
  const player = play(leader({ others: OTHERS, log, commit: 8, ...more, settings: { giveWayMs: 60_000, heartbeatMs: 1000, electionTimeoutMs: 10_000, maxAppendBytes: 1, ...settings } }))
  player.turn(join)
  player.turn(allPersisted)
  player.turn(accepted('f1', 9), accepted('f2', 9))
  player.turn(allPersisted, applied(9))
  return player
}
const toN = (said: readonly string[]): readonly string[] => said.filter(one => /^(AE|IS)\(n;/.test(one)).map(one => /\[(.*)\]|; (\d+\+\d+)\//.exec(one)!.slice(1).find(Boolean) ?? '')
/** Time passes, with a command on its way or without. */
const later = (player: Player, ms: number, ...facts: readonly Fact[]): readonly string[] => toN(player.later(ms, ...facts).said)

test('while commands are on their way it rests, behind what it is sent, five times as long as what it was sent before kept it at work', t => {
  const player = joining()
  t.deepEqual(later(player, 1, propose(1), accepted('n', 0)), ['1@1!'])
  t.deepEqual(later(player, 16, accepted('n', 1)), [], 'at work for 15 ms: its first answer took 1')
  t.deepEqual(later(player, 983), [])
  t.deepEqual(later(player, 1), ['2@1'], 'a heartbeat, as long as nothing is known of it')
  t.deepEqual(later(player, 11, accepted('n', 2)), [])
  t.deepEqual([later(player, 63), later(player, 2)], [[], ['3@1']])
  t.deepEqual(later(player, 11, accepted('n', 3)), [])
  t.deepEqual([later(player, 38), later(player, 2)], [[], ['4@1']])
})

test('what the way takes, however long it is, is nobody\'s work: more may be on it', t => {
  const player = joining()
  later(player, 400, propose(1), accepted('n', 0))
  later(player, 402, accepted('n', 1))
  t.deepEqual(later(player, 598), ['2@1'])
  t.deepEqual([later(player, 9), later(player, 2), later(player, 11)], [[], ['3@1'], ['4@1']])
})

test('where nobody waits for a command it gets all it can take', t => {
  const player = joining()
  t.deepEqual(later(player, 1001, accepted('n', 0)), ['1@1!', '2@1', '3@1', '4@1', '5@1', '6@1', '7@1', '8@1', '9@1=L,f1,f2//n>L,f1,f2,n'])
})

test('a command that was committed less than a heartbeat ago counts: the next may come behind it', t => {
  const player = joining()
  t.deepEqual(later(player, 999, accepted('n', 0)), ['1@1!'])
})

test('no rest is longer than a heartbeat: what takes longer takes the time of the link', t => {
  const player = joining()
  t.deepEqual(later(player, 1, propose(1), accepted('n', 0)), ['1@1!'])
  t.deepEqual(later(player, 500, accepted('n', 1)), [])
  t.deepEqual([later(player, 499), later(player, 1)], [[], ['2@1']])
  t.deepEqual(later(player, 500, accepted('n', 2)), [])
  t.deepEqual([later(player, 499), later(player, 1)], [[], ['3@1']])
})

test('others are sent what they lack meanwhile, and so is one that only listens', t => {
  for (const [who, others] of [['f1', OTHERS.replace('next=9,match=8', 'next=2,match=1')], ['l', `${OTHERS} l{nv,next=2,match=1,on}`]] as const) {
    const player = play(leader({ others, log: LOG, commit: 8, settings: { giveWayMs: 60_000, maxAppendBytes: 1 } }))
    const sent = player.turn(propose(1)).said.filter(one => one.startsWith(`AE(${who};`))
    t.is(sent.length, 8, who)
  }
})

test('it gives way for so long and no longer, and with each lap for half as long as with the one before', t => {
  const player = joining({ giveWayMs: 8000, electionTimeoutMs: 1000, heartbeatMs: 100 })
  const lapOf = () => progressOf(player.state, 'n').lap
  const alive: readonly Fact[] = [tick, allPersisted, accepted('f1', 9), accepted('f2', 9)]
  later(player, 1, propose(1), accepted('n', 0))
  t.deepEqual(lapOf(), { to: 10, since: player.state.now, giveWayMs: 8000 })
  for (let i = 0; i < 16; i++) later(player, 100, ...alive, accepted('n', 0))
  later(player, 0, propose(2), propose(3), accepted('n', 10))
  t.deepEqual(lapOf(), { to: 12, since: player.state.now, giveWayMs: 800 }, 'half of what the first lap took')
  t.deepEqual(later(player, 799, ...alive, accepted('n', 10)), ['12@1'])
  t.deepEqual(later(player, 1, ...alive, propose(4), propose(5), accepted('n', 10)), ['13@1', '14@1'], 'its time is over')
  for (let i = 0; i < 8; i++) later(player, 100, ...alive, accepted('n', 10))
  later(player, 0, accepted('n', 12))
  t.deepEqual(lapOf(), { to: 14, since: player.state.now, giveWayMs: 400 })
})

test('with 0 it never gives way', t => {
  const player = joining({ giveWayMs: 0 })
  t.is(later(player, 1, propose(1), accepted('n', 0)).length, 10)
})

test('between the chunks of a snapshot it rests as well, and nobody waits for it', t => {
  const S = snapshotAt('8@1')
  const player = joining({ snapshotBytesPerSecond: 1e12 }, { base: '8@1', log: '', others: `${OTHERS} f3{next=2,match=1,on}`, snapshot: S })
  player.turn(propose(1), refused('n', 8))
  player.turn(awaits('n', S, 0), awaits('f3', S, 0))
  t.deepEqual(later(player, 1, chunkRead('n', S, 0, 50)), ['0+50'])
  t.deepEqual(player.later(1, chunkRead('f3', S, 0, 50)).said, ['IS(f3; T1; 8@1; 0+50/125)'])
  t.deepEqual(later(player, 14, awaits('n', S, 50), chunkRead('n', S, 50, 50)), [])
  t.deepEqual(player.later(40, awaits('f3', S, 50), chunkRead('f3', S, 50, 50)).said, ['IS(f3; T1; 8@1; 50+50/125)'])
  t.deepEqual([later(player, 944), later(player, 1)], [[], ['50+50']])
})

test('whoever has caught up is sent the membership in which it decides at once: commands wait for it from there on', t => {
  const player = play(leader({ voters: 'L', others: '', log: '1@1!', commit: 1, settings: { giveWayMs: 60_000, heartbeatMs: 1000, electionTimeoutMs: 10_000 } }))
  player.turn(join)
  player.later(1000, tick, allPersisted, applied(2))
  player.later(1, propose(1), accepted('n', 0))
  player.turn(allPersisted, applied(3))
  player.later(200, propose(2))
  const { wrote, said } = player.later(0, accepted('n', 3))
  t.deepEqual(wrote, ['append(5@1=L,n/L)'])
  t.deepEqual(said, ['AE(n; T1; 3@1; [4@1 5@1=L,n/L]; c=3)'])
})

test('one that an abandoned change leaves behind as a learner gives way no more', t => {
  const player = joining()
  t.is(later(player, 1, propose(1), accepted('n', 0)).length, 1)
  t.is(toN(player.turn(abandon).said).length, 10)
})
