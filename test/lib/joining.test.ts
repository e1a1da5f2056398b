/** A member that joins with an empty folder: when its vote begins to count, and who counts on it before. */
import test from 'ava'
import { NOT_YET } from '../../lib/state.js'
import { firstStep } from '../../lib/recover.js'
import { type Fact, accepted, ae, allPersisted, follower, leader, play, progressOf, refused, settingsOf, stored } from './build.js'
import { awaits, snapshotAt } from './snapshots.js'

const JOINED = '1@1! 2@1 3@1=y//f1>y,f1'

/** title, what its log gets after nothing, how much of it the leader of which term calls committed, and from where on it votes then. */
const words: readonly (readonly [title: string, entries: string, commit: number, term: number, from: number])[] = [
  ['all that is committed', JOINED, 3, 1, 3],
  ['a part of it, in which it is no member yet', JOINED, 2, 1, NOT_YET],
  ['nothing, by a leader that does not know it to be there', JOINED, 0, 1, NOT_YET],
  ['more than it has', JOINED, 4, 1, NOT_YET],
  ['no entry of the leader\'s own term', JOINED, 3, 2, NOT_YET],
  ['one of the leader\'s own term', `${JOINED} 4@2!`, 4, 2, 4],
  ['a membership that takes it for a voter', '1@1! 2@1=f1,y', 2, 1, NOT_YET],
  ['one that takes it for one who leaves', '1@1! 2@1=y/f1,y', 2, 1, NOT_YET],
  ['one without it, behind one that had it', `${JOINED} 4@1=y`, 4, 1, NOT_YET],
]
for (const [title, entries, commit, term, from] of words) {
  test(`a newcomer hears of what is committed: ${title}`, t => {
    const player = play(follower({ voters: '', term }))
    player.turn(ae('y', '0@0', entries, commit, { term }))
    t.is(player.state.votesFrom, from)
  })
}

test('a newcomer says so until it has on its disk what it must have', t => {
  const player = play(follower({ voters: '' }))
  t.deepEqual(player.turn(ae('y', '5@1', '', 5)).said, ['no(y; T1; 5; 0@0 new)'])
  t.deepEqual(player.turn(ae('y', '0@0', '1@1! 2@1', 5)).said, ['ok(y; T1; 2/0 new)'])
  t.deepEqual(player.turn(allPersisted).said, ['ok(y; T1; 2/2 new)'])
  const told = player.turn(ae('y', '2@1', '3@1=y//f1>y,f1 4@1', 3))
  t.deepEqual([told.said, told.wrote], [['ok(y; T1; 4/2 new)'], ['hardState(T1 - c=2 v=3)', 'append(3@1=y//f1>y,f1 4@1)']])
  t.deepEqual(player.turn(allPersisted).said, ['ok(y; T1; 4/4)'])
})

test('where all of it is on its disk it says at once that it is none any more', t => {
  const player = play(follower({ voters: '' }))
  player.turn(ae('y', '0@0', JOINED))
  t.deepEqual(player.turn(allPersisted).said, ['ok(y; T1; 3/3 new)'])
  t.deepEqual(player.turn(ae('y', '3@1', '', 3)).said, ['ok(y; T1; 3/3)'])
})

test('what it must have is said once', t => {
  const player = play(follower({ voters: '' }))
  player.turn(ae('y', '0@0', JOINED, 3), allPersisted)
  player.turn(ae('y', '3@1', '4@1 5@1', 5))
  t.is(player.state.votesFrom, 3)
})

test('a start remembers from where on it votes', t => {
  const from = (notes: Parameters<typeof stored>[0], votesFrom?: number): number => {
    const found = stored(notes)
    return firstStep(settingsOf('f1'), { ...found, hardState: { ...found.hardState, ...(votesFrom !== undefined && { votesFrom }) } }, 1, 0).state.votesFrom
  }
  t.is(from({ voters: '' }), NOT_YET, 'nothing is there')
  t.is(from({ voters: '', log: '1@1!' }, NOT_YET), NOT_YET)
  t.is(from({ voters: '', log: JOINED }, 3), 3)
  t.is(from({ voters: 'f1 y' }), 0, 'it was there from the beginning')
  t.is(from({ voters: 'f1 y', log: '1@1!' }), 0)
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
