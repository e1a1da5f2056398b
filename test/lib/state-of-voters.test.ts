/** A leader goes only where those who stay could be led without it: whoever has lost its snapshot votes, does not stand, and gets its state back from a leader alone. */
import test from 'ava'
import { waitsFor } from '../../lib/reconfiguration.js'
import { isLacking, membership } from '../../lib/state.js'
import type { MemberId } from '../../lib/types.js'
import { type Fact, type Player, accepted, allPersisted, leader, play, propose, refused, showMembership, tick } from './build.js'
import { type Cluster, elected } from './cluster.js'
import { wishOf } from './wishes.js'

const ask = (wish: string): Fact => ({ term }) => ({ type: 'changeAsked', id: 1, term, wish: wishOf(wish), from: undefined })
const there = (...ids: readonly MemberId[]): string => ids.map(id => `${id}{next=3,match=2,told=2,on}`).join(' ')
const leading = (others: string, more: Parameters<typeof leader>[0] = {}): Player => play(leader({ others, log: '1@1! 2@1', commit: 2, ...more }))
const newest = ({ state }: Player): string => showMembership(membership(state))
/** All is durable here and there, and so is what comes of that. */
const agree = (player: Player, ...ids: readonly MemberId[]): void => {
  for (let i = 0; i < 2; i++) {
    player.turn(allPersisted)
    player.turn(...ids.map(id => accepted(id, player.state.log.lastIndex)))
  }
}
const lacking = (player: Player, id: MemberId): Fact => accepted(id, player.state.log.lastIndex, player.state.log.lastIndex, { lacks: 1 })

test('a leader waits with its own leaving for one that lacks its state', t => {
  const player = leading(there('f1'))
  player.turn(lacking(player, 'f1'))
  t.deepEqual(player.turn(ask('-L')).changeAnswers, ['#1 taken at 3@1'])
  t.is(newest(player), 'L,f1>f1', 'it decides as before, and says where this leads')
  for (let i = 0; i < 20; i++) player.later(100, tick, allPersisted, lacking(player, 'f1'))
  t.is(newest(player), 'L,f1>f1')
  t.is(player.state.role, 'leader')
  agree(player, 'f1')
  t.is(newest(player), 'f1')
})

test('what is not known is not there: neither before the first word of a term, nor after a refusal, nor after a silence', t => {
  const inherited = play(leader({ others: 'f1{next=5,match=3} f2{next=5,match=3,on}', term: 2, log: '1@1! 2@1=f1,f2/L,f1,f2 3@1 4@2!', commit: 3, noop: 4 }))
  inherited.turn(refused('f1', 4, '3@1'))
  inherited.turn(accepted('f2', 4))
  inherited.later(1, refused('f1', 3, '2@1'))
  t.is(newest(inherited), 'f1,f2/L,f1,f2')
  agree(inherited, 'f1', 'f2')
  t.is(newest(inherited), 'f1,f2')
  const old = leading(there('f1', 'f2'))
  for (let i = 0; i < 11; i++) old.later(100, tick, accepted('f1', 2), refused('f2', 100))
  t.deepEqual(old.turn(ask('-L')).changeAnswers, ['#1 taken at 3@1'])
  t.is(newest(old), 'L,f1,f2>f1,f2')
  const young = leading('f1{next=3}', { now: 500 })
  young.turn(refused('f1', 2, '1@1'))
  young.turn(ask('-L'))
  t.is(newest(young), 'L,f1>f1')
})

test('in joint consensus, too, the rest is waited for', t => {
  const player = leading(there('f1', 'f2'))
  player.turn(ask('-L'))
  t.is(newest(player), 'f1,f2/L,f1,f2')
  player.turn(allPersisted)
  player.turn(accepted('f1', 3), lacking(player, 'f2'))
  player.turn()
  t.is(player.state.commitIndex, 3, 'its log counts')
  t.is(newest(player), 'f1,f2/L,f1,f2')
  agree(player, 'f1', 'f2')
  t.is(newest(player), 'f1,f2')
})

test('whoever lacks its state can be removed and replaced, and need not have it where others are enough', t => {
  for (const [others, wish, first] of [
    ['f1', '-f1', 'L/L,f1'], ['f1 f2', '-f1', 'L,f2/L,f1,f2'], ['f1', '-f1 +n', 'L,f1//n>L,n'], ['f1 f2 f3', '-L', 'f1,f2,f3/L,f1,f2,f3'], ['f1 f2', '-f2', 'L,f1,f2>L,f1'],
  ] as const) {
    const player = leading(there(...others.split(' ')))
    player.turn(lacking(player, 'f1'), ask(wish))
    t.is(newest(player), first, wish)
  }
  const replaced = leading(there('f1'))
  replaced.turn(lacking(replaced, 'f1'), ask('-f1 +n'))
  for (let i = 0; i < 3; i++) replaced.later(50, allPersisted, lacking(replaced, 'f1'), accepted('n', replaced.state.log.lastIndex))
  t.is(newest(replaced), 'L,n')
})

test('a change by which nobody is worse off waits for nobody\'s state', t => {
  for (const [wish, wanted] of [['-f2', 'L,f1'], ['+n', 'L,f1,f2,n'], ['-f2 +n', 'L,f1,n']] as const) {
    // The first lacks its state, and the second is down.
    const player = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2}', { now: 5000 })
    player.turn(lacking(player, 'f1'), ask(wish))
    for (let i = 0; i < 5; i++) player.later(50, allPersisted, lacking(player, 'f1'), accepted('n', player.state.log.lastIndex))
    t.is(newest(player), wanted, wish)
  }
})

test('where somebody would be worse off it is waited for: by those who vote before the change, and by those who are not there', t => {
  const player = leading(there('f1', 'f2'), { voters: 'L f1', outgoing: 'L f1 f2', log: '1@1! 2@1=L,f1/L,f1,f2', commit: 1 })
  for (let i = 0; i < 5; i++) player.later(50, allPersisted, lacking(player, 'f1'), accepted('f2', 2))
  t.is(player.state.commitIndex, 2)
  t.is(newest(player), 'L,f1/L,f1,f2')
  const alone = leading('f1{next=3,match=2,told=2,on} f2{next=3,match=2}', { now: 5000 })
  t.deepEqual(alone.turn(lacking(alone, 'f1'), ask('-f1')).changeAnswers, ['#1 refused: no majority of L, f2 is responding'])
})

test('the leader knows whom a change waits for, and why', t => {
  const wants = (player: Player): readonly string[] => player.state.role === 'leader' ? waitsFor(player.state).map(({ id, to }) => `${id} to ${to}`) : []
  const player = leading(there('f1', 'f2'))
  player.turn(lacking(player, 'f1'), accepted('f2', 2))
  t.deepEqual(wants(player), [])
  player.turn(ask('-L +n'))
  t.deepEqual(wants(player), ['f1 to have its state', 'n to catch up'])
  const goes = leading(there('f1', 'f2'))
  goes.turn(lacking(goes, 'f1'), accepted('f2', 2), ask('-L'))
  t.deepEqual(wants(goes), ['f1 to have its state'])
  for (let i = 0; i < 11; i++) goes.later(100, tick, allPersisted, lacking(goes, 'f1'))
  t.deepEqual(wants(goes), ['f1 to have its state', 'f2 to respond'])
})

test('a change is abandoned where the leader stays, whoever lacks its state, and not where it would go', t => {
  const waits = leading(there('f1'))
  waits.turn(lacking(waits, 'f1'), ask('-L'))
  t.deepEqual(waits.turn(ask('abandon')).changeAnswers, ['#1 taken at 4@1'])
  t.is(newest(waits), 'L,f1')
  const log = '1@1! 2@1=L,f1/f1'
  const goes = (): Player => leading('f1{next=3,match=2,told=2,lacks=1,on}', { voters: 'L', outgoing: 'f1', log, commit: 1 })
  t.deepEqual(goes().turn(accepted('f1', 2, 2, { lacks: 1 }), ask('abandon')).changeAnswers, ['#1 refused: no majority of f1 is known to have its state'])
  t.deepEqual(goes().turn(accepted('f1', 2), ask('abandon')).changeAnswers, ['#1 taken at 3@1'])
})

test('a leader that has left serves on until the rest could be led, and its patience begins then', t => {
  const player = leading(there('f1', 'f2'), { log: '1@1! 2@1=f1,f2', commit: 2 })
  for (let i = 0; i < 30; i++) player.later(100, tick, allPersisted, accepted('f1', player.state.log.lastIndex), lacking(player, 'f2'))
  t.deepEqual(player.turn(propose(1)).answers, ['#1 appended at 3@1'])
  player.turn(accepted('f1', 3), accepted('f2', 2))
  t.is(player.state.role, 'leader')
  for (let i = 0; i < 9; i++) player.later(100, tick, accepted('f1', 2), accepted('f2', 2))
  t.is(player.state.role, 'leader')
  for (let i = 0; i < 2; i++) player.later(100, tick, accepted('f1', 2), accepted('f2', 2))
  t.is(player.state.role, 'follower')
})

test('what was begun of handing over is given up where too few have their state', t => {
  const player = leading(there('f1', 'f2'), { log: '1@1! 2@1=f1,f2 3@1', commit: 2 })
  player.turn(accepted('f1', 2), accepted('f2', 2))
  for (let i = 0; i < 20; i++) player.later(100, tick, accepted('f1', 2), accepted('f2', 2, 2, { lacks: 1 }))
  t.is(player.state.role, 'leader')
})

for (const [when, isAsked] of [['before it has left', 'first'], ['after it has left', 'then']] as const) {
  test(`an operator's wish to hand over, ${when}, does not end a leader that those who stay could not do without`, t => {
    const transfer: Fact = ({ term }) => ({ type: 'transferAsked', term, to: undefined })
    const player = leading(there('f1', 'f2', 'f3'))
    player.turn(ask('-L'))
    player.turn(allPersisted)
    player.turn(...['f1', 'f2', 'f3'].map(id => accepted(id, 3)))
    t.is(newest(player), 'f1,f2,f3')
    const some = (): readonly Fact[] => [accepted('f1', 4), lacking(player, 'f2'), lacking(player, 'f3')]
    if (isAsked === 'first') player.turn(transfer)
    const left = player.turn(allPersisted, ...some())
    t.is(player.state.commitIndex, 4)
    const told = isAsked === 'first' ? left : player.turn(transfer)
    t.true(told.said.includes('TN(f1; T1; 4)'), 'who has its state may lead')
    for (let i = 0; i < 15; i++) player.later(100, tick, allPersisted, ...some())
    t.is(player.state.role, 'leader')
    t.deepEqual(player.turn(propose(1)).answers, ['#1 appended at 5@1'], 'and one that is told and does not stand is given up')
    player.turn(allPersisted)
    player.turn(...['f1', 'f2', 'f3'].map(id => accepted(id, 5)))
    player.later(100, tick)
    t.is(player.state.role, 'follower', 'it goes once they have their state')
  })
}

test('nobody is told to stand that lacks its state, and nobody asked for it', t => {
  const player = leading(there('f1', 'f2'))
  const transfer = (to?: MemberId): Fact => ({ term }) => ({ type: 'transferAsked', term, to })
  player.turn(lacking(player, 'f1'), transfer('f1'))
  t.deepEqual(player.turn(propose(1)).answers, ['#1 appended at 3@1'])
  player.turn(allPersisted)
  player.turn(accepted('f2', 3), lacking(player, 'f1'))
  t.deepEqual(player.turn(transfer()).said.filter(one => one.startsWith('TN')), ['TN(f2; T1; 3)'])
  t.deepEqual(player.later(100, tick).said.filter(one => one.startsWith('TN')), ['TN(f2; T1; 3)'], 'and nobody else in its turn')
})

/** The second of these has lost its snapshot, and the leader, which comes first, has its own. */
const withOneLacking = (names: string): { readonly group: Cluster; readonly ids: readonly MemberId[] } => {
  const group = elected(names)
  const { id } = group.leader()
  const others = group.members.map(member => member.id).filter(other => other !== id)
  for (let i = 0; i < 5; i++) {
    group.propose(id, i)
    group.settle()
  }
  group.until(() => group.members.every(({ applied }) => applied.length === 6))
  for (const member of group.members) group.takeSnapshot(member.id)
  group.settle()
  group.crash(others[0]!)
  group.loseSnapshot(others[0]!)
  group.restart(others[0]!)
  return { group, ids: [id, ...others] }
}
const pass = (group: Cluster, ms: number, lost?: Parameters<Cluster['settle']>[0]): void => {
  for (let i = 0; i < ms; i += 50) {
    group.wait(50)
    group.settle(lost)
  }
}

for (const wish of ['-', '?'] as const) {
  test(`of two, one of whom lost its snapshot, the other goes once that is back: ${wish}`, t => {
    const { group, ids: [a, b] } = withOneLacking('a b')
    const isSlow = ({ type }: { readonly type: string }): boolean => type === 'installSnapshot'
    pass(group, 300, isSlow)
    group.change(a!, 99, wishOf(`${wish}${a}`))
    pass(group, 5000, isSlow)
    t.is(group.leader().id, a!, 'nobody else could lead')
    group.until(() => group.leaders().some(({ id, applied, state }) => id === b && applied.length === state.log.lastIndex))
    t.deepEqual(membership(group.member(b!).state).voters, [b!])
  })
}

for (const isAsked of [true, false]) {
  test(`of four, one has left and two of the rest lost their snapshots just then: when the last goes, too, there is a leader; asked to hand over: ${isAsked}`, t => {
    const group = elected('a b c d')
    const { id: a } = group.leader()
    const [b, c, d] = group.members.map(({ id }) => id).filter(id => id !== a) as [MemberId, MemberId, MemberId]
    for (let i = 0; i < 5; i++) {
      group.propose(a, i)
      group.settle()
    }
    group.until(() => group.members.every(({ applied }) => applied.length === 6))
    for (const { id } of group.members) group.takeSnapshot(id)
    group.settle()
    group.change(a, 99, wishOf(`-${a}`))
    pass(group, 100, ({ type, ...said }) => type === 'appendEntries' && 'batches' in said && said.batches.some(batch => batch.kind === 'membership' && batch.membership.outgoing.length === 0))
    for (const id of [b, c]) {
      group.crash(id)
      group.loseSnapshot(id)
      group.restart(id)
    }
    pass(group, 3000, ({ type }) => type === 'installSnapshot')
    t.deepEqual(membership(group.member(a).state).voters, [b, c, d])
    if (isAsked) {
      group.act(a, { type: 'transferAsked', term: group.member(a).state.term, to: undefined })
      group.wait(10)
      t.true(group.mail.some(({ type, to }) => type === 'timeoutNow' && to === d))
    }
    group.crash(d)
    group.mail.length = 0
    group.until(() => group.leaders().some(({ id, state }) => id !== a && state.commitIndex === state.log.lastIndex))
    t.false([b, c].some(id => isLacking(group.member(id).state)))
  })
}

test('of three, what reached only the one that lost its snapshot keeps nobody from leading afterwards', t => {
  const { group, ids: [a, b, c] } = withOneLacking('a b c')
  const isSlow = ({ type }: { readonly type: string }): boolean => type === 'installSnapshot'
  pass(group, 250, isSlow)
  group.change(a!, 99, wishOf(`-${a}`))
  pass(group, 500, isSlow)
  group.propose(a!, 100)
  pass(group, 3000, message => isSlow(message) || (message.to === c && message.type === 'appendEntries' && message.batches.some(({ kind }) => kind === 'command')))
  group.until(() => group.leaders().some(({ id, state }) => id !== a && state.commitIndex === state.log.lastIndex))
  t.deepEqual(membership(group.leader().state).voters, [b!, c!])
  t.is(group.member(b!).applied.length, group.leader().state.log.lastIndex)
})

test('the last voter that is left has lost its snapshot, and that it is the last is not committed: it does not stand, and helps the one that has it', t => {
  const { group, ids: [a, b] } = withOneLacking('a b')
  group.until(() => !isLacking(group.member(b!).state))
  pass(group, 300)
  group.change(a!, 99, wishOf(`-${a}`))
  group.until(() => membership(group.member(b!).state).outgoing.length === 0 && membership(group.member(b!).state).voters.length === 1,
    ({ from, type }) => from === b && type === 'appendAccepted' && membership(group.member(b!).state).outgoing.length === 0)
  group.crash(a!)
  group.crash(b!)
  group.loseSnapshot(b!)
  group.restart(b!)
  t.true(isLacking(group.member(b!).state))
  pass(group, 5000)
  t.deepEqual(group.leaders(), [])
  group.restart(a!)
  group.until(() => group.leaders().some(({ id, applied, state }) => id === b && applied.length === state.log.lastIndex))
})
