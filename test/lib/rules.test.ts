import test from 'ava'
import { brokenBetween, brokenIn } from '../../lib/invariants.js'
import { isActive } from '../../lib/progress.js'
import {
  accepted, ae, allPersisted, applied, body, entries, follower, held, leader, persisted, play, preVote, progressOf, propose, readToApply,
  readToReplicate, refused, showBatches, showLog, showProgress, tick, vote,
} from './build.js'

const WEIGHT = 136

test('entries are pipelined behind a verified follower, up to the window of messages', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1}', log: '1@1', commit: 1, settings: { maxInflightMessages: 3 } }))
  const said = [1, 2, 3, 4, 5].flatMap(id => [...player.turn(propose(id)).said])
  t.deepEqual(said, ['AE(f1; T1; 1@1; [2@1]; c=1)', 'AE(f1; T1; 2@1; [3@1]; c=1)', 'AE(f1; T1; 3@1; [4@1]; c=1)'])
  t.is(showProgress(player.state, 'f1'), 'replicate next=5 match=1')
  t.deepEqual(player.turn(accepted('f1', 4, 1)).said, [], 'what is not on its disk waits in its memory')
  t.deepEqual(player.turn(accepted('f1', 4, 3)).said, ['AE(f1; T1; 4@1; [5@1 6@1]; c=1)'])
  t.deepEqual(progressOf(player.state, 'f1').inflight.map(({ lastIndex }) => lastIndex), [4, 6])
})

test('the window of bytes closes too, and what is durable opens it', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1}', log: '1@1', commit: 1, settings: { maxInflightBytes: WEIGHT } }))
  t.is(player.turn(propose(1)).said.length, 1)
  t.is(player.turn(propose(2)).said.length, 0)
  t.is(player.turn(accepted('f1', 2, 2)).said.length, 1)
  t.is(progressOf(player.state, 'f1').inflightBytes, WEIGHT)
  player.turn(accepted('f1', 3, 3))
  t.is(progressOf(player.state, 'f1').inflightBytes, 0)
})

test('a probe is one message at a time; an answer opens the pipeline', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@1 3@1', settings: { maxAppendBytes: 1 } }))
  t.deepEqual(player.turn().said, ['AE(f1; T1; 1@1; [2@1]; c=0)'])
  t.deepEqual(player.turn(propose(1)).said, [])
  t.deepEqual(player.turn(accepted('f1', 2, 0)).said, ['AE(f1; T1; 2@1; [3@1]; c=0)', 'AE(f1; T1; 3@1; [4@1]; c=0)'])
})

test('many answers in one turn cost one message', t => {
  const player = play(leader({ others: 'f1{next=9,on} f2{next=9,on}', log: '1@1 2@1 3@1 4@1 5@1 6@1 7@1 8@1' }))
  const { said } = player.turn(...[1, 2, 3, 4, 5, 6, 7, 8].map(index => accepted('f1', index)))
  t.deepEqual(said, ['AE(f1; T1; 8@1; []; c=8)', 'AE(f2; T1; 8@1; []; c=8)'])
})

test('every refusal lowers nextIndex, whatever its hint; a late one lowers nothing', t => {
  const log = Array.from({ length: 20 }, (_, i) => `${i + 1}@1`).join(' ')
  const player = play(leader({ others: 'f1{next=21,on,probe}', log }))
  let next = 21
  for (let turns = 0; next > 1 && turns < 30; turns++) {
    player.turn(refused('f1', next - 1, `${next - 1}@1`))
    const { nextIndex } = progressOf(player.state, 'f1')
    t.true(nextIndex < next)
    next = nextIndex
  }
  player.turn(accepted('f1', 5, 5))
  const before = showProgress(player.state, 'f1')
  player.turn(refused('f1', 3, '0@0'), refused('f1', 5, '1@1'))
  t.is(showProgress(player.state, 'f1'), before)
})

test('a refusal that is not of the outstanding probe, or of nothing that was sent, changes nothing', t => {
  const log = '1-20@1'
  for (const [others, expected] of [['f1{next=3,on,probe}', 'probe next=3 match=0'], ['f1{next=5,match=4,on}', 'replicate next=5 match=4']] as const) {
    const player = play(leader({ others, log, settings: { maxInflightMessages: 0 } }))
    player.turn(refused('f1', 9, '8@1'), refused('f1', 5, '1@1'), refused('f1', 1, '0@0'))
    t.is(showProgress(player.state, 'f1'), expected)
  }
})

test('an older answer lowers nothing', t => {
  const player = play(leader({ others: 'f1{on,next=5} f2', log: '1-4@1' }))
  player.turn(accepted('f1', 4, 3))
  player.turn(accepted('f1', 2, 1))
  t.like(progressOf(player.state, 'f1'), { matchIndex: 3, verifiedIndex: 4, nextIndex: 5 })
})

test('a refusal empties the window: what was on its way is lost or will be refused', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1} f2', log: '1@1', commit: 1, settings: { maxInflightMessages: 2 } }))
  for (const id of [1, 2, 3]) player.turn(propose(id))
  t.is(progressOf(player.state, 'f1').inflight.length, 2)
  t.deepEqual(player.turn(refused('f1', 3, '1@1')).said, ['AE(f1; T1; 1@1; [2@1 3@1 4@1]; c=1)'])
  t.like(progressOf(player.state, 'f1'), { mode: 'probe', inflightBytes: 0, inflight: [] })
})

test('long divergent tails cost a round trip per term, not per entry', t => {
  const player = play(leader({ others: 'f1{next=201,on,probe}', log: '1-100@1 101-200@9', term: 9 }))
  const there = play(follower({ voters: 'L f1', log: '1-100@1 101-150@3 151-250@4', term: 9 }))
  let turns = 0
  for (; progressOf(player.state, 'f1').mode === 'probe' && turns < 10; turns++) {
    const asked = player.turn().ready.messages.concat(player.later(100, tick).ready.messages).at(0)!
    for (const message of there.turn({ type: 'received', message: asked }).ready.messages) player.turn({ type: 'received', message })
  }
  t.true(turns <= 3)
})

test('what is verified but not durable may be lost in a crash: the leader goes back, to what is durable and no further', t => {
  const player = play(leader({ others: 'f1{next=9,match=2,verified=8,on}', log: '1-8@1' }))
  player.turn(refused('f1', 8, '4@1'))
  t.is(showProgress(player.state, 'f1'), 'probe next=5 match=2')
  t.is(progressOf(player.state, 'f1').verifiedIndex, 4)
  player.turn(refused('f1', 4, '0@0'))
  t.is(showProgress(player.state, 'f1'), 'probe next=3 match=2')
  t.deepEqual(player.turn(refused('f1', 2, '0@0')).said, [])
  t.is(showProgress(player.state, 'f1'), 'probe next=3 match=2')
})

test('a follower is active by the date of the question, not of the answer', t => {
  const player = play(leader({ others: 'f1 f2{on}', log: '1@1' }))
  const { ready } = player.later(100, tick)
  const { round } = ready.messages[0]!
  player.later(900, accepted('f1', 1, 1, { round }))
  t.is(progressOf(player.state, 'f1').contact, 10_100)
  t.true(isActive(progressOf(player.state, 'f1'), 11_100, 1000))
  t.false(isActive(progressOf(player.state, 'f1'), 11_101, 1000))
})

test('an older answer never makes contact older', t => {
  const player = play(leader({ others: 'f1', log: '1@1' }))
  player.later(100, tick)
  player.turn(accepted('f1', 1, 1), accepted('f1', 1, 1, { round: 10_000_000 }))
  t.is(progressOf(player.state, 'f1').contact, 10_100)
})

test('a write counts when it is named as done, with all before it', t => {
  const player = play(leader({ others: '' }))
  const turns = [1, 2, 3].map(id => player.turn(propose(id)).turn)
  t.is(player.state.persistedIndex, 0)
  player.turn(persisted(turns[1]!))
  t.deepEqual([player.state.persistedIndex, player.state.pendingWrites.length], [2, 1])
  player.turn(persisted(turns[0]!))
  t.is(player.state.persistedIndex, 2)
  player.turn(persisted(turns[2]!))
  t.deepEqual([player.state.persistedIndex, player.state.pendingWrites.length], [3, 0])
})

test('an old write that completes does not vouch for entries that replaced its own', t => {
  const player = play(follower({ voters: 'f1 L M', log: '1@1' }))
  const first = player.turn(ae('L', '1@1', '2@1 3@1 4@1')).turn
  const second = player.turn(ae('M', '2@1', '3@2 4@2', 0, { term: 2 })).turn
  const { said } = player.turn(persisted(first))
  t.deepEqual([player.state.persistedIndex, said], [2, ['ok(M; T2; 4/2)']])
  t.deepEqual(player.turn(persisted(second)).said, ['ok(M; T2; 4/4)'])
})

test('entries that came back with the same index and term are durable only by their own write', t => {
  const player = play(follower({ voters: 'f1 L M' }))
  const first = player.turn(ae('L', '0@0', '1@1 2@1')).turn
  const second = player.turn(ae('M', '0@0', '1@2', 0, { term: 2 })).turn
  const third = player.turn(ae('L', '0@0', '1@1 2@1 3@3', 0, { term: 3 })).turn
  const durable = [first, second, third].map(turn => {
    player.turn(persisted(turn))
    return player.state.persistedIndex
  })
  t.deepEqual(durable, [0, 0, 3])
})

test('what is on the disk and cut is no longer durable', t => {
  const player = play(follower({ voters: 'f1 L', log: '1@1 2@1 3@1' }))
  t.deepEqual(player.turn(ae('L', '1@1', '2@2', 0, { term: 2 })).said, ['ok(L; T2; 2/1)'])
  t.is(player.state.persistedIndex, 1)
})

test('two appends of one turn are one write, from the lowest index on', t => {
  const player = play(follower({ voters: 'f1 L M', log: '1@1' }))
  const { wrote } = player.turn(ae('L', '1@1', '2@1 3@1 4@1'), ae('M', '2@1', '3@2', 0, { term: 2 }))
  t.deepEqual(wrote, ['hardState(T2 - c=0)', 'append(2@1 3@2)'])
  t.is(showLog(player.state), '1@1 2@1 3@2')
})

test('after one refusal every later proposal of the turn is refused, so that no window has a hole', t => {
  const player = play(leader({ others: 'f1{on}', settings: { maxUncommittedBytes: 2 * WEIGHT } }))
  const { answers } = player.turn(propose(1), propose(2), propose(3), persisted(0), propose(4))
  t.deepEqual(answers, ['#1 appended at 1@1', '#2 appended at 2@1', '#3 refused busy', '#4 refused busy'])
  player.turn(allPersisted)
  t.deepEqual(player.turn(accepted('f1', 2), propose(5)).answers, ['#5 refused busy'])
  t.deepEqual(player.turn(propose(6)).answers, ['#6 appended at 3@1'])
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
  t.deepEqual(player.turn(propose(1), applied(1), propose(2)).answers, ['#1 refused notReady', '#2 refused busy'])
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

test('time never falls from entry to entry, although the wall clock does', t => {
  const first = leader({ others: '' })
  const player = play({ ...first, log: { ...first.log, time: 9e12 } })
  player.turn(propose(1))
  t.deepEqual(held(player.state.log).map(({ time }) => time), [9e12])
})

test('a clock that goes back stands still', t => {
  const player = play(leader({ others: 'f1{on}', log: '1@1' }))
  player.later(50)
  player.later(-500, tick)
  t.is(player.state.now, 10_050)
})

test('entries below the memory are read from the disk, once, and sent when they come', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@1 3@1 4@1', commit: 4, settings: { logCacheBytes: WEIGHT } }))
  player.turn()
  t.is(showLog(player.state), '4@1')
  t.deepEqual(player.turn(refused('f1', 1, '0@0')).reads, ['f1: 1-4'])
  t.deepEqual(player.turn().reads, [])
  t.deepEqual(player.turn(readToReplicate('f1', 1, '1@1 2@1')).said, ['AE(f1; T1; 0@0; [1@1 2@1]; c=4)'])
})

/** A leader that has asked its disk for 3 and 4, both of term 2, on behalf of f1. */
const lagging = () => {
  const player = play(leader({ others: 'f1{next=5,on,probe}', log: '1@1 2@1 3@2 4@2', settings: { logCacheBytes: 0 } }))
  player.turn()
  player.turn(refused('f1', 4, '2@1'))
  return player
}

const stale: readonly (readonly [string, Parameters<typeof readToReplicate>])[] = [
  ['that nobody asked for', ['f1', 1, '1@1 2@1']],
  ['for a stranger', ['x', 3, '3@2 4@2']],
  ['of a time when the log was another', ['f1', 3, '3@1 4@1']],
]
for (const [what, [to, from, batches]] of stale) {
  test(`entries read ${what} are not sent`, t => {
    const player = lagging()
    const { said } = player.turn(readToReplicate(to, from, batches))
    t.deepEqual(said, [])
    t.true(player.later(100, tick).said.every(text => text.includes('[]')))
  })
}

test('entries read before the leader had to go back are not sent', t => {
  const player = lagging()
  player.turn(refused('f1', 2, '0@0'))
  const late = player.turn(readToReplicate('f1', 3, '3@2 4@2'))
  t.deepEqual([late.said, late.reads], [[], []])
  t.deepEqual(player.turn(readToReplicate('f1', 1, '1@1 2@1')).said, ['AE(f1; T2; 0@0; [1@1 2@1]; c=0)'])
})

test('entries read for a leader that has stepped down are not sent', t => {
  const player = lagging()
  t.deepEqual(player.turn(refused('f1', 1, '0@0', { term: 9 }), readToReplicate('f1', 3, '3@2 4@2')).said, [])
})

test('committed entries are handed out as fast as the machine takes them, whole batches, at least one', t => {
  const player = play(follower({ log: '1-3@1 4@1 5-9@1', settings: { maxApplyBytes: 160 } }))
  t.is(player.turn(ae('L', '9@1', '', 6)).committed, '1-3@1 4@1')
  t.is(player.turn(applied(2)).committed, '')
  t.is(player.turn(applied(3)).committed, '5-6@1')
  t.is(player.turn(ae('L', '9@1', '', 9), applied(6)).committed, '7-9@1')
})

test('committed entries below the memory are read once, and applied in order', t => {
  const player = play(follower({ log: '1@1 2@1 3@1 4@1', settings: { logCacheBytes: WEIGHT } }))
  player.turn()
  const { reads, committed } = player.turn(ae('L', '4@1', '', 3))
  t.deepEqual([reads, committed], [['apply: 1-3'], ''])
  t.deepEqual(player.turn(ae('L', '4@1', '', 4)).reads, [])
  t.is(player.turn(readToApply(2, '2@1')).committed, '')
  const read = player.turn(readToApply(1, '1@1 2@1'))
  t.deepEqual([read.committed, read.reads], ['1@1 2@1', ['apply: 3-4']])
  t.is(player.turn(readToApply(3, '3@1 4@1')).committed, '3@1 4@1')
  t.is(player.turn(readToApply(3, '3@1 4@1')).committed, '')
})

test('a read never hands out more than is committed', t => {
  const player = play(follower({ log: '1-4@1', settings: { logCacheBytes: 0 } }))
  player.turn()
  player.turn(ae('L', '4@1', '', 2))
  t.is(player.turn(readToApply(1, '1-4@1')).committed, '1-2@1')
})

test('applied never falls, and never passes what was handed out', t => {
  const player = play(follower({ log: '1@1 2@1 3@1' }))
  player.turn(ae('L', '3@1', '', 2))
  const seen = [9, 1, 2].map(index => {
    player.turn(applied(index))
    return player.state.appliedIndex
  })
  t.deepEqual(seen, [2, 2, 2])
})

test('the memory keeps what is not yet on the disk, whatever its bound', t => {
  const player = play(leader({ others: '', settings: { logCacheBytes: 0 } }))
  player.turn({ type: 'proposed', id: 1, body: body(1) }, propose(2))
  t.is(showLog(player.state), '1@1 2@1')
  player.turn(allPersisted)
  t.is(showLog(player.state), '')
})

test('invariants notice a member that contradicts itself', t => {
  const sound = leader({ log: '1@1 2@1', commit: 1, term: 3 })
  t.deepEqual(brokenIn(sound), [])
  const sick = [
    { ...sound, commitIndex: 3 }, { ...sound, appliedIndex: 2 }, { ...sound, handedIndex: 2 }, { ...sound, persistedIndex: 3 },
    { ...sound, persistedIndex: 0 }, { ...sound, term: 0 }, { ...sound, votedFor: 'f1' },
    { ...sound, progress: sound.progress.map(one => ({ ...one, matchIndex: 3 })) },
    { ...sound, progress: sound.progress.map(one => ({ ...one, nextIndex: 4 })) }, { ...follower({ log: '1@1' }), verified: 2 },
  ]
  for (const state of sick) t.true(brokenIn(state).length > 0)
  const after = [
    { ...sound, term: 2 }, { ...sound, commitIndex: 0 }, { ...sound, appliedIndex: 0 }, { ...sound, votedFor: 'f1' },
    { ...sound, progress: sound.progress.map(one => ({ ...one, matchIndex: -1 })) }, { ...leader({ log: '1@1', commit: 1, term: 3 }) },
  ]
  for (const state of after) t.true(brokenBetween(sound, state).length > 0)
})

test('batches travel as they are: nothing is repacked between proposal, disk, network and machine', t => {
  const player = play(leader({ others: 'f1{next=1,on}', log: '' }))
  const packed = body(3)
  const { ready } = player.turn({ type: 'proposed', id: 1, body: packed })
  const write = ready.writes[0]!
  const sent = ready.messages[0]!
  const bodies = [write.type === 'append' ? write.batches : [], sent.type === 'appendEntries' ? sent.batches : [], held(player.state.log)]
    .map(([batch]) => batch?.kind === 'command' && batch.body)
  t.true(bodies.every(one => one === packed))
  t.is(showBatches(entries('1-3@1')), '1-3@1')
})
