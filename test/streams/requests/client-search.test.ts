/** How a client looks for a member and for the leader: whom it waits for, whom it does not, and where it lets itself be sent. */
import test from 'ava'
import { isLeft } from '../../../lib/prelude.js'
import type { ProposeRequest } from '../../../lib/requests.js'
import { LATER, type World, committed, connected, members, refusedBy, shown, world } from './client-world.js'

/** Who is linked or being dialled. */
const busyWith = ({ fakes }: World): readonly string[] =>
  Object.entries(fakes).filter(([, { links, waiting }]) => links.size + waiting.size > 0).map(([id]) => id)

test('a member that does not answer costs a quarter of a second, and is given up for the one that does', async assert => {
  const w = world()
  w.fakes['n1']!.handshake = 'silence'
  const outcome = await w.within(260, w.connect())
  assert.true(outcome !== 'pending' && !isLeft(outcome))
  assert.deepEqual(w.dialled, ['n1', 'n2'])
  w.clock.advance(5)
  assert.deepEqual(busyWith(w), ['n2'])
  w.clock.advance(5_000)
  assert.deepEqual(w.dialled, ['n1', 'n2'], 'whoever is linked looks for nobody')
})

test('the first to let it in is taken, though another was dialled since', async assert => {
  const w = world()
  w.fakes['n1']!.handshakeMs = 300
  for (const id of ['n2', 'n3']) w.fakes[id]!.handshake = 'silence'
  assert.not(await w.within(305, w.connect()), 'pending')
  w.clock.advance(5)
  assert.deepEqual([busyWith(w), w.dialled], [['n1'], ['n1', 'n2']])
})

test('each is dialled once while it does not answer, and named when the time is up; then nothing is left', async assert => {
  const w = world({ timeoutMs: 2000 })
  for (const id of ['n1', 'n2']) w.fakes[id]!.handshake = 'silence'
  w.fakes['n3']!.handshake = 'refuse'
  const outcome = await w.within(2_100, w.connect())
  assert.true(outcome !== 'pending' && isLeft(outcome) && outcome.left._tag === 'Unreachable'
    && /n1: has not answered yet; n2: has not answered yet; n3: connection refused/.test(outcome.left.message), JSON.stringify(outcome))
  assert.deepEqual(w.dialled.filter(id => id !== 'n3'), ['n1', 'n2'])
  assert.deepEqual(busyWith(w), [])
  const attempts = w.dialled.length
  w.clock.advance(60_000)
  assert.is(w.dialled.length, attempts)
})

test('a leader that was lost is looked for in the same way', async assert => {
  const w = world()
  w.fakes['n1']!.answer = committed
  w.fakes['n3']!.answer = committed
  const client = await connected(w)
  assert.is(shown(await w.within(20, client.propose('a'))), 'A')
  for (const id of ['n1', 'n2']) w.fakes[id]!.handshake = 'silence'
  w.cut('n1')
  assert.is(shown(await w.within(600, client.propose('b'))), 'B')
  w.clock.advance(5)
  assert.deepEqual(busyWith(w), ['n3'])
})

test('a pointer to a member that does not answer holds up nobody', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('notLeader', 'n2')
  w.fakes['n2']!.handshake = 'silence'
  w.fakes['n3']!.answer = committed
  const client = await connected(w)
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
})

test('a leader that is far away is reached, though others answer sooner', async assert => {
  const w = world()
  for (const id of ['n1', 'n2']) w.fakes[id]!.answer = refusedBy('notLeader', 'n3')
  w.fakes['n3']!.answer = committed
  w.fakes['n3']!.handshakeMs = 700
  const client = await connected(w)
  assert.is(shown(await w.within(1000, client.propose('a'))), 'A')
  assert.is(w.dialled.filter(id => id === 'n3').length, 1)
  assert.is(shown(await w.within(20, client.propose('b'))), 'B')
  w.clock.advance(200)
  assert.deepEqual(busyWith(w), ['n3'])
})

test('it follows a pointer to a leader that it was not told of, where that may be dialled', async assert => {
  const [near, far] = ['127.0.0.1:4', 'far.example:4']
  for (const [address, options] of [[near, {}], [far, { plaintext: true }]] as const) {
    const w = world({ members: { n1: members.n1 }, ...options })
    w.fakes['n1']!.answer = refusedBy('notLeader', LATER, address)
    w.fakes[LATER]!.answer = committed
    const client = await connected(w)
    assert.is(shown(await w.within(100, client.propose('a'))), 'A')
    assert.deepEqual(w.addresses, [members.n1, address])
    w.fakes['n1']!.answer = committed
    w.cut(LATER)
    assert.is(shown(await w.within(100, client.propose('b'))), 'B', 'and comes back to the one it knows')
  }
})

test('what it was told of a member\'s address comes before what another member says', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('notLeader', 'n3', '127.0.0.1:9')
  w.fakes['n3']!.answer = committed
  const client = await connected(w)
  assert.is(shown(await w.within(100, client.propose('a'))), 'A')
  assert.deepEqual(w.addresses, [members.n1, members.n3])
})

test('a member that knows of no leader is asked again, ever later, and only then the next', async assert => {
  const w = world()
  const client = await connected(w)
  const [n1, n2] = [w.fakes['n1']!, w.fakes['n2']!]
  n2.answer = committed
  const outcome = client.propose('a')
  assert.is(await w.within(75, outcome), 'pending')
  assert.deepEqual([n1.heard.length, w.dialled], [5, ['n1']], 'at once, and 5, 10, 20 and 40 ms after each answer')
  assert.is(shown(await w.within(100, outcome)), 'A')
  assert.deepEqual(w.dialled, ['n1', 'n2'])
})

test('whoever knows a leader by then is asked where that is, and no other', async assert => {
  const w = world()
  const client = await connected(w)
  const outcome = client.propose('a')
  assert.is(await w.within(10, outcome), 'pending')
  w.fakes['n1']!.answer = committed
  assert.is(shown(await w.within(10, outcome)), 'A')
  assert.deepEqual(w.dialled, ['n1'])
  w.clock.advance(5_000)
  assert.deepEqual(w.dialled, ['n1'], 'no search goes on')
})

test('what is refused in one go counts as one refusal', async assert => {
  const w = world()
  const client = await connected(w)
  const n1 = w.fakes['n1']!
  const requests: ProposeRequest[] = []
  n1.answer = request => void requests.push(request)
  for (const command of ['a', 'b']) await w.within(5, client.propose(command))
  assert.is(requests.length, 2)
  n1.answer = refusedBy('notLeader')
  n1.heard.length = 0
  const [link] = n1.links
  for (const request of requests) link!.next({ type: 'received', message: refusedBy('notLeader')(request) })
  await w.within(200, client.propose('c'))
  assert.is(n1.heard.length, 4)
})

test('when its leader is gone it asks the member behind that first', async assert => {
  for (const [leader, next] of [['n1', 'n2'], ['n2', 'n3'], ['n3', 'n1']] as const) {
    const w = world()
    for (const fake of Object.values(w.fakes)) fake.answer = refusedBy('notLeader', leader)
    w.fakes[leader]!.answer = committed
    const client = await connected(w)
    assert.is(shown(await w.within(50, client.propose('a'))), 'A')
    w.fakes[leader]!.handshake = 'refuse'
    w.fakes[next]!.answer = committed
    w.dialled.length = 0
    w.cut(leader)
    assert.is(shown(await w.within(20, client.propose('b'))), 'B')
    assert.deepEqual(w.dialled, [next])
  }
})
