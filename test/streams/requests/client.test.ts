/** The client: how it finds the leader, and that it never sends again what may have been appended. */
import test from 'ava'
import type { ProposeRequest } from '../../../lib/requests.js'
import { isLeft } from '../../../lib/prelude.js'
import { LATER, committed, connected, leading, refusedBy, shown, world } from './client-world.js'

test('it connects to the first member that answers, the others in turn', async assert => {
  const w = world()
  w.fakes['n1']!.handshake = 'refuse'
  w.fakes['n2']!.handshake = 'refuse'
  await connected(w)
  assert.deepEqual(w.dialled, ['n1', 'n2', 'n3'])
})

test('a request means the leader of one term: the first one learns which, and is sent again at once', async assert => {
  const w = world()
  const client = await connected(w)
  w.fakes['n1']!.answer = leading('n1', 3)
  const before = w.clock.now()
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  assert.true(w.clock.now() - before <= 10, 'without waiting for a tick')
  assert.is(shown(await w.within(1000, client.propose('b'))), 'B')
  assert.deepEqual(w.fakes['n1']!.heard, ['a', 'a', 'b'])
  w.fakes['n1']!.answer = leading('n1', 5)
  assert.is(shown(await w.within(1000, client.propose('c'))), 'C')
  assert.deepEqual(w.dialled, ['n1'])
})

test('a leader of an earlier term than it has heard of is believed: those who led in the later ones may be lost', async assert => {
  const w = world()
  w.fakes['n1']!.answer = leading('n1', 7)
  const client = await connected(w)
  assert.is(shown(await w.within(100, client.propose('a'))), 'A')
  w.fakes['n1']!.answer = leading('n1', 4)
  assert.is(shown(await w.within(100, client.propose('b'))), 'B')
})

test('without any member it is unreachable, with what each said, after timeoutMs', async assert => {
  const w = world({ timeoutMs: 2000 })
  for (const fake of Object.values(w.fakes)) fake.handshake = 'refuse'
  const connecting = w.connect()
  assert.is(await w.within(1900, connecting), 'pending')
  const outcome = await w.within(500, connecting)
  assert.true(outcome !== 'pending' && isLeft(outcome) && outcome.left._tag === 'Unreachable'
    && /within 2000 ms: .*n1: connection refused; n2: .*n3: /.test(outcome.left.message))
  const attempts = w.dialled.length
  w.clock.advance(60_000)
  assert.is(w.dialled.length, attempts, 'and gives up')
})

test('the waits between attempts grow up to reconnectMaxMs', async assert => {
  const w = world({ timeoutMs: 60_000, limits: { reconnectMinMs: 20, reconnectMaxMs: 1000 } })
  for (const fake of Object.values(w.fakes)) fake.handshake = 'refuse'
  void w.connect()
  w.clock.advance(1000)
  const first = w.dialled.length
  w.clock.advance(10_000)
  assert.true(first >= 5 && first <= 8, `${first} in the first second`)
  assert.true(w.dialled.length - first >= 18 && w.dialled.length - first <= 22, `${w.dialled.length - first} in the ten seconds after`)
})

test('it asks for the same cluster as the members of that name', async assert => {
  const [one, other, third] = [world(), world({ cluster: 'other' }), world()]
  for (const w of [one, other, third]) await connected(w)
  assert.deepEqual([...one.clusterNameIds], [...third.clusterNameIds])
  assert.notDeepEqual([...one.clusterNameIds], [...other.clusterNameIds])
})

test('it goes where it is pointed, and sends there in order what was refused', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('notLeader', 'n3')
  w.fakes['n3']!.answer = committed
  const client = await connected(w)
  const outcomes = Promise.all(['a', 'b', 'c'].map(command => client.propose(command)))
  const all = await w.within(200, outcomes)
  assert.deepEqual(all === 'pending' ? all : all.map(shown), ['A', 'B', 'C'])
  assert.deepEqual(w.dialled, ['n1', 'n3'])
  assert.deepEqual(w.fakes['n3']!.heard, ['a b c'])
  w.clock.advance(50)
  assert.is(w.fakes['n1']!.links.size, 0, 'the link that was left is closed')
})

test('it does not follow a pointer to where nothing may be sent in the clear, but asks the next in turn', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('notLeader', LATER)
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  assert.is(shown(await w.within(500, client.propose('a'))), 'A')
  assert.deepEqual(w.dialled, ['n1', 'n2'])
})

test('two members that point at each other do not keep it busy', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('notLeader', 'n2')
  w.fakes['n2']!.answer = refusedBy('notLeader', 'n1')
  const client = await connected(w)
  assert.is(shown(await w.within(6000, client.propose('a', { timeoutMs: 4950 }))), 'NotLeader never', 'looked at while it waits')
  assert.true(w.dialled.length < 120, `${w.dialled.length} attempts`)
})

test('while there is no leader it waits, and finds the one that is elected', async assert => {
  const w = world()
  const client = await connected(w)
  const proposing = client.propose('a')
  assert.is(await w.within(1500, proposing), 'pending')
  w.fakes['n2']!.answer = committed
  assert.is(shown(await w.within(500, proposing)), 'A')
})

test('a busy or a young leader is asked again, and not left', async assert => {
  for (const reason of ['busy', 'notReady'] as const) {
    const w = world()
    let refusals = 3
    w.fakes['n1']!.answer = request => refusals-- > 0 ? refusedBy(reason)(request) : committed(request)
    const client = await connected(w)
    assert.is(shown(await w.within(300, client.propose('a'))), 'A')
    assert.deepEqual(w.dialled, ['n1'])
    assert.deepEqual(w.fakes['n1']!.heard, ['a', 'a', 'a', 'a'])
  }
})

test('a member that stops is left for the next, also while it still leads', async assert => {
  for (const leader of [undefined, 'n1']) {
    const w = world()
    w.fakes['n1']!.answer = refusedBy('stopped', leader)
    w.fakes['n2']!.answer = committed
    const client = await connected(w)
    assert.is(shown(await w.within(500, client.propose('a'))), 'A', leader ?? 'nobody leads')
  }
})

test('what was sent and not answered when the link went down is sent again, before what waited', async assert => {
  const w = world({ limits: { maxBatchBytes: 1, maxInflightBytes: 1, maxAppendBytes: 1 } })
  w.fakes['n1']!.answer = () => undefined
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  const [sent, waiting] = [client.propose('sent'), client.propose('waiting')]
  assert.is(await w.within(100, sent), 'pending')
  w.cut('n1')
  assert.is(shown(await w.within(500, sent)), 'SENT')
  assert.is(shown(await w.within(500, waiting)), 'WAITING')
  assert.deepEqual([w.fakes['n1']!.heard, w.fakes['n2']!.heard], [['sent'], ['sent', 'waiting']])
})

test('when the link goes down and no other member can be reached, the outcome is unknown when its time is up', async assert => {
  const w = world({ timeoutMs: 300 })
  w.fakes['n1']!.answer = () => undefined
  const client = await connected(w)
  for (const fake of Object.values(w.fakes)) fake.handshake = 'refuse'
  const sent = client.propose('a')
  assert.is(await w.within(50, sent), 'pending')
  w.cut('n1')
  assert.is(await w.within(200, sent), 'pending')
  assert.is(shown(await w.within(100, sent)), 'TimedOut unknown')
})

test('what a member that ends has not looked at is proposed to the next, in order', async assert => {
  const w = world({ limits: { maxBatchBytes: 1 } })
  w.fakes['n1']!.answer = request => request.id === 2 ? { type: 'lost', id: 2 } : undefined
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  const outcomes = Promise.all(['a', 'b', 'c'].map(command => client.propose(command)))
  assert.is(await w.within(50, outcomes), 'pending')
  w.cut('n1', 'unseen')
  const all = await w.within(500, outcomes)
  assert.deepEqual(all === 'pending' ? all : all.map(shown), ['A', 'B', 'C'])
  assert.deepEqual([w.fakes['n1']!.heard, w.fakes['n2']!.heard], [['a', 'b', 'c'], ['a', 'b', 'c']])
})

test('a leader that lost a request says so, and the client asks again, with a pause', async assert => {
  const w = world({ timeoutMs: 300 })
  w.fakes['n1']!.answer = ({ id }) => ({ type: 'lost', id })
  const client = await connected(w)
  const proposing = client.propose('a')
  assert.is(await w.within(200, proposing), 'pending')
  const { length } = w.fakes['n1']!.heard
  assert.true(length > 1 && length < 20, `${length} times`)
  w.fakes['n1']!.answer = committed
  assert.is(shown(await w.within(90, proposing)), 'A')
})

test('a session is opened wherever the leader is found, and by whoever leads next where that is not known', async assert => {
  const w = world()
  for (const fake of Object.values(w.fakes)) fake.opens = false
  w.fakes['n1']!.answer = refusedBy('notLeader', 'n2')
  w.fakes['n2']!.answer = () => undefined
  w.fakes['n3']!.answer = committed
  const client = await connected(w)
  const proposing = client.propose('a')
  assert.is(await w.within(100, proposing), 'pending')
  w.cut('n2')
  assert.is(shown(await w.within(500, proposing)), 'A')
  assert.is(shown(await w.within(500, client.propose('b'))), 'B')
  assert.deepEqual(['n1', 'n2', 'n3'].map(id => w.fakes[id]!.heard.join()), ['opens', 'opens', 'opens,a,b'])
})

test('an answer that comes over the link that was left still counts', async assert => {
  const w = world({ limits: { maxBatchBytes: 1 } })
  let first: ProposeRequest | undefined
  w.fakes['n1']!.answer = request => {
    if (first === undefined) {
      first = request
      return undefined
    }
    return refusedBy('notLeader', 'n2')(request)
  }
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  const outcomes = [client.propose('a'), client.propose('b')] as const
  assert.is(await w.within(40, outcomes[1]), 'pending')
  for (const events of w.fakes['n1']!.links) events.next({ type: 'received', message: committed(first!) })
  assert.is(shown(await w.within(100, outcomes[0])), 'A')
  assert.is(shown(await w.within(100, outcomes[1])), 'B')
})

test('a link that goes down is replaced without being asked for', async assert => {
  const w = world()
  for (const fake of Object.values(w.fakes)) fake.answer = committed
  const client = await connected(w)
  w.clock.advance(5000)
  w.cut('n1')
  w.clock.advance(50)
  assert.deepEqual(w.dialled, ['n1', 'n2'])
  assert.is(shown(await w.within(100, client.propose('a'))), 'A')
})

test('timeoutMs holds for proposals that name none', async assert => {
  const w = world({ timeoutMs: 300 })
  w.fakes['n1']!.answer = () => undefined
  const client = await connected(w)
  assert.is(shown(await w.within(400, client.propose('a'))), 'TimedOut unknown')
})

test('closing waits for the last answers, refuses what is new, closes every link and every timer; twice is once', async assert => {
  const w = world()
  let held: ProposeRequest | undefined
  w.fakes['n1']!.answer = request => { held = request; return undefined }
  const client = await connected(w)
  const proposing = client.propose('a')
  await w.within(20, proposing)
  const closing = Promise.all([client.close(), client.close()])
  assert.is(shown(await w.within(20, client.propose('late'))), 'Stopped never')
  assert.is(await w.within(1000, closing), 'pending')
  for (const events of w.fakes['n1']!.links) events.next({ type: 'received', message: committed(held!) })
  assert.is(shown(await w.within(20, proposing)), 'A')
  assert.not(await w.within(20, closing), 'pending')
  assert.is(w.fakes['n1']!.links.size, 0)
  const attempts = w.dialled.length
  w.clock.advance(60_000)
  assert.is(w.dialled.length, attempts)
})

test('closing waits as well while the leader is sought, and no longer than until the time of what waits is up', async assert => {
  const w = world()
  let asked = 0
  w.fakes['n1']!.answer = request => ++asked < 3 ? refusedBy('notLeader')(request) : committed(request)
  const client = await connected(w)
  const proposing = client.propose('a')
  const closing = client.close()
  assert.is(shown(await w.within(400, proposing)), 'A')
  assert.not(await w.within(400, closing), 'pending')

  const lost = world()
  lost.fakes['n1']!.answer = refusedBy('notLeader')
  const other = await connected(lost)
  const failing = other.propose('a', { timeoutMs: 300 })
  const ending = other.close()
  assert.is(await lost.within(200, ending), 'pending')
  assert.is(shown(await lost.within(200, failing)), 'NotLeader never')
  assert.not(await lost.within(100, ending), 'pending')
})

test('replicate works over a client as over a member', async assert => {
  const w = world()
  w.fakes['n1']!.answer = committed
  const client = await connected(w)
  const seen: string[] = []
  const done = new Promise<readonly string[]>(resolve => client.replicateFrom(['a', 'b', 'c'], { window: 2 }).subscribe({
    next: ({ outcome }) => seen.push(shown(outcome)),
    complete: () => resolve(seen),
  }))
  assert.deepEqual(await w.within(200, done), ['A', 'B', 'C'])
})
