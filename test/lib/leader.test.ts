import test from 'ava'
import { isIsolated } from '../../lib/contact.js'
import type { CoreDiagnostic } from '../../lib/events.js'
import type { Leader } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import {
  type Fact, accepted, ae, allPersisted, applied, follower, leader, persisted, play, preVote, progressOf, propose, refused, requestVote, showLast,
  showLog, showProgress, tick, vote,
} from './build.js'

const HEARTBEAT = 100
const asLeader = (player: ReturnType<typeof play>): Leader => player.state as Leader
/** A member that has just won an election of term 1, or of the term given. */
const elected = (log: string, term = 1, voters = 'L f1 f2') => {
  const player = play(follower({ id: 'L', voters, log, term: term - 1 }))
  player.later(2000, tick)
  player.turn(preVote('f1', true))
  return { player, won: player.turn(vote('f1', true)) }
}

test('L01 on its election a leader shows itself to everyone in the same turn, once', t => {
  const { player, won } = elected('')
  t.is(player.state.role, 'leader')
  t.deepEqual(won.said, ['AE(f1; T1; 0@0; []; c=0)', 'AE(f2; T1; 0@0; []; c=0)'])
})

test('L02 A01 a new leader presumes equal logs, and takes nobody for active', t => {
  const { player } = elected('1@1 2@1 3@1', 2)
  for (const id of ['f1', 'f2']) {
    t.is(showProgress(player.state, id), 'probe next=4 match=0')
    t.is(progressOf(player.state, id).contact, Number.NEGATIVE_INFINITY)
  }
})

test('L04 I12 a new leader commits nothing by itself, and appends a noop of its term at once', t => {
  const { player, won } = elected('1@1 2@1', 2)
  t.deepEqual(won.wrote, ['append(3@2!)'])
  player.turn(allPersisted)
  t.is(player.state.commitIndex, 0)
})

test('L05 a leader without peers says nothing', t => {
  const player = play(leader({ others: '', log: '1@1', commit: 1 }))
  for (let i = 0; i < 10; i++) t.deepEqual(player.later(HEARTBEAT, tick).said, [])
  t.is(player.state.role, 'leader')
})

test('L07 heartbeats go out whether or not anyone answers', t => {
  const player = play(leader({ log: '1@1', commit: 1 }))
  const said = Array.from({ length: 9 }, () => player.later(HEARTBEAT, tick).said).flat()
  for (const id of ['f1', 'f2']) t.is(said.filter(text => text === `AE(${id}; T1; 1@1; []; c=0)`).length, 9)
})

test('L10 a follower of which nothing is known gets no entries and no commit', t => {
  const player = play(leader({ others: 'f1{next=2}', log: '1@1 2@1 3@1', commit: 3 }))
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T1; 1@1; []; c=0)'])
})

test('L11 an active follower gets entries up to the bound of one message', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@1 3@1', commit: 3, settings: { maxAppendBytes: 136 } }))
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T1; 1@1; [2@1]; c=3)'])
})

test('L12 L14 an active follower gets all it lacks, whatever the others lack', t => {
  const player = play(leader({ others: 'f1{next=4,match=3,on,told=3} f2{next=2,match=1,on}', log: '1@1 2@1 3@1', commit: 3 }))
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T1; 3@1; []; c=3)', 'AE(f2; T1; 1@1; [2@1 3@1]; c=3)'])
})

test('L15 the previous entry can be the one at which the log begins', t => {
  const player = play(leader({ others: 'f1{next=5,match=4,on}', base: '4@1', log: '5@2 6@2', commit: 6 }))
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T2; 4@1; [5@2 6@2]; c=6)'])
})

test('L16 a heartbeat is followed by a write without delay', t => {
  const player = play(leader({ others: 'f1{next=3,match=2,on,told=2}', log: '1@1 2@1', commit: 2 }))
  t.deepEqual(player.later(HEARTBEAT, tick).said, ['AE(f1; T1; 2@1; []; c=2)'])
  t.deepEqual(player.turn(propose(1)).said, ['AE(f1; T1; 2@1; [3@1]; c=2)'])
})

const nonsense: readonly (readonly [string, Fact, CoreDiagnostic['type']])[] = [
  ['an answer of a stranger', accepted('x', 2), 'unknownSender'],
  ['a refusal of a stranger', refused('x', 1), 'unknownSender'],
  ['more verified than there is', accepted('f1', 9), 'contradiction'],
  ['more durable than verified', accepted('f1', 1, 2), 'contradiction'],
  ['a hint behind what was refused', refused('f1', 1, '5@1'), 'contradiction'],
  ['an answer to a question never asked', accepted('f1', 2, 2, { round: 1e12 }), 'contradiction'],
  ['another leader of the same term', ae('f1', '2@1', '3@1'), 'twoLeaders'],
]
for (const [what, fact, noticed] of nonsense) {
  test(`L22 ${what} is reported and changes nothing`, t => {
    const player = play(leader({ log: '1@1 2@1', commit: 1, others: 'f1{next=3,match=1,on} f2' }))
    const { term, log, commitIndex, trackers } = asLeader(player)
    const { noticed: seen, said, wrote } = player.turn(fact)
    t.deepEqual(seen, [noticed])
    t.deepEqual(wrote, [])
    t.like(player.state, { role: 'leader', term, log, commitIndex, trackers })
    t.is(showProgress(player.state, 'f1'), 'replicate next=3 match=1')
    t.true(said.every(text => text.startsWith('AE(')))
    t.true(player.later(HEARTBEAT, tick).said.length > 0)
  })
}

test('A07 a learner is active once it has answered', t => {
  const player = play(leader({ log: '1@1', others: 'f1 n1{nv}' }))
  player.turn(accepted('n1', 1))
  t.is(progressOf(player.state, 'n1').contact, player.state.now)
})

test('W02 C16 a single member commits what its disk has, and applies it in order', t => {
  const player = play(leader({ others: '', log: '1@1 2@1', commit: 2, applied: 1 }))
  const { said, answers, committed } = player.turn(propose(7))
  t.deepEqual([said, answers, committed], [[], ['#7 appended at 3@1'], '2@1'])
  t.is(player.turn(allPersisted).committed, '3@1')
  t.is(player.state.commitIndex, 3)
})

test('W05 entries that nobody here asked for are applied like others', t => {
  const player = play(leader({ others: 'f1{next=5,match=1,on}', log: '1@1 2@1 3@1 4@1', commit: 1 }))
  t.is(player.turn(accepted('f1', 4)).committed, '2@1 3@1 4@1')
})

const single = { maxInflightMessages: 1 }
test('W07 with one message in flight the same entry goes out once', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1}', log: '1@1', commit: 1, settings: single }))
  const said = [1, 2, 3, 4, 5].flatMap(id => [...player.turn(propose(id)).said])
  t.deepEqual(said, ['AE(f1; T1; 1@1; [2@1]; c=1)'])
})

test('W08 W09 an answer frees the next send and tells the commit at once', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on,told=1}', log: '1@1', commit: 1, settings: single }))
  const said: string[] = []
  for (const index of [2, 3, 4]) {
    said.push(...player.turn(propose(index)).said)
    said.push(...player.turn(allPersisted).said)
    said.push(...player.turn(accepted('f1', index)).said)
  }
  t.deepEqual(said, [2, 3, 4].flatMap(k => [`AE(f1; T1; ${k - 1}@1; [${k}@1]; c=${k - 1})`, `AE(f1; T1; ${k}@1; []; c=${k})`]))
  t.deepEqual([...player.turn(propose(5)).said, ...player.turn(propose(6)).said], ['AE(f1; T1; 4@1; [5@1]; c=4)'])
})

test('W13 with learners alone the leader commits by its own disk, and still replicates', t => {
  const player = play(leader({ others: 'n1{nv,next=2,match=1,on,told=1}', log: '1@1', commit: 1 }))
  t.deepEqual(player.turn(propose(1)).said, ['AE(n1; T1; 1@1; [2@1]; c=1)'])
  t.is(player.turn(allPersisted).committed, '2@1')
})

test('W14 W15 C19 of two members both must have the entry on their disks', t => {
  const early = play(leader({ others: 'f1{on}' }))
  const { turn } = early.turn(propose(1))
  early.turn(accepted('f1', 1))
  t.is(early.state.commitIndex, 0)
  t.is(early.turn(persisted(turn)).committed, '1@1')

  const late = play(leader({ others: 'f1{on}' }))
  late.turn(propose(1))
  late.turn(allPersisted)
  t.is(late.state.commitIndex, 0)
  t.is(late.turn(accepted('f1', 1)).committed, '1@1')
})

test('C19 two durable followers commit what is not yet on the leader\'s own disk; it is applied there later', t => {
  const player = play(leader({ others: 'f1{on} f2{on}' }))
  player.turn(propose(1))
  t.is(player.turn(accepted('f1', 1), accepted('f2', 1)).committed, '')
  t.is(player.state.commitIndex, 1)
  t.is(player.turn(allPersisted).committed, '1@1')
})

test('W16 T16 whoever waits is told when leadership ends: lost once what was appended, refused what comes later', t => {
  const player = play(leader({ others: 'f1{on} f2{on}' }))
  player.turn(propose(1), propose(2))
  const { answers, committed } = player.turn(accepted('f1', 0, 0, { term: 20 }), propose(3))
  t.deepEqual(answers, ['#1 lost', '#2 lost', '#3 refused notLeader'])
  t.is(committed, '')
  t.deepEqual(player.turn(allPersisted).answers, [])
})

test('W17 a proposal outlives a silence of the quorum that ends in time', t => {
  const player = play(leader({ others: 'f1{on} f2{on}' }))
  player.turn(propose(1))
  player.turn(allPersisted)
  player.later(600, tick)
  player.later(401)
  t.true(isIsolated(asLeader(player)))
  const { answers, committed } = player.turn(accepted('f1', 1))
  t.deepEqual([answers, committed, isIsolated(asLeader(player))], [[], '1@1', false])
})

test('W18 a leader that is not ready, or has lost its quorum, appends nothing for a client', t => {
  const { player } = elected('')
  t.deepEqual(player.turn(propose(1)).answers, ['#1 refused notReady'])
  const isolated = play(leader({ others: 'f1{on} f2{on}' }))
  t.deepEqual(isolated.later(1001, propose(1)).answers, ['#1 refused notReady'])
  t.is(showLog(isolated.state), '')
})

test('Y04 a follower that is behind gets what it lacks as soon as it says where it ends', t => {
  const player = play(leader({ others: 'f1{next=3,on,probe}', log: '1@1 2@1 3@1', commit: 3 }))
  t.deepEqual(player.turn(refused('f1', 2, '1@1')).said, ['AE(f1; T1; 1@1; [2@1 3@1]; c=3)'])
  t.is(showProgress(player.state, 'f1'), 'probe next=2 match=0')
})

test('Y05 a follower whose last entry conflicts is brought up from before it', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@2 2@2', commit: 2 }))
  t.deepEqual(player.turn(refused('f1', 1, '0@0')).said, ['AE(f1; T2; 0@0; [1@2 2@2]; c=2)'])
})

test('Y07 nextIndex never falls below the first entry', t => {
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@1', commit: 2 }))
  for (const prev of [1, 0, 0]) player.turn(refused('f1', prev, '0@0'))
  t.is(showProgress(player.state, 'f1'), 'probe next=1 match=0')
})

test('Y10 Y26 a success counts for what the request covered, not for what the follower holds beyond it', t => {
  const there = play(follower({ id: 'f1', voters: 'L f1', log: '1@1 2@1 3@1', term: 2 }))
  t.deepEqual(there.turn(ae('L', '0@0', '1@1')).said, ['ok(L; T2; 1/1)'])
  const player = play(leader({ others: 'f1{next=2,on,probe}', log: '1@1 2@2 3@2', term: 2 }))
  const { said } = player.turn(accepted('f1', 1))
  t.is(player.state.commitIndex, 0)
  t.deepEqual(said, ['AE(f1; T2; 1@1; [2@2 3@2]; c=0)'])
})

test('Y16 an answer of an older term changes nothing', t => {
  const player = play(leader({ others: 'f1{next=2,match=1,on}', log: '1@5 2@5 3@5', commit: 1, settings: { maxInflightMessages: 0 } }))
  player.turn(accepted('f1', 3, 3, { term: 3 }), refused('f1', 1, '0@0', { term: 3 }))
  t.is(showProgress(player.state, 'f1'), 'replicate next=2 match=1')
  t.is(player.state.commitIndex, 1)
})

test('Y18 Y22 an answer that comes twice says nothing new, and nothing is sent', t => {
  const player = play(leader({ others: 'f1{next=3,match=1,on,told=1}', log: '1@1 2@1', commit: 1 }))
  t.is(player.turn(accepted('f1', 2)).committed, '2@1')
  const { committed, said } = player.turn(accepted('f1', 2))
  t.deepEqual([committed, said], ['', []])
})

test('Y20 an entry above the bound of a message travels alone', t => {
  const player = play(leader({ others: 'f1{next=1,on,probe}', log: '1@1 2@1', settings: { maxAppendBytes: 1 } }))
  t.deepEqual(player.turn().said, ['AE(f1; T1; 0@0; [1@1]; c=0)'])
})

test('Y21 a new commit is told at once to those who can follow it', t => {
  const player = play(leader({ others: 'f1{next=2,match=0,on} f2{next=2} f3{next=2,on,probe}', log: '1@1' }))
  player.turn(accepted('f3', 1))
  t.deepEqual(player.turn(accepted('f1', 1)).said, ['AE(f1; T1; 1@1; []; c=1)', 'AE(f3; T1; 1@1; []; c=1)'])
})

const commits: readonly (readonly [string, Parameters<typeof leader>[0], readonly Fact[], readonly number[]])[] = [
  ['C01 of three members two suffice', { log: '1@1 2@1 3@1', commit: 1 }, [accepted('f1', 3)], [3]],
  ['C03 of four members three are needed', { log: '1@1 2@1', commit: 1, others: 'f1 f2 f3' }, [accepted('f1', 2), accepted('f2', 2)], [1, 2]],
  ['C05 entries of an older term are not committed by counting', { log: '1@1 2@1', term: 2, others: 'f1' }, [accepted('f1', 2)], [0]],
  ['C08 what the median holds is committed', { log: '1@1 2@1 3@1 4@1', commit: 1, others: 'f1{next=5,match=2,on} f2' }, [accepted('f2', 4)], [4]],
  ['C09 learners do not count', { log: '1@1 2@1', commit: 1, others: 'f1 n1{nv}' }, [accepted('n1', 2), accepted('f1', 2)], [1, 2]],
  ['C11 a voter\'s answer pulls in nothing of a learner', { log: '1-3@1', commit: 1, others: 'f1 f2 n1{nv,match=3,next=4,on}' }, [accepted('f1', 1)], [1]],
  ['C12 an absurd answer commits nothing', { log: '1@1 2@1 3@1', commit: 1, others: 'f1' }, [accepted('f1', 1_000_000)], [1]],
  ['C18 answers of a former member are not counted', { log: '1@1 2@1', commit: 1, others: 'f1' }, [accepted('f2', 2), accepted('f1', 2)], [1, 2]],
  ['only what is durable counts, however much is verified', { log: '1@1 2@1', others: 'f1' }, [accepted('f1', 2, 1), accepted('f1', 2, 2)], [1, 2]],
  [
    'joint consensus needs both majorities',
    { log: '1@1', voters: 'L f1', outgoing: 'f2 f3 L', others: 'f1 f2 f3' }, [accepted('f1', 1), accepted('f2', 1)], [0, 1],
  ],
  ['older terms are committed beneath an entry of this one', { log: '1@1 2@1 3@2', others: 'f1' }, [accepted('f1', 2), accepted('f1', 3)], [0, 3]],
]
for (const [title, notes, facts, expected] of commits) {
  test(title, t => {
    const player = play(leader(notes))
    t.deepEqual(facts.map(fact => {
      player.turn(fact)
      return player.state.commitIndex
    }), expected)
  })
}

const higher: readonly (readonly [string, Fact])[] = [
  ['T01 in a refusal of a stranger', refused('foo', 1000, '0@0', { term: 20 })],
  ['T03 in a vote', vote('f1', false, { term: 20 })],
  ['in an acknowledgement', accepted('f1', 1, 1, { term: 20 })],
  ['in an AppendEntries', ae('f1', '9@9', '', 0, { term: 20 })],
  ['I09 in the answer that a leader without quorum gets', refused('f1', 1, '0@0', { term: 20 })],
]
for (const [title, fact] of higher) {
  test(`${title}: a higher term ends leadership, the vote is open, both are written`, t => {
    const player = play(leader({ log: '1@1', term: 2, votedFor: 'L' }))
    const { wrote } = player.later(title.startsWith('I09') ? 1001 : 1, fact)
    t.is(player.state.role, 'follower')
    t.deepEqual([player.state.term, player.state.votedFor], [20, undefined])
    t.deepEqual(wrote, ['hardState(T20 - c=0)'])
    t.deepEqual(player.later(HEARTBEAT, tick).said, [])
  })
}

test('T10 a vote request of an older term is refused with the newer one', t => {
  t.deepEqual(play(leader({ term: 1000 })).turn(requestVote('f1', 999, '9@9')).said, ['RVR(f1; T1000; no)'])
})

test('T11 votes that come after the election change nothing', t => {
  const player = play(leader())
  t.deepEqual(player.turn(vote('f1', true), vote('f2', false), preVote('f1', true)).said, [])
  t.is(player.state.role, 'leader')
})

test('I03 a leader that nobody answers for an election timeout steps down, at a tick', t => {
  const player = play(leader({ log: '1@1', others: 'f1{on} f2{on}' }))
  player.later(1001)
  t.deepEqual([player.state.role, isIsolated(asLeader(player))], ['leader', true])
  const { noticed, said } = player.turn(tick)
  t.deepEqual([player.state.role, noticed, said], ['follower', ['quorumLost'], []])
  t.true(player.state.electionDeadline >= player.state.now + 1000)
})

test('I05 a leader whose only followers are learners is its own quorum', t => {
  const player = play(leader({ others: 'n1{nv}' }))
  player.later(5000, tick)
  t.is(player.state.role, 'leader')
})

test('I11 I12 I15 a winner is ready when its own entry is committed and applied', t => {
  const { player } = elected('1@1', 2)
  player.turn(allPersisted)
  t.false(isReady(player.state))
  t.is(player.turn(accepted('f1', 2)).committed, '1@1 2@2!')
  t.false(isReady(player.state))
  player.turn(applied(2))
  t.true(isReady(player.state))
  t.deepEqual(player.turn(propose(1)).answers, ['#1 appended at 3@2'])
  t.is(showLast(player.state), '3@2')
})
