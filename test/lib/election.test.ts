import test from 'ava'
import { isReplaying } from '../../lib/fitness.js'
import { brokenIn } from '../../lib/invariants.js'
import { firstStep } from '../../lib/recover.js'
import {
  type Fact, accepted, ae, allPersisted, applied, follower, lateTick, leader, play, preVote, requestPreVote, requestVote, settingsOf, showLast,
  stored, tick, vote,
} from './build.js'
import { snapshotAt } from './snapshots.js'

type Notes = NonNullable<Parameters<typeof follower>[0]>
const WAIT = 2001

/** A member whose wait has just ended, asking for pre-votes. */
const asking = (notes: Notes = {}) => {
  const player = play(follower({ id: 'a', voters: 'a b c', ...notes }))
  return { player, asked: player.later(WAIT, tick) }
}
/** The same, one answer later: a candidate in a new term. */
const standing = (notes: Notes = {}, ...ayes: readonly string[]) => {
  const { player } = asking(notes)
  return { player, stood: player.turn(...(ayes.length > 0 ? ayes : ['b']).map(id => preVote(id, true))) }
}

test('E01 N04 a member alone is leader at its first tick, durable before it commits', t => {
  const player = play(firstStep(settingsOf('a'), stored({ voters: 'a', term: 3 }), 1, 0).state)
  const { wrote, said } = player.later(1, tick)
  t.is(player.state.role, 'leader')
  t.deepEqual([wrote, said], [['hardState(T4 a c=0)', 'append(1@4!)'], []])
  t.is(player.state.commitIndex, 0)
  t.is(player.turn(allPersisted).committed, '1@4!')
})

test('E02 silence ends in a pre-vote, which changes neither term nor vote', t => {
  const { player, asked } = asking({ term: 2, log: '1@1', votedFor: 'c' })
  t.deepEqual(asked.said, ['pre-RV(b; T2; 1@1)', 'pre-RV(c; T2; 1@1)'])
  t.deepEqual(asked.wrote, [])
  t.like(player.state, { role: 'candidate', term: 2, votedFor: 'c' })
  t.true(player.state.electionDeadline >= player.state.now + 1000)
})

test('E03 a deadline is looked at only after all that has been heard', t => {
  const player = play(follower({ id: 'a', voters: 'a b c', log: '1@1' }))
  t.deepEqual(player.later(WAIT, ae('b', '1@1'), tick).said, ['ok(b; T1; 1/1)'])
  t.is(player.state.role, 'follower')
})

test('a late tick does not end the wait: the leader has a heartbeat to be heard, and what was waited before the member was away counts on', t => {
  const player = play(follower({ id: 'a', voters: 'a b c' }))
  const { electionDeadline } = player.state
  t.deepEqual(player.later(900, lateTick(501)).noticed, ['stalled'])
  t.is(player.state.electionDeadline, electionDeadline + 501)
  t.deepEqual(player.later(5000, lateTick(4500)).noticed, ['stalled'])
  t.is(player.state.role, 'follower')
  t.is(player.state.electionDeadline, Math.max(electionDeadline + 501 + 4500, player.state.now + 100))
  player.later(WAIT, lateTick(500))
  t.is(player.state.role, 'candidate')
})

for (const [when, facts] of [['in the same turn', [[ae('b', '1@1'), lateTick(60_000)]]], ['in a turn before', [[ae('b', '1@1')], [lateTick(60_000)]]]] as const) {
  test(`a member that hears its leader ${when}, and then of a late tick, waits no longer than anybody`, t => {
    const player = play(follower({ id: 'a', voters: 'a b c', log: '1@1' }))
    player.later(60_000)
    for (const turn of facts) player.turn(...turn)
    t.true(player.state.electionDeadline >= player.state.now + 1000)
    t.true(player.state.electionDeadline <= player.state.now + 1500)
  })
}

test('a member that is busy again and again for longer than stallMs stands all the same', t => {
  const player = play(follower({ id: 'a', voters: 'a b c' }))
  for (let i = 0; i < 10 && player.state.role === 'follower'; i++) {
    player.later(600, lateTick(550))
    for (let free = 0; free < 150; free += 50) player.later(50, tick)
  }
  t.is(player.state.role, 'candidate')
})

test('who waits to be added votes for nobody', t => {
  const waiting = play(follower({ voters: '' }))
  t.deepEqual(waiting.turn(requestPreVote('x', 2, '0@0')).said, ['pre-RVR(x; T1; no)'])
  t.deepEqual(waiting.turn(requestVote('x', 2, '0@0')).said, ['RVR(x; T2; no)'])
})

test('E05 a granted vote is written, and begins the wait anew', t => {
  const player = play(follower({ term: 1000, voters: 'f1 x y' }))
  player.later(900)
  const before = player.state.electionDeadline
  const { said, wrote } = player.turn(requestVote('x', 1000, '10000@999'))
  t.deepEqual([said, wrote], [['RVR(x; T1000; yes)'], ['hardState(T1000 x c=0)']])
  t.true(player.state.electionDeadline >= player.state.now + 1000)
  t.not(player.state.electionDeadline, before)
})

/** title, state, question, answer, vote afterwards; the term afterwards is the answer's. */
const votes: readonly (readonly [string, Notes, Fact, string, string | undefined])[] = [
  ['E07 the same candidate is granted again', { term: 5, votedFor: 'x' }, requestVote('x', 5, '0@0'), 'RVR(x; T5; yes)', 'x'],
  ['another candidate of the same term is refused', { term: 5, votedFor: 'x' }, requestVote('y', 5, '9@4'), 'RVR(y; T5; no)', 'x'],
  ['E09 a higher last term wins over a longer log', { log: '1-2000@1' }, requestVote('x', 3, '5@2'), 'RVR(x; T3; yes)', 'x'],
  ['a longer log of a lower last term loses', { log: '1@1 2@3' }, requestVote('x', 4, '99@2'), 'RVR(x; T4; no)', undefined],
  ['of equal last terms the shorter log loses', { log: '1@1 2@1' }, requestVote('x', 2, '1@1'), 'RVR(x; T2; no)', undefined],
  ['equal logs win', { log: '1@1 2@1' }, requestVote('x', 2, '2@1'), 'RVR(x; T2; yes)', 'x'],
  ['E11 a higher term is taken from a candidate that is refused', { log: '1@1' }, requestVote('x', 5, '0@0'), 'RVR(x; T5; no)', undefined],
  ['an older term is refused', { term: 5 }, requestVote('x', 4, '9@4'), 'RVR(x; T5; no)', undefined],
  [
    'a candidate is neither heard nor voted for while a leader is there',
    { term: 5, leader: 'y', verified: 0 }, requestVote('x', 9, '9@8'), 'RVR(x; T5; no)', undefined,
  ],
  ['not even in the leader\'s own term', { term: 5, leader: 'y' }, requestVote('x', 5, '9@4'), 'RVR(x; T5; no)', undefined],
  ['the leader itself may stand again', { term: 5, leader: 'x' }, requestVote('x', 6, '9@5'), 'RVR(x; T6; yes)', 'x'],
  ['a pre-vote is granted in words alone', { term: 5, votedFor: 'y' }, requestPreVote('x', 5, '0@0'), 'pre-RVR(x; T5; yes)', 'y'],
  ['a pre-vote of a higher term changes no term', { term: 5 }, requestPreVote('x', 8, '0@0'), 'pre-RVR(x; T5; yes)', undefined],
  ['a pre-vote of an older term is refused with the newer one', { term: 5 }, requestPreVote('x', 4, '9@4'), 'pre-RVR(x; T5; no)', undefined],
  ['a pre-vote with an older log is refused', { log: '1@1' }, requestPreVote('x', 1, '0@0'), 'pre-RVR(x; T1; no)', undefined],
  ['a newcomer refuses', { log: '1-4@1', isNewcomer: true }, requestVote('x', 2, '9@1'), 'RVR(x; T2; no)', undefined],
  ['a newcomer refuses a pre-vote', { log: '1-5@1', isNewcomer: true }, requestPreVote('x', 4, '9@3'), 'pre-RVR(x; T1; no)', undefined],
  ['a pre-vote is refused while another leader is there', { leader: 'y' }, requestPreVote('x', 1, '0@0'), 'pre-RVR(x; T1; no)', undefined],
  ['a pre-vote of the last known leader is granted', { leader: 'x' }, requestPreVote('x', 1, '0@0'), 'pre-RVR(x; T1; yes)', undefined],
  ['a learner grants: who asks decides', { voters: 'x y', learners: 'f1' }, requestVote('x', 2, '0@0'), 'RVR(x; T2; yes)', 'x'],
]
for (const [title, notes, ask, said, votedFor] of votes) {
  test(title, t => {
    const player = play(follower({ voters: 'f1 x y', ...notes }))
    const { electionDeadline } = player.state
    t.deepEqual(player.turn(ask).said, [said])
    t.true(said.includes(`; T${player.state.term}; `))
    t.is(player.state.votedFor, votedFor)
    // Only a granted vote begins the wait anew: neither a refusal nor a pre-vote does.
    if (said.startsWith('pre') || said.includes('no')) t.is(player.state.electionDeadline, electionDeadline)
  })
}

test('a newcomer does not stand', t => {
  const { player, asked } = asking({ log: '1-5@1', isNewcomer: true })
  t.deepEqual([asked.said, player.state.role], [[], 'follower'])
})

test('every word of a leader is heard, a refused one too', t => {
  for (const prev of ['0@0', '9@9']) {
    const player = play(follower({ voters: 'f1 x y' }))
    player.turn(ae('y', prev))
    t.deepEqual(player.later(999, requestVote('x', 2, '0@0')).said, ['RVR(x; T1; no)'])
  }
})

test('a leader is heard of for one election timeout', t => {
  const at = (ms: number): readonly string[] => {
    const player = play(follower({ voters: 'f1 x y', leader: 'y' }))
    return player.later(ms, requestVote('x', 2, '0@0')).said
  }
  t.deepEqual([at(999), at(1000)], [['RVR(x; T1; no)'], ['RVR(x; T2; yes)']])
})

test('a leader that hears its quorum takes no newer term from a candidate; one that does not, does', t => {
  const player = play(leader({ log: '1@1', others: 'f1{on} f2{on}' }))
  t.deepEqual(player.turn(requestVote('f1', 9, '9@8')).said.at(0), 'RVR(f1; T1; no)')
  t.is(player.state.role, 'leader')
  t.deepEqual(player.later(1001, requestVote('f1', 9, '9@8')).said, ['RVR(f1; T9; yes)'])
  t.is(player.state.role, 'follower')
})

test('N02 votes are asked of all other voters in the next term, with the last entry', t => {
  const { stood } = standing({ voters: 'a b c d e', log: '1@1 2@1 3@1 4@1 5@1', term: 2 }, 'b', 'c')
  t.deepEqual(stood.said, ['b', 'c', 'd', 'e'].map(id => `RV(${id}; T3; 5@1)`))
  t.deepEqual(stood.wrote, ['hardState(T3 a c=0)'])
})

test('N05 N06 a majority of votes makes the leader', t => {
  const { player } = standing({ term: 2 })
  player.turn(vote('b', true))
  t.like(player.state, { role: 'leader', term: 3, leader: 'a' })
})

test('N08 learners are not asked and do not count', t => {
  const { player, asked } = asking({ voters: 'a p2 p3', learners: 'p1 p4' })
  t.deepEqual(asked.said.map(text => text.slice(7, 9)), ['p2', 'p3'])
  player.turn(preVote('p1', true), preVote('p4', true))
  t.is(player.state.term, 1)
  player.turn(preVote('p2', true))
  player.turn(vote('p2', false), vote('p1', true))
  t.is(player.state.role, 'candidate')
  player.turn(vote('p3', true))
  t.is(player.state.role, 'leader')
})

test('N10 a vote that comes twice counts once', t => {
  const { player } = standing({ voters: 'a b c d e' }, 'b', 'c')
  player.turn(vote('b', true), vote('b', true))
  player.turn(vote('b', true))
  t.is(player.state.role, 'candidate')
  player.turn(vote('c', true))
  t.is(player.state.role, 'leader')
})

const noVotes: readonly (readonly [string, Fact])[] = [
  ['of an older election', vote('b', true, { round: 1 })],
  ['of an older term', vote('b', true, { term: 1 })],
  ['for a pre-vote', preVote('b', true)],
  ['of a stranger', vote('x', true)],
  ['that is refused', vote('b', false)],
]
for (const [what, fact] of noVotes) {
  test(`an answer ${what} is no vote`, t => {
    const { player } = standing({ term: 1 })
    player.turn(fact)
    t.like(player.state, { role: 'candidate', term: 2 })
  })
}

test('a term that was merely seen is no vote of that term', t => {
  const { player } = standing({ term: 1 })
  player.turn(ae('c', '0@0', '', 0, { term: 7 }))
  t.like(player.state, { role: 'follower', term: 7, votedFor: undefined })
})

test('a pre-vote that is granted in words of an older term counts', t => {
  const { player } = asking({ term: 5 })
  player.turn(preVote('b', true, { term: 3 }))
  t.is(player.state.term, 6)
})

test('a refused pre-vote brings the newer term, and the member waits its turn', t => {
  const { player } = asking({ term: 5 })
  t.deepEqual(player.turn(preVote('b', false, { term: 9 })).wrote, ['hardState(T9 - c=0)'])
  t.like(player.state, { role: 'follower', term: 9 })
})

test('N11 a leader of an older term is refused', t => {
  const { player } = standing({ term: 1 })
  t.deepEqual(player.turn(ae('b', '0@0', '', 0, { term: 1 })).said, ['no(b; T2; 0; 0@0)'])
  t.is(player.state.role, 'candidate')
})

test('a candidate yields to the leader of its term and keeps its vote', t => {
  const { player } = standing({ term: 1 })
  t.deepEqual(player.turn(ae('b', '0@0', '1@2')).said, ['ok(b; T2; 1/0)'])
  t.like(player.state, { role: 'follower', term: 2, leader: 'b', votedFor: 'a' })
})

test('N14 an older vote request is refused', t => {
  const { player } = standing({ term: 1 })
  t.deepEqual(player.turn(requestVote('b', 1, '9@1')).said, ['RVR(b; T2; no)'])
})

test('N16 a candidate has voted for itself', t => {
  const { player } = standing({ term: 1000 })
  t.deepEqual(player.turn(requestVote('a', 1001, '0@0'), requestVote('b', 1001, '0@0')).said, ['RVR(a; T1001; yes)', 'RVR(b; T1001; no)'])
})

for (const [title, last, answer, votedFor] of [['N17 a better log', '9@4', 'yes', 'b'], ['N18 a worse log', '0@0', 'no', undefined]] as const) {
  test(`${title} in a newer term: the candidate follows, and votes by the log`, t => {
    const { player } = standing({ log: '1@1' })
    t.deepEqual(player.turn(requestVote('b', 5, last)).said, [`RVR(b; T5; ${answer})`])
    t.like(player.state, { role: 'follower', term: 5, votedFor })
  })
}

test('N20 a candidate knows no leader', t => {
  t.is(asking({ leader: 'b' }).player.state.leader, undefined)
})

test('an election without a majority is repeated after its wait, from the pre-vote', t => {
  const { player } = standing({ term: 1 })
  player.turn(allPersisted)
  const { said } = player.later(WAIT, tick)
  t.deepEqual(said, ['pre-RV(b; T2; 0@0)', 'pre-RV(c; T2; 0@0)'])
  t.is(player.state.term, 2)
})

test('waits are drawn anew each time, between one election timeout and one and a half', t => {
  const player = play(follower({ id: 'a', voters: 'a b c', log: '1@1' }))
  const waits = Array.from({ length: 200 }, () => {
    player.turn(ae('b', '1@1'))
    return player.state.electionDeadline - player.state.now
  })
  t.true(waits.every(wait => wait >= 1000 && wait < 1500))
  t.true(new Set(waits).size > 190)
  t.true(Math.min(...waits) < 1025 && Math.max(...waits) > 1475)
})

test('a learner never stands, and forgets a leader that is silent', t => {
  const player = play(follower({ id: 'n', voters: 'a b', learners: 'n', leader: 'a' }))
  t.deepEqual(player.later(WAIT, tick).said, [])
  t.like(player.state, { role: 'follower', leader: undefined })
})

test('joint consensus: an election needs both majorities', t => {
  const { player } = asking({ voters: 'a b', outgoing: 'c d a' })
  player.turn(preVote('b', true))
  t.is(player.state.term, 1)
  player.turn(preVote('c', true))
  t.is(player.state.term, 2)
})

test('a leader of whose writes nothing became durable for an election timeout steps down and stands only when it is done', t => {
  const player = play(leader({ others: 'f1{on} f2{on}', log: '1@1' }))
  player.turn(state => ({ type: 'proposed', id: 1, body: { count: 1, bytes: new Uint8Array(8), checksum: state.term } }))
  const { turn } = player.later(600, tick)
  player.turn(accepted('f1', 2), accepted('f2', 2))
  const { noticed } = player.later(401, tick)
  t.deepEqual([noticed, player.state.role], [['slowDisk'], 'follower'])
  player.later(WAIT, tick)
  t.is(player.state.role, 'follower')
  player.later(WAIT, { type: 'persisted', turn }, tick)
  t.is(player.state.role, 'candidate')
})

test('a leader that was stopped takes no old answer for a fresh one', t => {
  const player = play(leader({ others: 'f1{on} f2{on}', log: '1@1' }))
  player.later(100, tick)
  const { noticed } = player.later(5000, accepted('f1', 1), accepted('f2', 1), lateTick(4900))
  t.deepEqual(noticed, ['stalled', 'quorumLost'])
  t.is(player.state.role, 'follower')
})

test('rounds never repeat, even when the clock stands still', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on} f2{next=2,match=1,on}', log: '1@1' }))
  const rounds = [1, 2, 3].map(() => {
    const asked = player.later(0, { type: 'proposed', id: 1, body: { count: 1, bytes: new Uint8Array(8), checksum: 0 } }).ready.messages
    return new Set(asked.map(({ round }) => round))
  })
  t.true(rounds.every(one => one.size === 1))
  const [first, second, third] = rounds.map(one => [...one][0]!)
  t.true(first! < second! && second! < third!)
})

test('V01 V02 V04 recovery applies again what was committed for certain, and no more', t => {
  const player = play(firstStep(settingsOf('a'), stored({ voters: 'a b c', base: '4@1', log: '5@1 6@1 7@1 8@1', commit: 6 }), 1, 0, snapshotAt('4@1')).state)
  t.like(player.state, { role: 'follower', commitIndex: 6, appliedIndex: 4, persistedIndex: 8 })
  t.is(player.turn().committed, '5@1 6@1')
  const fresh = play(firstStep(settingsOf('a'), stored({ voters: 'a b c', log: '1@1', commit: 0 }), 1, 0).state)
  t.is(fresh.turn().committed, '')
  t.is(showLast(fresh.state), '1@1')
})

test('who decides alone applies again while it leads; a learner of such a cluster first, and may be told to stand', t => {
  const notes: Notes = { log: '1@1 2@1', commit: 2 }
  const alone = firstStep(settingsOf('a'), stored({ ...notes, voters: 'a' }), 1, 0).state
  t.false(isReplaying(alone))
  t.is(alone.electionDeadline, 0)
  const learner = firstStep(settingsOf('b'), stored({ ...notes, voters: 'a', learners: 'b' }), 1, 0).state
  t.true(isReplaying(learner))
  t.true(learner.electionDeadline > 0)
})

test('what is appended behind a snapshot is no older than it, also after a start that finds nothing behind it', t => {
  const snapshot = { ...snapshotAt('4@1'), time: 5_000 }
  t.is(firstStep(settingsOf('a'), stored({ voters: 'a b c', base: '4@1' }), 1, 0, snapshot).state.log.time, 5_000)
})

test('a machine that began from a snapshot is handed what follows it, and that much was committed, whatever else is known', t => {
  const notes: Notes = { voters: 'a b c', log: '1@1 2@1 3@1 4@1', commit: 2 }
  const { state } = firstStep(settingsOf('a'), stored(notes), 1, 0, snapshotAt('3@1'))
  t.like(state, { commitIndex: 3, handedIndex: 3, appliedIndex: 3, replayTo: 3, writtenCommit: 2 })
  t.false(isReplaying(state))
  t.deepEqual(brokenIn(state), [])
  t.is(play(state).turn().committed, '')
  const further = firstStep(settingsOf('a'), stored({ ...notes, commit: 4 }), 1, 0, snapshotAt('3@1')).state
  t.like(further, { commitIndex: 4, appliedIndex: 3, replayTo: 4 })
  t.true(isReplaying(further), 'it does not stand for election before it has caught up')
  t.is(play(further).turn().committed, '4@1')
})

test('V08 V09 term and vote survive; an empty store begins at 0', t => {
  const again = (notes: Notes): unknown => {
    const { term, votedFor, role } = firstStep(settingsOf('a'), stored({ voters: 'a b', ...notes }), 1, 0).state
    return [term, votedFor, role]
  }
  t.deepEqual(again({ term: 5, votedFor: 'a' }), [5, 'a', 'follower'])
  t.deepEqual(again({ term: 0 }), [0, undefined, 'follower'])
})

test('V10 in a term known only from the log nobody gets a vote that may have been given', t => {
  const player = play(firstStep(settingsOf('a'), stored({ voters: 'a b c', term: 2, votedFor: 'b', log: '1@3' }), 1, 0).state)
  t.is(player.state.term, 3)
  t.deepEqual(player.turn(requestVote('b', 3, '9@3')).said, ['RVR(b; T3; no)'])
  t.deepEqual(player.turn(requestVote('b', 4, '9@3')).said, ['RVR(b; T4; yes)'])
})

test('a stored commit beyond the log is not believed', t => {
  t.is(firstStep(settingsOf('a'), stored({ voters: 'a b', log: '1@1', commit: 9 }), 1, 0).state.commitIndex, 1)
})

test('a leader is a follower again after a restart, with its vote', t => {
  const { state } = firstStep(settingsOf('a'), stored({ voters: 'a', term: 4, votedFor: 'a', log: '1@4!' }), 1, 0)
  t.like(state, { role: 'follower', term: 4, votedFor: 'a' })
  const player = play(state)
  player.later(1, tick)
  t.is(player.state.term, 5)
  t.is(player.turn(allPersisted).committed, '1@4! 2@5!')
  player.turn(applied(2))
})
