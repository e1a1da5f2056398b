/** Whom a client looks for when the cluster is not any more what it was given: what members tell it, where that leads, and what it never loses. */
import test from 'ava'
import { createDirectory } from '../../../client/directory.js'
import { LATER, type World, belonging, committed, connected, members, refusedBy, shown, world } from './client-world.js'

const GIVEN = { n1: 'given:1', n2: 'given:2' }
const FAR = 'far.example:1'

type Told = readonly [index: number, addresses: Readonly<Record<string, string>>]

/** What a client knows that was told these, one after the other, and what of that was news. */
const told = (...news: readonly Told[]) => {
  const directory = createDirectory({ given: GIVEN, mayDial: address => address !== FAR })
  return { ...directory, news: news.map(([index, addresses]) => directory.learn(index, addresses)) }
}

const lists: Readonly<Record<string, readonly [news: readonly Told[], isNews: readonly boolean[], round: readonly string[]]>> = {
  'nothing': [[], [], ['n1', 'n2']],
  'the first membership': [[[0, { n1: 'a:1', n2: 'a:2', n3: 'a:3' }]], [true], ['n1', 'n2', 'n3']],
  'a newer one': [[[5, { n2: 'a:2', n3: 'a:3' }], [9, { n3: 'a:3', n4: 'a:4' }]], [true, true], ['n3', 'n4', 'n1', 'n2']],
  'an older one after it': [[[9, { n3: 'a:3', n4: 'a:4' }], [5, { n2: 'a:2', n3: 'a:3' }]], [true, false], ['n3', 'n4', 'n1', 'n2']],
  'another at the same place': [[[9, { n3: 'a:3' }], [9, { n4: 'a:4' }]], [true, false], ['n3', 'n1', 'n2']],
  'one of which a part may be dialled': [[[5, { n3: FAR, n4: 'a:4' }]], [true], ['n4', 'n1', 'n2']],
  'one of which nobody may be dialled': [[[5, { n3: FAR }], [4, { n4: 'a:4' }]], [false, true], ['n4', 'n1', 'n2']],
  'one of nobody': [[[5, {}]], [false], ['n1', 'n2']],
}
for (const [what, [news, isNews, round]] of Object.entries(lists)) {
  test(`a client that was told ${what} asks in this order`, t => {
    const directory = told(...news)
    t.deepEqual(directory.news, isNews)
    t.deepEqual(directory.round(undefined), round)
  })
}

test('a round begins behind whoever was the right one, and those who do not belong stay at its end', t => {
  const { round } = told([5, { n2: 'a:2', n3: 'a:3', n4: 'a:4' }])
  t.deepEqual(['n2', 'n4', 'n1', 'n9'].map(behind => round(behind).join()), ['n3,n4,n2,n1', 'n2,n3,n4,n1', 'n2,n3,n4,n1', 'n2,n3,n4,n1'])
})

test('of several addresses of one member that comes first where it was reached, then where it was not looked for, then where it was missed the longest ago', t => {
  const { find, tried } = told([5, { n1: 'told:1', n3: 'told:3' }])
  const order = (pointed?: string): string => find('n1', pointed).map(({ address }) => address).join()
  const at = (address: string) => ({ member: 'n1', address })
  t.deepEqual([order(), order('pointed:1'), order('given:1'), order(FAR)], ['told:1,given:1', 'told:1,given:1,pointed:1', 'told:1,given:1', 'told:1,given:1'])
  tried(at('told:1'), false)
  t.is(order('pointed:1'), 'given:1,pointed:1,told:1')
  tried(at('given:1'), false)
  t.is(order('pointed:1'), 'pointed:1,told:1,given:1')
  t.is(order(), 'told:1,given:1')
  tried(at('given:1'), true)
  t.is(order('pointed:1'), 'given:1,pointed:1,told:1')
  tried(at('told:1'), true)
  t.is(order(), 'told:1,given:1')
  t.deepEqual([find('n3'), find('n9'), find('n9', FAR), find('toString')], [[{ member: 'n3', address: 'told:3' }], [], [], []])
})

test('what came of an address that nobody knows any more is forgotten', t => {
  const { learn, find, tried } = told([5, { n3: 'old:3' }])
  tried({ member: 'n3', address: 'old:3' }, true)
  learn(6, { n3: 'new:3' })
  t.deepEqual(find('n3', 'old:3').map(({ address }) => address), ['new:3', 'old:3'])
})

const at = (...ids: readonly string[]): Readonly<Record<string, string>> => Object.fromEntries(ids.map(id => [id, `127.0.0.1:${id.slice(1)}`]))

/** Only these are there, and this one leads. */
const alive = (w: World, leader: string, ...ids: readonly string[]): void => Object.entries(w.fakes).forEach(([id, fake]) => {
  fake.handshake = ids.includes(id) ? 'welcome' : 'refuse'
  fake.answer = id === leader ? committed : refusedBy('notLeader', leader, at(leader)[leader])
  if (!ids.includes(id)) w.cut(id)
})

test('the same client goes on while every member that it was given is replaced, one by one', async assert => {
  const w = world()
  alive(w, 'n1', 'n1', 'n2', 'n3')
  const client = await connected(w)
  const steps = [['n2', 'n3', 'n4'], ['n3', 'n4', 'n5'], ['n4', 'n5', 'n6']]
  for (const [turn, ids] of steps.entries()) {
    for (const id of Object.keys(w.fakes)) w.tell(id, belonging(10 + turn, at(...ids)))
    alive(w, ids[0]!, ...ids)
    assert.is(shown(await w.within(500, client.propose(`to ${ids[0]}`))), `TO ${ids[0]!.toUpperCase()}`)
  }
  w.dialled.length = 0
  alive(w, 'n6', 'n5', 'n6')
  assert.is(shown(await w.within(500, client.propose('on'))), 'ON')
  assert.true(w.dialled.every(id => ['n4', 'n5', 'n6'].includes(id)), w.dialled.join())
})

test('those that were given are the last resort: each that belongs is dialled before', async assert => {
  const w = world()
  w.fakes['n1']!.tells = belonging(7, at('n4', 'n5', 'n6'))
  w.fakes['n1']!.answer = committed
  const client = await connected(w)
  for (const id of ['n4', 'n5', 'n6']) w.fakes[id]!.handshake = 'refuse'
  w.cut('n1')
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  assert.deepEqual(w.dialled, ['n1', 'n4', 'n5', 'n6', 'n1'])
})

test('where those who belong answer and know of no leader, those that were given are asked, too', async assert => {
  const w = world({ members: { n1: members.n1, n2: members.n2 } })
  w.fakes['n1']!.tells = belonging(7, at('n4', 'n5'))
  const client = await connected(w)
  w.fakes['n1']!.handshake = 'refuse'
  w.fakes['n2']!.answer = committed
  w.cut('n1')
  assert.is(shown(await w.within(2000, client.propose('a'))), 'A')
  assert.deepEqual([w.dialled[1], w.dialled[2], w.dialled.at(-1)], ['n4', 'n5', 'n2'])
})

test('a list of whom nobody may be dialled loses none of those that were given', async assert => {
  const w = world()
  w.fakes['n1']!.tells = belonging(7, { n4: 'far.example:4', n5: '192.0.2.5:7001' })
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  w.fakes['n1']!.handshake = 'refuse'
  w.cut('n1')
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  assert.deepEqual(w.dialled, ['n1', 'n2'])
})

test('a member that is behind brings nobody back', async assert => {
  const w = world()
  w.fakes['n1']!.tells = belonging(9, at('n1', 'n4', 'n5'))
  w.fakes[LATER]!.tells = belonging(5, at('n1', 'n2', 'n3'))
  const client = await connected(w)
  for (const id of ['n1', 'n2', 'n3']) w.fakes[id]!.handshake = 'refuse'
  w.cut('n1')
  w.clock.advance(20)
  w.fakes['n5']!.answer = committed
  w.fakes[LATER]!.handshake = 'refuse'
  w.cut(LATER)
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  assert.deepEqual(w.dialled, ['n1', 'n4', 'n5'])
})

test('a member that has moved is found where it is now', async assert => {
  const [moved, elsewhere] = ['127.0.0.1:11', '127.0.0.1:12']
  const w = world({ members: { n1: members.n1 } })
  w.fakes['n1']!.answer = committed
  const client = await connected(w)
  for (const [index, address] of [[7, moved], [8, elsewhere]] as const) {
    w.tell('n1', belonging(index, { n1: address }))
    w.fakes['n1']!.at = address
    w.cut('n1')
    assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
    assert.is(w.addresses.at(-1), address)
  }
})

test('members that are reached otherwise than they believe stay reachable as they were given', async assert => {
  const w = world({ plaintext: true })
  const inside = { n1: '10.0.0.1:7001', n2: '10.0.0.2:7001', n3: '10.0.0.3:7001' }
  for (const id of ['n1', 'n2', 'n3'] as const) Object.assign(w.fakes[id]!, { at: members[id], tells: belonging(3, inside), answer: refusedBy('notLeader', 'n2', inside.n2) })
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  assert.is(w.addresses.at(-1), members.n2)
  w.addresses.length = 0
  w.cut('n2')
  assert.is(shown(await w.within(1000, client.propose('b'))), 'B')
  assert.deepEqual(w.addresses.slice(0, 2), [inside.n3, members.n1], 'n3 was not looked for yet, n1 was reached')
  assert.is(w.addresses.at(-1), members.n2, 'n2 is where it was')
})

/** It lets in whoever dials, and its process ends with the first question. */
const crashes = (w: World, id: string): void => {
  const fake = w.fakes[id]!
  fake.opens = false
  fake.answer = () => {
    queueMicrotask(() => w.cut(id))
    return undefined
  }
}

test('one that lets a client in and ends, again and again, does not keep it from those that it was given', async assert => {
  const w = world({ members: { n1: members.n1, n2: members.n2 } })
  Object.assign(w.fakes['n1']!, { tells: belonging(7, at('n4', 'n5')), answer: committed })
  const client = await connected(w)
  for (const id of ['n1', 'n5']) w.fakes[id]!.handshake = 'refuse'
  crashes(w, 'n4')
  w.fakes['n2']!.answer = committed
  w.cut('n1')
  assert.is(shown(await w.within(10_000, client.propose('a'))), 'A', w.dialled.join())
})

test('of those that were given one that lets a client in and ends does not hide the next', async assert => {
  const w = world()
  Object.assign(w.fakes['n1']!, { tells: belonging(7, at('n4', 'n5')), answer: committed })
  const client = await connected(w)
  for (const id of ['n1', 'n4', 'n5']) w.fakes[id]!.handshake = 'refuse'
  crashes(w, 'n2')
  w.fakes['n3']!.answer = committed
  w.cut('n1')
  assert.is(shown(await w.within(10_000, client.propose('a'))), 'A', w.dialled.join())
})

test('a member that was removed and is back elsewhere is found there, although what it was before still lets clients in', async assert => {
  const elsewhere = '127.0.0.1:11'
  const w = world({ members: { n1: members.n1, n2: members.n2 } })
  w.fakes['n1']!.answer = request => w.addresses.at(-1) === elsewhere ? committed(request) : refusedBy('notLeader')(request)
  const client = await connected(w)
  Object.assign(w.fakes['n2']!, { tells: belonging(9, { n1: elsewhere, n2: members.n2 }), answer: refusedBy('notLeader', 'n1', elsewhere) })
  assert.is(shown(await w.within(10_000, client.propose('a'))), 'A', w.addresses.join())
})

test('a cluster that went on from a log that ended before what a client was told is followed, too', async assert => {
  const w = world({ members: { n1: members.n1 } })
  Object.assign(w.fakes['n1']!, { tells: belonging(1000, at('n1', 'n2', 'n3')), answer: committed })
  const client = await connected(w)
  w.fakes['n1']!.tells = belonging(901, at('n1'))
  w.cut('n1')
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  w.tell('n1', belonging(905, at('n1', 'n4')))
  w.tell('n1', belonging(907, at('n4')))
  w.fakes['n4']!.answer = committed
  for (const id of ['n1', 'n2', 'n3']) w.fakes[id]!.handshake = 'refuse'
  w.cut('n1')
  assert.is(shown(await w.within(5000, client.propose('b'))), 'B')
})
