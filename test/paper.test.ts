/**
 * The sentences of the Raft paper that bind an implementation, in the paper's order and in our own words, each as a test:
 * Figure 2 to §5.3. § is the extended paper. Every test has three parts: what is given, what happens, what follows.
 */
import test from 'ava'
import { firstStep } from '../lib/recover.js'
import {
  accepted, ae, allPersisted, candidateIn, follower, leader, play, preVote, propose, refused, requestVote, settingsOf, showLog, showProgress,
  stored, tick, vote,
} from './lib/build.js'
import { elected } from './lib/cluster.js'

const LONG_SILENCE = 2001

test('Figure 2, State: term, vote and log are kept across restarts; everything else begins anew', t => {
  const disk = stored({ voters: 'a b c', term: 7, votedFor: 'c', log: '1@3 2@7' })

  const { state } = firstStep(settingsOf('a'), disk, 1, 0)

  t.like(state, { role: 'follower', term: 7, votedFor: 'c', commitIndex: 0, appliedIndex: 0, leader: undefined })
  t.is(showLog(state), '1@3 2@7')
})

test('Figure 2, State: nextIndex begins behind the leader\'s last entry, matchIndex at 0', t => {
  const player = candidateIn(2, '1@1 2@1')

  player.turn(vote('b', true), vote('c', true))

  for (const id of ['b', 'c', 'd', 'e']) t.is(showProgress(player.state, id), 'probe next=3 match=0')
})

test('Figure 2, AppendEntries 1: false for a term older than the receiver\'s', t => {
  const player = play(follower({ term: 3, log: '1@1' }))

  const { said } = player.turn(ae('L', '1@1', '2@2', 0, { term: 2 }))

  t.deepEqual(said, ['no(L; T3; 1; 0@0)'])
  t.is(showLog(player.state), '1@1')
})

test('Figure 2, AppendEntries 2: false where the log has no entry of prevLogTerm at prevLogIndex', t => {
  const short = play(follower({ term: 3, log: '1@1' }))
  const other = play(follower({ term: 3, log: '1@1 2@1 3@1' }))

  t.deepEqual(short.turn(ae('L', '3@2', '4@3')).said, ['no(L; T3; 3; 1@1)'])
  t.deepEqual(other.turn(ae('L', '3@2', '4@3')).said, ['no(L; T3; 3; 3@1)'])

  t.deepEqual([short, other].map(({ state }) => showLog(state)), ['1@1', '1@1 2@1 3@1'])
})

test('Figure 2, AppendEntries 3: an entry that conflicts with a new one is deleted, and all that follow it', t => {
  const player = play(follower({ term: 3, log: '1@1 2@1 3@1 4@1' }))

  player.turn(ae('L', '1@1', '2@3'))

  t.is(showLog(player.state), '1@1 2@3')
})

test('Figure 2, AppendEntries 4: entries not already in the log are appended', t => {
  const player = play(follower({ log: '1@1 2@1' }))

  player.turn(ae('L', '0@0', '1@1 2@1 3@1 4@1'))

  t.is(showLog(player.state), '1@1 2@1 3@1 4@1')
})

test('Figure 2, AppendEntries 5: the commit follows the leader\'s, as far as the last new entry', t => {
  const player = play(follower({ log: '1@1 2@1 3@1' }))

  player.turn(ae('L', '0@0', '1@1', 9))

  t.is(player.state.commitIndex, 1)
})

test('Figure 2, RequestVote 1: false for a term older than the receiver\'s', t => {
  const player = play(follower({ term: 3 }))

  t.deepEqual(player.turn(requestVote('L', 2, '9@2')).said, ['RVR(L; T3; no)'])

  t.is(player.state.votedFor, undefined)
})

test('Figure 2, RequestVote 2: granted when no one else has the vote and the candidate\'s log is at least as up-to-date', t => {
  const free = play(follower({ term: 3, log: '1@1 2@2' }))
  const taken = play(follower({ term: 3, log: '1@1 2@2', votedFor: 'f2' }))

  t.deepEqual(free.turn(requestVote('L', 3, '2@2')).said, ['RVR(L; T3; yes)'])
  t.deepEqual(taken.turn(requestVote('L', 3, '2@2')).said, ['RVR(L; T3; no)'])

  t.deepEqual([free.state.votedFor, taken.state.votedFor], ['L', 'f2'])
})

test('Figure 2, All servers: what is committed is applied, in the log\'s order', t => {
  const player = play(follower({ log: '1@1 2@1 3@1' }))

  const { committed } = player.turn(ae('L', '3@1', '', 2))

  t.is(committed, '1@1 2@1')
})

for (const [role, state] of [['follower', follower()], ['candidate', candidateIn(2).state], ['leader', leader()]] as const) {
  test(`Figure 2, All servers: a ${role} that sees a higher term takes it and follows (§5.1)`, t => {
    const player = play({ ...state })

    player.turn(ae('x', '5@5', '', 0, { term: 9 }))

    t.like(player.state, { role: 'follower', term: 9, votedFor: undefined })
  })

  test(`Figure 2, All servers: a ${role} refuses what comes with an older term (§5.1)`, t => {
    const player = play({ ...state, term: 9 })

    const { said } = player.turn(ae('x', '0@0', '1@5', 0, { term: 5 }))

    t.deepEqual(said, ['no(x; T9; 0; 0@0)'])
    t.is(player.state.role, role)
  })
}

test('§5.1 terms are exchanged with every message, requests and answers alike', t => {
  const group = elected('a b c')

  const { term } = group.leader().state

  t.true(group.sent.length > 6)
  t.true(group.sent.every(text => /T\d+;/.test(text)))
  t.true(group.members.every(({ state }) => state.term === term))
})

test('§5.2 a server begins as a follower, and stays one while it hears from a leader', t => {
  const player = play(follower({ log: '1@1' }))

  for (let i = 0; i < 50; i++) player.later(100, ae('L', '1@1'), tick)

  t.like(player.state, { role: 'follower', leader: 'L' })
})

test('§5.2 a leader sends heartbeats to all followers, to keep its authority', t => {
  const player = play(leader({ others: 'a{on,next=2} b{on,next=2} c{on,next=2}', log: '1@1' }))

  const { said } = player.later(100, tick)

  t.deepEqual(said, ['a', 'b', 'c'].map(id => `AE(${id}; T1; 1@1; []; c=0)`))
})

test('§5.2 a follower that hears nothing for an election timeout assumes that there is no leader', t => {
  const player = play(follower({ leader: 'L' }))

  player.later(999, tick)
  const before = player.state.role
  player.later(LONG_SILENCE, tick)

  t.deepEqual([before, player.state.role, player.state.leader], ['follower', 'candidate', undefined])
})

test('§5.2 to begin an election it raises its term, votes for itself and asks all others', t => {
  const player = play(follower({ id: 'a', voters: 'a b c', term: 4 }))

  player.later(LONG_SILENCE, tick)
  const { said, wrote } = player.turn(preVote('b', true))

  t.like(player.state, { role: 'candidate', term: 5, votedFor: 'a' })
  t.deepEqual(said, ['RV(b; T5; 0@0)', 'RV(c; T5; 0@0)'])
  t.deepEqual(wrote, ['hardState(T5 a c=0)'])
})

const polls: readonly (readonly [string, readonly string[], string])[] = [
  ['a b c', ['b+'], 'leader'], ['a b c', ['b-', 'c+'], 'leader'], ['a b c', ['b-'], 'candidate'], ['a b c', ['b-', 'c-'], 'candidate'],
  ['a b c d', ['b+'], 'candidate'], ['a b c d', ['b+', 'c+'], 'leader'], ['a b c d e', ['b+'], 'candidate'], ['a b c d e', ['b+', 'c+'], 'leader'],
  ['a b c d e', ['b-', 'c-', 'd+'], 'candidate'],
]
for (const [voters, cast, role] of polls) {
  test(`§5.2 a majority of all servers wins: of ${voters} with ${cast.join(' ')} a is ${role}`, t => {
    const player = play(follower({ id: 'a', voters }))
    player.later(LONG_SILENCE, tick)
    player.turn(...voters.split(' ').map(id => preVote(id, true)))

    player.turn(...cast.map(text => vote(text[0]!, text[1] === '+')))

    t.is(player.state.role, role as typeof player.state.role)
  })
}

test('§5.2 each server votes for at most one candidate of a term, first come, first served', t => {
  const player = play(follower({ term: 1 }))

  const { said } = player.turn(requestVote('L', 2, '0@0'), requestVote('f2', 2, '0@0'), requestVote('L', 2, '0@0'))

  t.deepEqual(said, ['RVR(L; T2; yes)', 'RVR(f2; T2; no)', 'RVR(L; T2; yes)'])
})

test('§5.2 a winner tells everyone at once, which prevents new elections', t => {
  const player = candidateIn(2)

  const { said } = player.turn(vote('b', true), vote('c', true))

  t.deepEqual(said, ['b', 'c', 'd', 'e'].map(id => `AE(${id}; T2; 0@0; []; c=0)`))
})

test('§5.2 a candidate that hears the leader of its term or a later one follows it', t => {
  for (const term of [2, 3]) {
    const player = candidateIn(2)

    player.turn(ae('b', '0@0', '', 0, { term }))

    t.like(player.state, { role: 'follower', leader: 'b', term })
  }
})

test('§5.2 an election that nobody wins times out, and is followed by another in a higher term', t => {
  const player = candidateIn(2)
  player.turn(allPersisted, vote('b', false), vote('c', true))

  player.later(LONG_SILENCE, tick)
  player.turn(preVote('b', true), preVote('c', true))

  t.like(player.state, { role: 'candidate', term: 3, votedFor: 'a' })
})

test('§5.2 election timeouts are random, so that split votes are rare and resolved quickly', t => {
  const deadlines = Array.from({ length: 100 }, (_, seed) => firstStep(settingsOf('a'), stored({ voters: 'a b c' }), seed, 0).state.electionDeadline)

  const spread = new Set(deadlines.map(Math.floor))

  t.true(deadlines.every(deadline => deadline >= 1000 && deadline < 1500))
  t.true(spread.size > 80)
})

test('§5.3 a command is appended to the leader\'s log and sent to the others, all at once', t => {
  const player = play(leader({ others: 'a{on,next=2,match=1,told=1} b{on,next=2,match=1,told=1}', log: '1@1', commit: 1 }))

  const { said, wrote } = player.turn(propose(1))

  t.deepEqual(wrote, ['append(2@1)'])
  t.deepEqual(said, ['AE(a; T1; 1@1; [2@1]; c=1)', 'AE(b; T1; 1@1; [2@1]; c=1)'])
})

test('§5.3 an entry is committed when the leader that made it has it on a majority of the servers', t => {
  const player = play(leader({ others: 'a{on} b{on} c{on} d{on}' }))
  player.turn(propose(1))
  player.turn(allPersisted)

  player.turn(accepted('a', 1))
  const early = player.state.commitIndex
  player.turn(accepted('b', 1))

  t.deepEqual([early, player.state.commitIndex], [0, 1])
})

test('§5.3 what precedes a committed entry is committed with it, entries of earlier leaders included', t => {
  const player = play(leader({ others: 'a{on,next=5} b', log: '1@1 2@2 3@2 4@3' }))

  const { committed } = player.turn(accepted('a', 4))

  t.is(committed, '1@1 2@2 3@2 4@3')
})

test('§5.3 the leader tells the highest index it knows to be committed in later messages', t => {
  const player = play(leader({ others: 'a{on} b{on}', log: '1@1' }))

  player.turn(accepted('a', 1))
  const { said } = player.later(100, tick)

  t.true(said.every(text => text.endsWith('c=1)')))
})

test('§5.3 the leader retries for ever when a follower is slow or messages are lost', t => {
  const player = play(leader({ others: 'a{on,next=2,match=1} b', log: '1@1 2@1', commit: 1 }))

  player.turn()
  for (let i = 0; i < 9; i++) player.later(100, tick)
  const { said } = player.turn(refused('a', 2, '1@1'))

  t.deepEqual(said, ['AE(a; T1; 1@1; [2@1]; c=1)'])
})

test('§5.3 Log Matching: with equal index and term, the entries and all before them are equal', t => {
  const group = elected('a b c')
  for (let request = 1; request <= 5; request++) group.propose(group.leader().id, request)
  group.settle()

  const [first, ...rest] = group.members.map(({ state }) => showLog(state))

  t.true(rest.every(log => log === first))
})

test('§5.3 a leader never overwrites or deletes entries of its own log; it only appends', t => {
  const player = play(leader({ log: '1@1 2@1' }))

  player.turn(ae('f1', '0@0', '1@2'), propose(1))

  t.is(showLog(player.state), '1@1 2@1 3@1')
})

test('§5.3 the leader finds the latest entry on which the two logs agree, and sends all of its own behind it', t => {
  const player = play(leader({ others: 'a{on,probe,next=6} b', log: '1@1 2@1 3@4 4@4 5@5', term: 5 }))

  const first = player.turn(refused('a', 5, '4@2'))
  const { said } = player.turn(refused('a', 2, '1@1'))

  t.deepEqual(first.said, ['AE(a; T5; 2@1; [3@4 4@4 5@5]; c=0)'])
  t.deepEqual(said, ['AE(a; T5; 1@1; [2@1 3@4 4@4 5@5]; c=0)'])
})
