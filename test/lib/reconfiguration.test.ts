/** A leader that changes the membership, and what becomes of those who come and go (§4). */
import test from 'ava'
import type { Leader } from '../../lib/state.js'
import type { MemberId, Membership, MembershipWish } from '../../lib/types.js'
import {
  type Fact, type Player, accepted, ae, allPersisted, applied, follower, leader, message, parseMembership, play, preVote, progressOf, propose, refused, requestVote, showLog, showMembership, tick, vote,
} from './build.js'
import { membership } from '../../lib/state.js'

const ask = (wish: { readonly voters?: readonly MemberId[]; readonly learners?: readonly MemberId[]; readonly remove?: readonly MemberId[] } | 'abandon', from?: Membership): Fact => state => {
  const addresses = (ids: readonly MemberId[] = []) => Object.fromEntries(ids.map(id => [id, `${id}:1`]))
  const whole: MembershipWish = wish === 'abandon' ? { type: 'abandon' } : { type: 'change', voters: addresses(wish.voters), learners: addresses(wish.learners), remove: wish.remove ?? [], newcomers: undefined }
  return { type: 'changeAsked', id: 1, term: state.term, wish: whole, from }
}
const THREE = 'f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2,on}'
const leading = (others = THREE, more: Parameters<typeof leader>[0] = {}): Player => play(leader({ others, log: '1@1! 2@1', commit: 2, ...more }))
const newest = ({ state }: Player): string => showMembership(membership(state))
const serves = ({ state }: Player): readonly MemberId[] => (state as Leader).progress.map(({ id }) => id)
/** Everything is durable here and there. */
const agree = (player: Player, ...ids: readonly MemberId[]): void => {
  player.turn(allPersisted)
  player.turn(...ids.map(id => accepted(id, player.state.log.lastIndex)))
}

test('M01 a new voter is served as a learner, decides once it has caught up, and the change ends when both majorities have it', t => {
  const player = leading()
  t.deepEqual(player.turn(ask({ voters: ['n'] })).changeAnswers, ['#1 taken at 3@1'])
  t.is(newest(player), 'L,f1,f2//n>L,f1,f2,n')
  t.deepEqual(serves(player), ['f1', 'f2', 'n'])
  agree(player, 'f1', 'f2')
  t.is(player.state.commitIndex, 3, 'a learner is not waited for')
  t.is(newest(player), 'L,f1,f2//n>L,f1,f2,n')
  player.later(50, accepted('n', 1))
  t.is(newest(player), 'L,f1,f2//n>L,f1,f2,n', 'it lags')
  player.later(50, accepted('n', 3))
  t.is(newest(player), 'L,f1,f2,n/L,f1,f2')
  agree(player, 'f1')
  t.is(player.state.commitIndex, 3, 'of four two are no majority')
  agree(player, 'f1', 'n')
  t.is(newest(player), 'L,f1,f2,n')
  t.is(player.state.commitIndex, 4)
  agree(player, 'f1', 'n')
  t.is(player.state.commitIndex, 5)
  t.is(showLog(player.state), '1@1! 2@1 3@1=L,f1,f2//n>L,f1,f2,n 4@1=L,f1,f2,n/L,f1,f2 5@1=L,f1,f2,n')
})

test('a newcomer is waited for, however much it has, until it says that it is none any more', t => {
  const player = leading()
  player.turn(ask({ voters: ['n'] }))
  agree(player, 'f1', 'f2')
  for (let i = 0; i < 3; i++) player.later(50, accepted('n', 3, 3, { isNewcomer: true }))
  t.is(newest(player), 'L,f1,f2//n>L,f1,f2,n')
  player.later(50, accepted('n', 3))
  t.is(newest(player), 'L,f1,f2,n/L,f1,f2')
})

test('one that lacks what precedes its log is waited for, though its log has everything: it has no state to lead with', t => {
  const player = leading()
  player.turn(ask({ voters: ['n'] }))
  agree(player, 'f1', 'f2')
  for (let i = 0; i < 3; i++) player.later(50, accepted('n', 3, 3, { lacks: 1 }))
  t.is(newest(player), 'L,f1,f2//n>L,f1,f2,n')
  player.later(50, accepted('n', 3))
  t.is(newest(player), 'L,f1,f2,n/L,f1,f2')
})

test('one that needs longer than an election timeout for what was there is measured again', t => {
  const player = leading()
  player.turn(ask({ voters: ['n'] }))
  agree(player, 'f1', 'f2')
  for (let i = 0; i < 12; i++) player.later(100, tick, allPersisted, accepted('f1', 3), accepted('f2', 3), accepted('n', 2))
  player.later(1, propose(1))
  agree(player, 'f1', 'f2')
  player.later(1, accepted('n', 3))
  t.is(newest(player), 'L,f1,f2//n>L,f1,f2,n', 'meanwhile there is more')
  player.later(1, accepted('n', 4))
  t.is(newest(player), 'L,f1,f2,n/L,f1,f2')
})

test('a leader that is waited for itself has caught up: it was elected by those who decided before', t => {
  const player = play(leader({ others: 'f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2,on}', log: '1@1! 2@1=f1,f2//L>f1,f2,L', commit: 2 }))
  player.turn(tick)
  t.is(newest(player), 'f1,f2,L/f1,f2')
})

test('a change is refused while another is open, before an entry of the term is committed, and when another membership was meant', t => {
  const open = leading()
  open.turn(ask({ learners: ['n'] }))
  t.deepEqual(open.turn(ask({ learners: ['m'] })).changeAnswers, ['#1 refused: another change is under way'])
  agree(open, 'f1')
  t.deepEqual(open.turn(ask({ learners: ['m'] })).changeAnswers, ['#1 taken at 4@1'])
  t.deepEqual(leading(THREE, { noop: 3, applied: 2 }).turn(ask({ learners: ['n'] })).changeAnswers, ['#1 not taken: the leader cannot change the membership right now'])
  t.deepEqual(leading().turn(ask({ learners: ['n'] }, parseMembership('L,f1'))).changeAnswers, ['#1 refused: the membership has become another one'])
  t.deepEqual(leading().turn(ask({ learners: ['n'] }, parseMembership('L,f1,f2'))).changeAnswers, ['#1 taken at 3@1'])
  t.deepEqual(leading().turn({ type: 'changeAsked', id: 1, term: 0, wish: { type: 'abandon' }, from: undefined }).changeAnswers, ['#1 not taken: another leadership was meant'])
  t.deepEqual(play(follower()).turn(ask({ learners: ['n'] })).changeAnswers, ['#1 not taken: this member does not lead'])
})

test('while a leadership is handed over no change begins and none goes on', t => {
  const player = leading()
  player.turn({ type: 'transferAsked', term: 1, to: 'f2' })
  t.deepEqual(player.turn(ask({ remove: ['f1'] })).changeAnswers, ['#1 not taken: the leader cannot change the membership right now'])
})

test('whom a majority would be made of that does not answer is not left alone with the decision', t => {
  const player = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2}')
  t.deepEqual(player.turn(ask({ remove: ['f1'] })).changeAnswers, ['#1 refused: no majority of L, f2 is responding'])
  t.deepEqual(player.turn(ask({ remove: ['f2'] })).changeAnswers, ['#1 taken at 3@1'])
})

test('one that leaves is served until it knows that, and no longer', t => {
  const player = leading()
  player.turn(ask({ remove: ['f2'] }))
  agree(player, 'f1', 'f2')
  t.is(newest(player), 'L,f1')
  t.deepEqual(serves(player), ['f1', 'f2'])
  player.turn(allPersisted)
  player.turn(accepted('f1', 4), accepted('f2', 4))
  player.turn()
  t.is(player.state.commitIndex, 4)
  t.deepEqual(serves(player), ['f1'])
})

test('one that comes back before it was let go is a stranger: what it had is not held for what it has', t => {
  const player = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2}')
  player.turn(ask({ remove: ['f2'] }))
  agree(player, 'f1')
  agree(player, 'f1')
  t.deepEqual(serves(player), ['f1', 'f2'], 'it does not know yet')
  player.turn(ask({ voters: ['f2'] }))
  t.deepEqual(serves(player), ['f1', 'f2'])
  t.is(progressOf(player.state, 'f2').matchIndex, 0)
})

test('what one that left had said before it came back counts for nothing, however late it is heard', t => {
  const player = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2}')
  player.turn(ask({ remove: ['f2'] }))
  agree(player, 'f1')
  agree(player, 'f1')
  const before = player.state.round
  player.turn(ask({ voters: ['f2'] }), accepted('f2', 3, 3, { round: before }))
  t.like(progressOf(player.state, 'f2'), { matchIndex: 0, mayBeNewcomer: true, mode: 'probe' })
  player.later(100, tick)
  player.turn(accepted('f2', 0, 0, { isNewcomer: true }))
  t.like(progressOf(player.state, 'f2'), { mayBeNewcomer: true, mode: 'replicate' })
})

test('one that has left and comes back with nothing while it is served has lost nothing that it owed', t => {
  const player = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2}')
  player.turn(ask({ remove: ['f2'] }))
  agree(player, 'f1')
  agree(player, 'f1')
  t.deepEqual(serves(player), ['f1', 'f2'])
  player.later(100, tick)
  t.deepEqual(player.turn(refused('f2', 2)).noticed, [])
  t.deepEqual(player.turn(refused('f1', 2)).noticed, ['contradiction'], 'of a member it is one')
})

test('one that does not answer is let go after two election timeouts; its answers count for nothing meanwhile', t => {
  const player = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2}')
  player.turn(ask({ remove: ['f2'] }))
  player.turn(allPersisted, accepted('f2', 3))
  t.is(player.state.commitIndex, 2, 'in joint consensus f1 must have it')
  agree(player, 'f1')
  player.turn(allPersisted)
  player.turn(accepted('f2', 3))
  t.is(player.state.commitIndex, 3)
  for (let i = 0; i < 19; i++) player.later(100, tick, allPersisted, accepted('f1', 4))
  t.deepEqual(serves(player), ['f1', 'f2'])
  for (let i = 0; i < 2; i++) player.later(100, tick, allPersisted, accepted('f1', 4))
  t.deepEqual(serves(player), ['f1'])
})

test('M20 a leader that leaves leads until that is committed, tells an heir to stand, and makes room', t => {
  const player = leading()
  player.turn(ask({ remove: ['L'] }))
  agree(player, 'f1')
  t.is(player.state.commitIndex, 2, 'f1 is no majority of f1 and f2')
  agree(player, 'f2')
  t.is(player.state.commitIndex, 3)
  player.turn(allPersisted)
  t.is(player.state.commitIndex, 3, 'its own disk counts no more')
  player.turn(accepted('f1', 4))
  t.is(player.state.commitIndex, 3)
  const last = player.turn(accepted('f2', 4))
  t.is(player.state.commitIndex, 4)
  t.deepEqual(last.said.filter(one => one.startsWith('TN')), ['TN(f1; T1; 4)'])
  t.true(last.said.includes('AE(f2; T1; 4@1; []; c=4)'))
  t.deepEqual(player.turn(propose(1)).answers, ['#1 refused notReady'])
  t.is(player.state.role, 'follower')
  for (let i = 0; i < 40; i++) player.later(100, tick)
  t.is(player.state.role, 'follower', 'it never stands')
})

test('whoever leaves together with the leader hears so from it, however closely commands came before', t => {
  const player = play({ ...leader({ others: 'f1{next=3,match=2,told=2,on} f2{next=3,match=2,told=2,on} f3{next=3,match=2,told=2,on}', log: '1@1! 2@1', commit: 2 }), sequels: 100 })
  player.turn(ask({ remove: ['L', 'f3'] }))
  agree(player, 'f1', 'f2', 'f3')
  player.turn(allPersisted)
  player.turn(accepted('f3', 4), accepted('f1', 4))
  t.true(player.turn(accepted('f2', 4)).said.includes('AE(f3; T1; 4@1; []; c=4)'))
  player.turn()
  t.is(player.state.role, 'follower', 'there is nobody else who would tell it')
})

test('M20 the same for one that shall only learn, as soon as nothing of it is missing there', t => {
  const player = leading()
  player.turn(ask({ learners: ['L'] }), propose(1))
  agree(player, 'f1', 'f2')
  t.is(newest(player), 'f1,f2//L')
  player.turn(accepted('f1', 5), accepted('f2', 5))
  t.is(player.state.commitIndex, 5)
  for (let i = 0; i < 11; i++) player.later(100, tick, allPersisted, accepted('f1', 5), accepted('f2', 5))
  t.is(player.state.role, 'follower')
})

test('a leader finishes what another has begun, in its own term', t => {
  const player = play(leader({ others: 'f1{next=5,match=3,on} f2{next=5,match=3,on}', term: 2, log: '1@1! 2@1=L,f1/L,f1,f2 3@1 4@2!', commit: 3, noop: 4 }))
  player.turn()
  t.is(newest(player), 'L,f1/L,f1,f2', 'not before an entry of its own term is committed')
  player.turn(accepted('f1', 4))
  t.is(newest(player), 'L,f1')
})

test('abandoned: the voters from before decide alone, also over what is not committed', t => {
  const player = leading()
  player.turn(ask({ voters: ['n', 'm'] }))
  agree(player, 'f1', 'f2')
  player.later(1, accepted('n', 3), accepted('m', 3))
  player.turn()
  t.is(newest(player), 'L,f1,f2,m,n/L,f1,f2')
  agree(player, 'f1')
  t.is(player.state.commitIndex, 3, 'n and m have it not')
  t.deepEqual(player.turn(ask('abandon')).changeAnswers, ['#1 taken at 5@1'])
  t.is(newest(player), 'L,f1,f2//m,n')
  agree(player, 'f1')
  t.is(player.state.commitIndex, 5)
})

test('F27 the newest membership counts from the moment it is in the log, and no longer than it is', t => {
  const player = play(follower({ voters: 'f1 L f2', leader: 'L', log: '1@1!', verified: 1 }))
  player.turn(ae('L', '1@1', '2@1=L,f1,n/L,f1,f2'))
  t.is(newest(player), 'L,f1,n/L,f1,f2')
  player.turn(allPersisted)
  const cut = play(follower({ voters: 'f1 L f2', log: '1@1! 2@1=L,f1,n/L,f1,f2', term: 2 }))
  cut.turn(message('f2', { type: 'appendEntries', prevLogIndex: 1, prevLogTerm: 1, batches: [{ kind: 'noop', firstIndex: 2, term: 2, count: 1, time: 0 }], leaderCommit: 0, asks: false }))
  t.is(newest(cut), 'f1,L,f2')
})

test('a candidate wins with both majorities alone', t => {
  const stand = (...granted: readonly MemberId[]): string => {
    const player = play(follower({ id: 'a', voters: 'a b c', log: '1@1! 2@1=a,d,e/a,b,c', commit: 1 }))
    player.later(2000, tick)
    player.turn(...['b', 'c', 'd', 'e'].map(id => preVote(id, true)))
    player.turn(allPersisted, ...granted.map(id => vote(id, true)))
    return player.state.role
  }
  t.deepEqual([stand('b', 'c'), stand('d', 'e'), stand('b', 'd')], ['candidate', 'candidate', 'leader'])
})

test('learners and members that the log does not name never stand, and grant what they are asked', t => {
  for (const names of ['a,b//f1', 'a,b']) {
    const player = play(follower({ voters: 'a b', log: `1@1! 2@1=${names}` }))
    for (let i = 0; i < 30; i++) player.later(100, tick)
    t.is(player.state.role, 'follower')
    t.deepEqual(player.turn(requestVote('a', 2, '2@1'), allPersisted).said, ['RVR(a; T2; yes)'])
  }
})

test('a transfer goes to no learner, and a change of learners needs no votes', t => {
  const player = leading(`${THREE} n{nv,next=3,match=2,told=2,on}`)
  t.deepEqual(player.turn(ask({ remove: ['n'] })).changeAnswers, ['#1 taken at 3@1'])
  t.is(newest(player), 'L,f1,f2')
  agree(player, 'f2')
  player.turn(applied(3), propose(1))
  t.is(player.state.commitIndex, 3)
})

test('whoever voted in a membership that may be uncommitted still stands, wherever its own commit is; where the newest is committed, nobody whom it leaves out does', t => {
  const log = '1@1! 2@1=a,b//f1 3@1=a,b,f1/a,b 4@1=a,b,f1 5@1=a,b/a,b,f1 6@1=a,b'
  const roles = [1, 2, 3, 4, 5, 6].map(commit => {
    const player = play(follower({ voters: 'a b', log, commit }))
    for (let i = 0; i < 30 && player.state.role === 'follower'; i++) player.later(100, tick)
    return player.state.role
  })
  t.deepEqual(roles, ['candidate', 'candidate', 'candidate', 'candidate', 'candidate', 'follower'])
})
