/** A snapshot on its way to a follower, as the leader sees it: chunks of at most 50 bytes. */
import test from 'ava'
import { accepted, ae, allPersisted, leader, play, progressOf, propose, refused, showProgress, tick } from './build.js'
import { BYTES, awaits, chunkRead, isBusyAt, snapshotAt, snapshotGone, snapshotStored } from './snapshots.js'

const S = snapshotAt('3@1')
const Z = { base: '3@1', log: '4@2', commit: 4, term: 2, snapshot: S, others: 'f1{next=2,match=1,on} f2{next=5,match=4,on,told=4}' } as const

/** A leader whose follower f1 awaits the first byte, which has been read. */
const ready = () => {
  const player = play(leader(Z))
  player.turn()
  player.turn(awaits('f1', S, 0))
  return player
}

test('S05 S11 S28 the follower is asked, gets the chunks that it awaits, one by one, and then the entries', t => {
  const player = play(leader(Z))
  t.deepEqual(player.turn().said, ['IS(f1; T2; 3@1; 0+0/125)'])
  t.deepEqual(player.turn(isBusyAt('f1', S, 0)).snapshots, [], 'it is still looking on its disk')
  t.deepEqual(player.turn(awaits('f1', S, 0)).snapshots, ['read 3@1 0+50 for f1'])
  for (const [offset, length, more] of [[0, 50, ['read 3@1 50+50 for f1']], [50, 50, ['read 3@1 100+50 for f1']], [100, 25, []]] as const) {
    const { said, snapshots } = player.later(1, chunkRead('f1', S, offset, length), propose(offset))
    t.deepEqual(said.filter(message => message.includes('f1')), [`IS(f1; T2; 3@1; ${offset}+${length}/125)`])
    t.deepEqual(snapshots, more, 'the next one is read ahead')
    t.deepEqual(player.turn(isBusyAt('f1', S, offset)).said, [], 'it is writing')
    player.turn(offset + length < BYTES ? awaits('f1', S, offset + length) : isBusyAt('f1', S, BYTES))
  }
  t.deepEqual(player.turn(accepted('f1', 3)).said, ['AE(f1; T2; 3@1; [4@2 5@2 6@2 7@2]; c=4)'], 'L15 behind the last that the snapshot holds')
  t.is(progressOf(player.state, 'f1').sending, undefined)
})

test('S13 S20 K06 K14 one chunk at a time: nothing that was said before it brings another', t => {
  const player = ready()
  const { round } = player.state
  t.deepEqual(player.later(1, chunkRead('f1', S, 0, 50)).said, ['IS(f1; T2; 3@1; 0+50/125)'])
  player.turn(chunkRead('f1', S, 50, 50))
  t.deepEqual(player.turn(awaits('f1', S, 0, { round }), awaits('f1', S, 50, { round })).said, [])
  t.deepEqual(player.later(100, tick, awaits('f1', S, 0, { round })).said, ['IS(f1; T2; 3@1; 0+0/125)', 'AE(f2; T2; 4@2; []; c=4)'], 'life signs flow')
})

test('S24 a chunk that is lost is sent again, once the follower says that it still awaits it', t => {
  const player = ready()
  player.turn(chunkRead('f1', S, 0, 50))
  t.deepEqual(player.later(100, tick).said[0], 'IS(f1; T2; 3@1; 0+0/125)')
  t.deepEqual(player.turn(awaits('f1', S, 0)).snapshots, ['read 3@1 0+50 for f1'])
  t.deepEqual(player.turn(chunkRead('f1', S, 50, 50)).said, [], 'what was read ahead is not what is awaited')
  t.deepEqual(player.turn(chunkRead('f1', S, 0, 50)).said, ['IS(f1; T2; 3@1; 0+50/125)'])
})

test('a follower that comes back with a part of it goes on there', t => {
  const player = play(leader(Z))
  player.turn()
  t.deepEqual(player.turn(awaits('f1', S, 77)).snapshots, ['read 3@1 77+50 for f1'])
  t.deepEqual(player.turn(chunkRead('f1', S, 77, 48)).said, ['IS(f1; T2; 3@1; 77+48/125)'])
})

test('S01 S04 S06 without a snapshot one is taken: asked for with each heartbeat, however many need it; until then they get life signs', t => {
  const player = play(leader({ base: '3@1', log: '4@2', commit: 4, term: 2, others: 'f1{next=2,on} f2{next=1,on}' }))
  const idle = player.turn()
  t.deepEqual([idle.said, idle.snapshots], [[], []])
  const { said, snapshots } = player.later(100, tick)
  t.deepEqual(said, ['AE(f1; T2; 3@1; []; c=0)', 'AE(f2; T2; 3@1; []; c=0)'])
  t.deepEqual(snapshots, ['take'])
  t.deepEqual(player.turn(refused('f1', 3, '1@1')).said, [])
  t.is(showProgress(player.state, 'f1'), 'replicate next=2 match=0', 'a refused life sign moves nothing')
  t.deepEqual(player.turn(snapshotStored(S)).said, ['IS(f1; T2; 3@1; 0+0/125)', 'IS(f2; T2; 3@1; 0+0/125)'], 'S26')
})

test('A6 66 an idle leader whose log is all cut sends its snapshot to a follower that has nothing', t => {
  const player = play(leader({ base: '5@1', commit: 5, snapshot: snapshotAt('5@1'), others: 'f1 f2' }))
  t.deepEqual(player.later(100, tick).said, ['AE(f1; T1; 5@1; []; c=0)', 'AE(f2; T1; 5@1; []; c=0)'])
  t.deepEqual(player.turn(refused('f1', 5, '0@0')).said, ['IS(f1; T1; 5@1; 0+0/125)'])
})

test('S35 a snapshot that is gone is given up, and the next one begins anew', t => {
  const player = ready()
  t.deepEqual(player.turn(snapshotGone('f1', S)).said, [])
  t.is(player.state.snapshot, undefined)
  t.deepEqual(player.later(100, tick).snapshots, ['take'])
  t.deepEqual(player.turn(awaits('f1', S, 50)).snapshots, [], 'S22 nothing is under way')
  const next = snapshotAt('4@2')
  t.deepEqual(player.turn(snapshotStored(next)).said, ['IS(f1; T2; 4@2; 0+0/125)'])
})

test('where an older one is gone that was being sent, the newest takes its place', t => {
  const player = ready()
  const newer = snapshotAt('4@2')
  t.deepEqual(player.turn(snapshotStored(newer)).said, [], 'what was begun goes on')
  t.deepEqual(player.turn(snapshotGone('f1', S)).said, ['IS(f1; T2; 4@2; 0+0/125)'])
  t.is(player.state.snapshot, newer)
})

test('S29 a leader that is one no more sends nothing more', t => {
  const player = ready()
  player.turn(ae('f2', '4@2', '', 3, { term: 3 }))
  t.is(player.state.role, 'follower')
  const { said, snapshots } = player.turn(chunkRead('f1', S, 0, 50), awaits('f1', S, 50))
  t.deepEqual([said, snapshots], [[], []])
})

test('T04 an answer of a newer term ends the leadership', t => {
  const player = ready()
  player.turn(isBusyAt('f1', S, 0, { term: 9 }))
  t.like(player.state, { role: 'follower', term: 9 })
})

for (const [claim, fact, noticed] of [
  ['more than there is', awaits('f1', S, BYTES + 1), 'contradiction'],
  ['an answer to what was never asked', awaits('f1', S, 50, { round: 1e12 }), 'contradiction'],
  ['a stranger\'s answer', awaits('x', S, 50), 'unknownSender'],
] as const) {
  test(`L22 ${claim} is reported and moves nothing`, t => {
    const player = ready()
    const before = progressOf(player.state, 'f1')
    t.deepEqual(player.turn(fact).noticed, [noticed])
    t.deepEqual(progressOf(player.state, 'f1'), before)
  })
}

test('chunks leave no faster than they may, to all followers together', t => {
  const player = play(leader({ ...Z, others: 'f1{next=2,on} f2{next=2,on}', settings: { snapshotBytesPerSecond: 500 } }))
  player.turn()
  player.turn(awaits('f1', S, 0), awaits('f2', S, 0))
  t.deepEqual(player.turn(chunkRead('f1', S, 0, 50), chunkRead('f2', S, 0, 50)).said, ['IS(f1; T2; 3@1; 0+50/125)'])
  t.deepEqual(player.later(99).said, [])
  t.deepEqual(player.later(1).said, ['IS(f2; T2; 3@1; 0+50/125)'])
  player.turn(awaits('f1', S, 50), chunkRead('f1', S, 50, 50))
  t.deepEqual(player.later(50).said, [])
  t.deepEqual(player.later(50).said, ['IS(f1; T2; 3@1; 50+50/125)'])
})

test('small chunks leave as fast as they may, although nobody looks at the time between two ticks', t => {
  const big = snapshotAt('3@1', { bytes: 1e6 })
  const player = play(leader({ ...Z, snapshot: big, others: 'f1{next=2,on}', settings: { snapshotBytesPerSecond: 5000 } }))
  let sent = 0
  /** The follower answers each chunk at once, and the disk reads the next one at once. */
  const follow = (said: readonly string[]): void => {
    if (!said.some(one => one.includes(`; ${sent}+50/`))) return
    sent += 50
    follow([...player.turn(awaits('f1', big, sent)).said, ...player.turn(chunkRead('f1', big, sent, 50)).said])
  }
  player.turn()
  player.turn(awaits('f1', big, 0))
  follow(player.turn(chunkRead('f1', big, 0, 50)).said)
  for (let ticks = 0; ticks < 20; ticks++) follow(player.later(50, tick).said)
  t.is(sent, 50 + 5000, 'one, and what a second allows')
  player.later(10_000)
  follow(player.later(0, tick).said)
  t.true(sent <= 5050 + 6 * 50, 'what was not used long before is gone')
})

test('followers take turns: one that asks at once does not get all that may leave', t => {
  const player = play(leader({ ...Z, others: 'f1{next=2,on} f2{next=2,on}', settings: { snapshotBytesPerSecond: 500 } }))
  player.turn()
  player.turn(awaits('f1', S, 0), awaits('f2', S, 0))
  const sent: string[] = []
  const next = { f1: 0, f2: 0 }
  player.turn(chunkRead('f1', S, 0, 50), chunkRead('f2', S, 0, 50)).said.forEach(one => sent.push(one))
  for (let i = 0; i < 3; i++) {
    const id = sent.at(-1)!.startsWith('IS(f1') ? 'f1' : 'f2'
    next[id] += 50
    const offset = next[id]
    sent.push(...player.later(100, awaits(id, S, offset), chunkRead(id, S, offset, Math.min(50, 125 - offset))).said.filter(one => one.includes('+50/') || one.includes('+25/')))
  }
  t.deepEqual(sent, ['IS(f1; T2; 3@1; 0+50/125)', 'IS(f2; T2; 3@1; 0+50/125)', 'IS(f1; T2; 3@1; 50+50/125)', 'IS(f2; T2; 3@1; 50+50/125)'])
})

test('at a low rate chunks are so small that none takes longer than an election timeout', t => {
  const asked = (snapshotBytesPerSecond: number): readonly string[] => {
    const player = play(leader({ ...Z, others: 'f1{next=2,on}', settings: { snapshotBytesPerSecond } }))
    player.turn()
    return player.turn(awaits('f1', S, 0)).snapshots
  }
  t.deepEqual([20, 49.5, 50, 0.5].map(asked), [['read 3@1 0+20 for f1'], ['read 3@1 0+49 for f1'], ['read 3@1 0+50 for f1'], ['read 3@1 0+1 for f1']])
})

test('offsets go beyond four gigabytes', t => {
  const big = snapshotAt('3@1', { bytes: 6e9 })
  const player = play(leader({ ...Z, snapshot: big }))
  player.turn()
  t.deepEqual(player.turn(awaits('f1', big, 5e9 + 1)).snapshots, ['read 3@1 5000000001+50 for f1'])
  const { said, snapshots } = player.turn(chunkRead('f1', big, 5e9 + 1, 50))
  t.deepEqual([said, snapshots], [['IS(f1; T2; 3@1; 5000000001+50/6000000000)'], ['read 3@1 5000000051+50 for f1']])
})

test('who lost its snapshot gets one beside the entries: one that stands where its log begins, or later', t => {
  const player = play(leader({ log: '1@1 2@1 3@1 4@1', commit: 4, snapshot: snapshotAt('2@1'), others: 'f1{on,match=4} f2', settings: { snapshotKeepEntries: 9 } }))
  player.turn(accepted('f1', 4, 4, { lacks: 3 }))
  const { said, snapshots } = player.later(100, tick)
  t.deepEqual([said[0], snapshots], ['AE(f1; T1; 4@1; []; c=4)', ['take']], 'the one at 2 is no use')
  t.deepEqual(player.turn(snapshotStored(snapshotAt('4@1')), propose(1)).said, ['IS(f1; T1; 4@1; 0+0/125)', 'AE(f1; T1; 4@1; [5@1]; c=4)'])
  t.deepEqual(player.turn(accepted('f1', 4, 4, { round: 1, lacks: 0 })).said, [], 'an older answer')
  t.not(progressOf(player.state, 'f1').sending, undefined)
  player.turn(accepted('f1', 5, 5))
  t.is(progressOf(player.state, 'f1').sending, undefined)
  player.turn(allPersisted)
})
