import test from 'ava'
import {
  type Fact, accepted, ae, allPersisted, applied, follower, persisted, play, propose, refused, requestVote, show, showLast, showLog, tick, vote,
} from './build.js'

type Notes = NonNullable<Parameters<typeof follower>[0]>
interface Row {
  readonly title: string
  readonly notes: Notes
  readonly facts: readonly Fact[]
  readonly said: readonly string[]
  readonly log: string
  readonly commit?: number
}

const rows: readonly Row[] = [
  {
    title: 'F01 a stale term is refused with the newer one', notes: { term: 1000, log: '1@1 2@1' }, facts: [ae('L', '2@1', '3@1', 3, { term: 100 })],
    said: ['no(L; T1000; 2; 0@0)'], log: '1@1 2@1',
  },
  {
    title: 'F02 entries behind the last are appended and verified; they are not yet durable', notes: { log: '1@1 2@1 3@1' },
    facts: [ae('L', '3@1', '4@1 5@1', 5)], said: ['ok(L; T1; 5/3)'], log: '1@1 2@1 3@1 4@1 5@1', commit: 5,
  },
  {
    title: 'F05 conflicting entries are replaced', notes: { log: '1@1 2@1 3@1' }, facts: [ae('L', '2@1', '3@2 4@2', 4, { term: 2 })],
    said: ['ok(L; T2; 4/2)'], log: '1@1 2@1 3@2 4@2', commit: 4,
  },
  {
    title: 'F06 what is committed is never replaced, whoever says so', notes: { log: '1@1 2@1 3@1', commit: 3 },
    facts: [ae('L', '2@1', '3@2 4@2', 4, { term: 2 })],
    said: [], log: '1@1 2@1 3@1', commit: 3,
  },
  { title: 'F11 an empty log has no previous entry', notes: {}, facts: [ae('L', '3@1')], said: ['no(L; T1; 3; 0@0)'], log: '' },
  {
    title: 'F12 the entry at which the log begins is a previous entry', notes: { base: '4@1' },
    facts: [ae('L', '4@1', '5@1', 5)], said: ['ok(L; T1; 5/4)'], log: '5@1',
    commit: 5,
  },
  {
    title: 'F13 what lies before the log\'s beginning is committed and agrees', notes: { base: '5@3', log: '6@3 7@3' }, facts: [ae('L', '2@3', '', 9)],
    said: ['ok(L; T3; 2/2)'], log: '6@3 7@3', commit: 5,
  },
  {
    title: 'F15 F16 entries around the log\'s beginning are taken from there on', notes: { base: '5@1' },
    facts: [ae('L', '3@1', '4@1 5@1 6@2', 6, { term: 2 })],
    said: ['ok(L; T2; 6/5)'], log: '6@2', commit: 6,
  },
  {
    title: 'F17 a gap is refused',
    notes: { base: '5@1' }, facts: [ae('L', '8@2', '9@2', 9, { term: 2 })], said: ['no(L; T2; 8; 5@1)'], log: '', commit: 5,
  },
  {
    title: 'F18 the commit reaches as far as the request checked', notes: { log: '1@1 2@1 3@1 4@1 5@1 6@1' }, facts: [ae('L', '3@1', '', 6)],
    said: ['ok(L; T1; 3/3)'], log: '1@1 2@1 3@1 4@1 5@1 6@1', commit: 3,
  },
  {
    title: 'F20 the commit never falls', notes: { log: '1@1 2@1 3@1', commit: 3 }, facts: [ae('L', '3@1', '', 1), ae('L', '3@1', '', 0)],
    said: ['ok(L; T1; 3/3)'], log: '1@1 2@1 3@1', commit: 3,
  },
  {
    title: 'F32 a request that comes twice changes the log once', notes: { log: '1@1' }, facts: [ae('L', '1@1', '2@1 3@1'), ae('L', '1@1', '2@1 3@1')],
    said: ['ok(L; T1; 3/1)'], log: '1@1 2@1 3@1',
  },
  {
    title: 'a late request that agrees cuts nothing behind it', notes: { log: '1@1 2@1 3@1' }, facts: [ae('L', '0@0', '1@1 2@1')],
    said: ['ok(L; T1; 2/2)'], log: '1@1 2@1 3@1',
  },
  {
    title: 'a batch is cut at its first entry that is new', notes: { log: '1@1 2@1' },
    facts: [ae('L', '0@0', '1-4@1')], said: ['ok(L; T1; 4/2)'], log: '1@1 2@1 3-4@1',
  },
  {
    title: 'a conflict inside a batch cuts the batch', notes: { log: '1-4@1', commit: 1 }, facts: [ae('L', '2@1', '3@2', 0, { term: 2 })],
    said: ['ok(L; T2; 3/2)'], log: '1-2@1 3@2', commit: 1,
  },
  {
    title: 'a previous entry of another term is refused with the last one that can agree', notes: { log: '1@1 2@1 3@2 4@3 5@3', term: 5 },
    facts: [ae('L', '5@2', '6@5')], said: ['no(L; T5; 5; 3@2)'], log: '1@1 2@1 3@2 4@3 5@3',
  },
  {
    title: 'a log that is too short says where it ends', notes: { log: '1@1 2@1', term: 3 },
    facts: [ae('L', '7@3', '8@3')], said: ['no(L; T3; 7; 2@1)'], log: '1@1 2@1',
  },
  ...[['3@1 5@1', 'a gap'], ['3@2 4@1', 'a falling term'], ['3@9', 'a term above the sender\'s']].map(([batches, what]): Row => ({
    title: `${what} inside a request is a contradiction and changes nothing`, notes: { log: '1@1 2@1', term: 2 },
    facts: [ae('L', '2@1', batches)], said: [], log: '1@1 2@1',
  })),
]
for (const { title, notes, facts, said, log, commit } of rows) {
  test(title, t => {
    const player = play(follower(notes))
    t.deepEqual(player.turn(...facts).said, said)
    t.is(showLog(player.state), log)
    t.is(player.state.commitIndex, commit ?? 0)
  })
}

test('F06 a contradiction is reported', t => {
  const player = play(follower({ log: '1@1 2@1 3@1', commit: 3 }))
  t.deepEqual(player.turn(ae('L', '2@1', '3@2', 0, { term: 2 })).noticed, ['contradiction'])
})

test('what the leader of this term has verified is not replaced in this term', t => {
  const player = play(follower({ log: '1@1 2@1' }))
  player.turn(ae('L', '2@1', '3@3 4@3', 0, { term: 4 }))
  const { noticed, said } = player.turn(ae('L', '2@1', '3@4', 0, { term: 4 }))
  t.deepEqual([noticed, said], [['contradiction'], []])
  t.is(showLog(player.state), '1@1 2@1 3@3 4@3')
})

test('D44 a second leader of one term is reported and not obeyed', t => {
  const player = play(follower({ voters: 'f1 L M', log: '1@1', leader: 'L' }))
  const { noticed, said } = player.turn(ae('M', '1@1', '2@1'))
  t.deepEqual([noticed, said], [['twoLeaders'], []])
  t.is(showLog(player.state), '1@1')
  t.is(player.state.leader, 'L')
})

test('F22 the answer is on its way before anything is applied', t => {
  const player = play(follower({ log: '1@1' }))
  const { said, committed } = player.turn(ae('L', '1@1', '', 1))
  t.deepEqual([said, committed], [['ok(L; T1; 1/1)'], '1@1'])
  t.is(player.state.appliedIndex, 0)
  player.turn(applied(1))
  t.is(player.state.appliedIndex, 1)
})

test('F23 durability is told when it is there, and once', t => {
  const player = play(follower({ log: '1@1' }))
  const { said, wrote, turn } = player.turn(ae('L', '1@1', '2@1 3@1', 3))
  t.deepEqual([said, wrote], [['ok(L; T1; 3/1)'], ['hardState(T1 - c=1)', 'append(2@1 3@1)']])
  const then = player.turn(persisted(turn))
  t.deepEqual([then.said, then.committed], [['ok(L; T1; 3/3)'], '2@1 3@1'])
  t.deepEqual(player.turn(persisted(turn)).said, [])
})

test('nothing is handed to the machine ahead of this disk, whatever is committed', t => {
  const player = play(follower({ log: '1@1' }))
  t.is(player.turn(ae('L', '1@1', '2@1', 2)).committed, '1@1')
  t.is(player.state.commitIndex, 2)
  t.is(player.turn(allPersisted).committed, '2@1')
})

test('what was verified in an older term proves nothing in a new one', t => {
  const player = play(follower({ log: '1@1 2@1 3@1' }))
  player.turn(ae('L', '3@1', '', 0))
  const { said } = player.turn(ae('M', '1@1', '', 3, { term: 2 }))
  t.deepEqual(said, ['ok(M; T2; 1/1)'])
  t.is(player.state.commitIndex, 1)
})

test('an answer carries the round of the latest question that it answers', t => {
  const player = play(follower({ log: '1@1' }))
  const { ready } = player.turn(ae('L', '1@1', '', 0, { round: 50 }), ae('L', '1@1', '', 0, { round: 40 }))
  t.deepEqual(ready.messages.map(({ type, ...said }) => [type, 'round' in said && said.round]), [['appendAccepted', 50]])
  t.like(player.turn(ae('L', '9@1', '', 0, { round: 60 })).ready.messages[0], { type: 'appendRefused', round: 60 })
})

test('a question of the old leader is not answered to the new one, who was refused in the same turn', t => {
  const player = play(follower({ voters: 'f1 L M', log: '1@1 2@1' }))
  t.deepEqual(player.turn(ae('L', '2@1', '', 0), ae('M', '5@2', '', 0, { term: 2 })).said, ['no(M; T2; 5; 2@1)'])
})

test('an empty log agrees from its beginning', t => {
  t.deepEqual(play(follower()).turn(ae('L', '0@0')).said, ['ok(L; T1; 0/0)'])
})

test('proposals, votes and answers that reach a follower are refused or ignored', t => {
  const player = play(follower({ log: '1@1', leader: 'L' }))
  const { answers, said } = player.turn(propose(1), vote('L', true), accepted('L', 1), refused('L', 1), propose(2))
  t.deepEqual([answers, said], [['#1 refused notLeader', '#2 refused notLeader'], []])
  t.is(player.state.role, 'follower')
})

test('a message for someone else is reported and not read', t => {
  const player = play(follower({ log: '1@1' }))
  const { noticed, said } = player.turn(state => {
    const fact = (ae('L', '1@1', '2@9', 0, { term: 9 }) as Exclude<Fact, { type: string }>)(state)
    return fact.type === 'received' ? { ...fact, message: { ...fact.message, to: 'other' } } : fact
  })
  t.deepEqual([noticed, said, player.state.term, showLast(player.state)], [['wrongAddressee'], [], 1, '1@1'])
})

test('T14 a new term is written in the turn that says anything in it', t => {
  const player = play(follower({ log: '1@1', term: 1 }))
  const { wrote, ready } = player.turn(ae('L', '1@1', '2@3', 0, { term: 3 }))
  t.deepEqual(wrote, ['hardState(T3 - c=0)', 'append(2@3)'])
  t.deepEqual(ready.messages.map(show), ['ok(L; T3; 2/1)'])
})

test('E24 a vote granted in an older election is no vote for a follower', t => {
  const player = play(follower({ term: 5 }))
  player.turn(vote('L', true, { term: 4 }))
  t.is(player.state.role, 'follower')
})

test('a grant of one term and a newer term in one turn are written as one hard state', t => {
  const player = play(follower({ term: 4 }))
  const { said, wrote } = player.turn(requestVote('L', 5, '0@0'), requestVote('f2', 6, '0@0'))
  t.deepEqual(said, ['RVR(L; T5; yes)', 'RVR(f2; T6; yes)'])
  t.deepEqual(wrote, ['hardState(T6 f2 c=0)'])
})

test('the commit is written at a quiet tick, once', t => {
  const player = play(follower({ log: '1@1 2@1' }))
  player.turn(ae('L', '2@1', '', 2))
  t.deepEqual(player.later(10, tick).wrote, ['hardState(T1 - c=2)'])
  player.turn(allPersisted)
  t.deepEqual(player.later(10, tick).wrote, [])
})
