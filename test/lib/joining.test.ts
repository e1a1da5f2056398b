/** A member that joins with an empty folder: when its vote begins to count, what it is told until then, and who counts on it. */
import test from 'ava'
import { firstStep } from '../../lib/recover.js'
import { type Fact, accepted, ae, allPersisted, follower, leader, play, progressOf, propose, refused, settingsOf, stored, tick } from './build.js'
import { awaits, snapshotAt } from './snapshots.js'

const JOINED = '1@1! 2@1 3@1=y//f1>f1,y'

/** What a leader of this term sends and calls committed, and whether f1 is a newcomer still once that is on its disk. */
const told: readonly (readonly [title: string, entries: string, leaderCommit: number, term: number, isNewcomer: boolean])[] = [
  ['all that is committed', JOINED, 3, 1, false],
  ['a part of it, in which it is no member yet', JOINED, 2, 1, true],
  ['nothing, by a leader that does not tell it', JOINED, 0, 1, true],
  ['more than it has', JOINED, 4, 1, true],
  ['no entry of the leader\'s own term', JOINED, 3, 2, true],
  ['one of the leader\'s own term', `${JOINED} 4@2!`, 4, 2, false],
  ['a membership that takes it for a voter', '1@1! 2@1=f1,y', 2, 1, true],
  ['one that takes it for one who leaves', '1@1! 2@1=y/f1,y', 2, 1, true],
  ['one by which it votes for the last time, to be a learner', '1@1! 2@1=y/f1,y/f1', 2, 1, true],
  ['one without it, behind one that had it', `${JOINED} 4@1=y`, 4, 1, true],
]
for (const [title, entries, commit, term, isNewcomer] of told) {
  test(`a newcomer hears of what is committed: ${title}`, t => {
    const player = play(follower({ voters: '', term }))
    player.turn(ae('y', '0@0', entries, commit, { term }))
    t.true(player.state.isNewcomer, 'nothing is on its disk')
    player.turn(allPersisted)
    t.is(player.state.isNewcomer, isNewcomer)
  })
}

test('a newcomer says that it is one, and in the turn that writes otherwise that it is none', t => {
  const player = play(follower({ voters: '' }))
  t.deepEqual(player.turn(ae('y', '5@1', '', 5)).said, ['no(y; T1; 5; 0@0 new)'])
  t.deepEqual(player.turn(ae('y', '0@0', JOINED, 5)).said, ['ok(y; T1; 3/0 new)'])
  t.deepEqual(player.turn(allPersisted).said, ['ok(y; T1; 3/3 new)'])
  t.deepEqual(player.turn(ae('y', '3@1', '4@1 5@1', 5)).said, [])
  const there = player.turn(allPersisted)
  t.deepEqual([there.said, there.wrote], [['ok(y; T1; 5/5)'], ['hardState(T1 - c=5)']])
})

test('it must have what it was told first, although more is committed meanwhile', t => {
  const player = play(follower({ voters: '' }))
  player.turn(ae('y', '0@0', JOINED, 3))
  player.turn(ae('y', '3@1', '4@1', 9))
  player.turn(allPersisted)
  t.false(player.state.isNewcomer)
})

test('where it is no learner by that it must have what it is told next', t => {
  const player = play(follower({ voters: '' }))
  player.turn(ae('y', '0@0', JOINED, 2))
  player.turn(allPersisted)
  player.turn(ae('y', '3@1', '', 3))
  t.false(player.state.isNewcomer)
})

test('another leader has to tell it again', t => {
  const player = play(follower({ voters: '' }))
  player.turn(ae('y', '0@0', JOINED, 3))
  player.turn(ae('x', '3@1', '4@2!', 0, { term: 2 }), allPersisted)
  t.true(player.state.isNewcomer)
  player.turn(ae('x', '4@2', '', 4, { term: 2 }), allPersisted)
  t.false(player.state.isNewcomer)
})

test('a start remembers whether it is one', t => {
  const isNewcomer = (notes: Parameters<typeof stored>[0], written?: true): boolean => {
    const found = stored(notes)
    return firstStep(settingsOf('f1'), { ...found, hardState: { ...found.hardState, ...(written && { isNewcomer: written }) } }, 1, 0).state.isNewcomer
  }
  t.true(isNewcomer({ voters: '' }), 'nothing is there')
  t.true(isNewcomer({ voters: '', log: '1@1!' }, true))
  t.false(isNewcomer({ voters: '', log: JOINED }))
  t.false(isNewcomer({ voters: 'f1 y' }), 'it was there from the beginning')
})

/** title, and what a newcomer says to a leader that takes it for a voter. */
const claims: readonly (readonly [string, Fact])[] = [
  ['has all of the log', accepted('f1', 2, 2, { isNewcomer: true })],
  ['lacks it', refused('f1', 1, '0@0', { isNewcomer: true })],
  ['awaits a chunk', awaits('f1', snapshotAt('1@1'), 0, { isNewcomer: true })],
]
for (const [title, claim] of claims) {
  test(`a leader counts on no newcomer that its log takes for a voter: one that ${title}`, t => {
    const player = play(leader({ others: 'f1{next=2} f2', log: '1@1 2@1', commit: 1 }))
    const turned = player.turn(allPersisted, claim)
    t.deepEqual([turned.noticed, player.state.commitIndex], [['contradiction'], 1])
    const { contact, matchIndex, nextIndex } = progressOf(player.state, 'f1')
    t.deepEqual([contact, matchIndex, nextIndex], [Number.NEGATIVE_INFINITY, 0, 2])
  })
}

test('what one says late that has become a voter since, and the first word of what comes back under its name, are not heard', t => {
  const player = play(leader({ log: '1@1 2@1', commit: 1 }))
  player.turn(allPersisted, accepted('f1', 2))
  const before = progressOf(player.state, 'f1')
  t.deepEqual(player.later(10, accepted('f1', 2, 2, { isNewcomer: true }), refused('f1', 2, '0@0', { isNewcomer: true })).noticed, [])
  t.deepEqual(progressOf(player.state, 'f1'), before)
  t.false(progressOf(player.state, 'f1').mayBeNewcomer)
})

/** What a leader tells one of the others to be committed. */
const toldTo = (id: string, said: readonly string[]): readonly string[] => said.filter(one => one.startsWith(`AE(${id};`)).map(one => one.slice(one.indexOf('c=')))

test('a newcomer is told of what is committed once a majority has answered what was asked behind its first word', t => {
  const player = play(leader({ others: 'f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2,on} n{nv,next=3}', log: '1@1! 2@1', commit: 2 }))
  const newcomer = accepted('n', 2, 2, { isNewcomer: true })
  const before = player.state.round
  player.later(10, newcomer)
  player.later(1, accepted('f1', 2, 2, { round: before }), accepted('f2', 2, 2, { round: before }))
  t.deepEqual(toldTo('n', player.later(100, tick, newcomer).said), ['c=0)'], 'what was answered was asked before')
  t.deepEqual(toldTo('n', player.later(1, accepted('f1', 2)).said), ['c=2)'])
})

test('a leader that alone votes tells a newcomer at once', t => {
  const player = play(leader({ voters: 'L', others: 'n{nv,next=3}', log: '1@1! 2@1', commit: 2 }))
  player.turn(accepted('n', 2, 2, { isNewcomer: true }))
  t.deepEqual(toldTo('n', player.turn(propose(1)).said), ['c=2)'])
})
