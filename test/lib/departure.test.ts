/** What a member does when it hears that the process of another has ended. */
import test from 'ava'
import { ae, follower, gone, lateTick, leader, play, preVote, requestPreVote, tick } from './build.js'

type Notes = NonNullable<Parameters<typeof follower>[0]>

/** `id` follows `b`, which it heard a moment ago. */
const following = (id: string, notes: Notes = {}) => play(follower({ id, voters: 'a b c d', term: 3, log: '1@3', leader: 'b', ...notes }))

test('the next in line asks at once, and nothing else changes', t => {
  const player = following('c', { votedFor: 'b' })
  const { said, wrote } = player.turn(gone('b'))
  t.deepEqual(said, ['pre-RV(a; T3; 1@3)', 'pre-RV(b; T3; 1@3)', 'pre-RV(d; T3; 1@3)'])
  t.deepEqual(wrote, [])
  t.like(player.state, { role: 'candidate', term: 3, votedFor: 'b', leader: undefined })
})

/** Who hears that b is gone, and after how many half heartbeats it stands; behind the last member the first is next. */
for (const [id, place] of [['d', 1], ['a', 2]] as const) {
  test(`${id} stands ${place} half heartbeats later, unless another has won by then`, t => {
    const player = following(id)
    t.deepEqual(player.turn(gone('b')).said, [])
    t.like(player.state, { role: 'follower', leader: undefined, electionDeadline: player.state.now + place * 50 })
    t.deepEqual(player.later(place * 50 - 1, tick).said, [])
    t.is(player.later(1, tick).said.length, 3)
  })
}

test('where the last in the order of members led, the first is next', t => {
  t.is(play(follower({ id: 'a', voters: 'a b c d', log: '1@1', leader: 'd' })).turn(gone('d')).said.length, 3)
})

test('a wait that ends sooner stays as it is', t => {
  const player = following('a')
  player.later(player.state.electionDeadline - player.state.now - 10)
  const { electionDeadline } = player.state
  player.turn(gone('b'))
  t.is(player.state.electionDeadline, electionDeadline)
})

test('whoever heard the leader a moment ago grants a pre-vote, as soon as it knows that the leader is gone', t => {
  const player = following('d')
  t.deepEqual(player.turn(requestPreVote('c', 3, '1@3')).said, ['pre-RVR(c; T3; no)'])
  t.deepEqual(player.turn(gone('b'), requestPreVote('c', 3, '1@3')).said, ['pre-RVR(c; T3; yes)'])
})

test('who was refused asks the same again when it hears again, and an answer to either counts', t => {
  const player = following('c')
  const first = player.turn(gone('b'))
  const { round, electionDeadline } = player.state
  player.turn(preVote('a', false), preVote('d', false))
  t.deepEqual(player.later(5, gone('b')).said, first.said)
  t.like(player.state, { role: 'candidate', phase: 'preVote', round, electionDeadline })
  player.turn(preVote('a', true), preVote('d', true))
  t.like(player.state, { role: 'candidate', phase: 'vote', term: 4 })
})

const unmoved: readonly (readonly [string, () => ReturnType<typeof play>])[] = [
  ['a follower of another', () => following('a', { leader: 'c' })],
  ['a follower of nobody', () => play(follower({ id: 'a', voters: 'a b c d' }))],
  ['a leader', () => {
    const player = play(leader({ log: '1@1', others: 'b{match=1,on} c{match=1,on}' }))
    player.turn()
    return player
  }],
  ['a candidate that asks for votes', () => {
    const player = following('c')
    player.turn(gone('b'))
    player.turn(preVote('a', true), preVote('d', true))
    return player
  }],
]
for (const [who, make] of unmoved) {
  test(`${who} is not moved by it`, t => {
    const player = make()
    const { turn: _, now: __, ...before } = player.state
    const { said, wrote } = player.turn(gone('b'))
    t.deepEqual([said, wrote], [[], []])
    t.like(player.state, { role: before.role, term: before.term, leader: before.leader, electionDeadline: before.electionDeadline, heardAt: before.heardAt })
  })
}

test('a leader that lives after all is followed again when it speaks, by who waits and by who asks', t => {
  for (const id of ['a', 'c']) {
    const player = following(id)
    player.turn(gone('b'))
    player.turn(ae('b', '1@3'))
    t.like(player.state, { role: 'follower', leader: 'b', term: 3, heardAt: player.state.now })
    t.true(player.state.electionDeadline >= player.state.now + 1000)
  }
})

test('a new leader in the same turn is followed', t => {
  const player = following('c')
  player.turn(gone('b'), ae('d', '1@3', '', 0, { term: 4 }))
  t.like(player.state, { role: 'follower', leader: 'd', term: 4 })
  player.turn(gone('b'))
  t.is(player.state.leader, 'd')
})

test('who may not stand grants, and leaves it to those behind it', t => {
  const cannot: readonly Notes[] = [{ voters: 'a b d', learners: 'c' }, { log: '1@3 2@3', commit: 2, applied: 1 }]
  for (const notes of cannot) {
    const player = following('c', notes)
    t.deepEqual(player.turn(gone('b'), requestPreVote('d', 3, '5@3')).said, ['pre-RVR(d; T3; yes)'])
    t.deepEqual(player.later(100, tick).said, [])
    t.like(player.state, { role: 'follower', leader: undefined })
    t.true(player.state.electionDeadline >= player.state.now + 1000)
  }
})

test('who knows no voters as yet forgets the leader, and goes on waiting for another', t => {
  const player = following('n', { voters: '', log: '' })
  t.deepEqual(player.turn(gone('b')).said, [])
  t.is(player.state.leader, undefined)
  t.true(Number.isFinite(player.state.electionDeadline), `${player.state.electionDeadline}`)
})

test('that it was away itself is no reason to doubt what it hears of another', t => {
  const player = following('c')
  t.is(player.later(5000, lateTick(5000), gone('b')).said.length, 3)
})

test('of two members the one that is left asks, and does not win', t => {
  const player = play(follower({ id: 'a', voters: 'a b', log: '1@1', leader: 'b' }))
  t.deepEqual(player.turn(gone('b')).said, ['pre-RV(b; T1; 1@1)'])
  t.like(player.state, { role: 'candidate', phase: 'preVote', term: 1 })
})
