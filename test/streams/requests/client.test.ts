/** The client: how it finds the leader, and that it never sends again what may have been appended. */
import test from 'ava'
import * as t from 'io-ts'
import { Subject, filter, firstValueFrom, map } from 'rxjs'
import { forEachEntry } from '../../../codecs/entries.js'
import { encodeResults } from '../../../codecs/results.js'
import { decodeValue } from '../../../codecs/values.js'
import type { ProposeError } from '../../../lib/errors.js'
import { type Either, isLeft, isRight } from '../../../lib/prelude.js'
import type { LinkMessage, ProposeRefused, ProposeRequest } from '../../../lib/requests.js'
import { type Client, type ClientOptions, connectWith } from '../../../client/connect.js'
import { type ConnectError, connect } from '../../../client/index.js'
import { freePort } from '../../../cli/demo/ports.js'
import { createRaft, memoryStorage, orThrow, reducerMachine, tcpTransport } from '../../../streams/index.js'
import type { ClientLink, ClientLinkEvent } from '../../../streams/transport/port.js'
import { virtualClock } from '../member/world.js'

const protocol = { command: t.string, result: t.string }
const members = { n1: '127.0.0.1:1', n2: '127.0.0.1:2', n3: '127.0.0.1:3' }

/** A member as its clients see it. */
interface Fake {
  /** What it does with whoever dials. */
  handshake: 'welcome' | 'refuse' | 'silence'
  /** What it says to a request; undefined: nothing yet. */
  answer: (request: ProposeRequest) => LinkMessage | undefined
  readonly links: Set<Subject<ClientLinkEvent>>
  readonly heard: string[]
}

const commandsIn = ({ body }: ProposeRequest): readonly string[] => {
  const commands: string[] = []
  forEachEntry(body, 0, body.count, entry => {
    const command = decodeValue(t.string, entry)
    if (isRight(command)) commands.push(command.right)
  })
  return commands
}
const committed = (request: ProposeRequest): LinkMessage => {
  const results = encodeResults(t.string, commandsIn(request).map(command => command.toUpperCase()))
  if (isLeft(results)) throw new Error(results.left)
  return { type: 'committed', id: request.id, firstIndex: 1, term: 1, results: results.right }
}
const refusedBy = (reason: ProposeRefused['reason'], leader?: string) => (request: ProposeRequest): LinkMessage =>
  ({ type: 'refused', id: request.id, reason, leader: leader === undefined ? undefined : { id: leader, address: 'elsewhere:1', term: 1 } })

/** What the leader of `term` answers: only who means it is served. */
const leading = (leader: string, term: number) => (request: ProposeRequest): LinkMessage => request.term === term ? committed(request)
  : { type: 'refused', id: request.id, reason: 'notLeader', leader: { id: leader, address: 'elsewhere:1', term } }

/** Three members and a clock in the test's hands. */
const world = (options: Partial<ClientOptions<string, string>> = {}) => {
  const clock = virtualClock()
  const fakes: Record<string, Fake> = {}
  for (const id of Object.keys(members)) fakes[id] = { handshake: 'welcome', answer: refusedBy('notLeader'), links: new Set(), heard: [] }
  const dialled: string[] = []
  const clusterIds = new Set<string>()
  const dial = ({ member, clusterId }: { readonly member: string; readonly clusterId: string }): ClientLink => {
    const fake = fakes[member]!
    const events = new Subject<ClientLinkEvent>()
    const end = (last: ClientLinkEvent): void => {
      fake.links.delete(events)
      events.next(last)
      events.complete()
    }
    dialled.push(member)
    clusterIds.add(clusterId)
    clock.after(1, () => {
      if (fake.handshake === 'refuse') end({ type: 'refused', reason: 'connection refused' })
      if (fake.handshake !== 'welcome' || events.closed) return
      fake.links.add(events)
      events.next({ type: 'connected' })
    })
    return {
      events$: events,
      send: messages => messages.forEach(message => {
        if (message.type !== 'propose') return
        fake.heard.push(commandsIn(message).join(' '))
        clock.after(1, () => {
          const answer = fake.links.has(events) ? fake.answer(message) : undefined
          if (answer !== undefined) events.next({ type: 'received', message: answer })
        })
      }),
      close: () => clock.after(1, () => end({ type: 'disconnected', reason: 'closed here' })),
    }
  }
  const host = { clock, random: () => 0, dial: dial as Parameters<typeof connectWith>[0]['dial'] }
  return {
    clock, fakes, dialled, clusterIds,
    connect: (): Promise<Either<ConnectError, Client<string, string>>> => connectWith(host, { cluster: 'test', members, protocol, ...options }),
    /** All links of a member go down. */
    cut: (id: string): void => [...fakes[id]!.links].forEach(events => {
      fakes[id]!.links.delete(events)
      events.next({ type: 'disconnected', reason: 'cut' })
      events.complete()
    }),
    /** What comes of a promise, with the time that it needs passing. */
    within: async <A>(ms: number, promise: Promise<A>): Promise<A | 'pending'> => {
      let outcome: A | 'pending' = 'pending'
      void promise.then(value => { outcome = value })
      for (let passed = 0; passed <= ms && outcome === 'pending'; passed += 5) {
        clock.advance(5)
        await Promise.resolve()
        await Promise.resolve()
      }
      return outcome
    },
  }
}
type World = ReturnType<typeof world>

const connected = async (w: World): Promise<Client<string, string>> => {
  const outcome = await w.within(10_000, w.connect())
  if (outcome === 'pending' || isLeft(outcome)) throw new Error('not connected')
  return outcome.right
}
const shown = (outcome: Either<ProposeError, string> | 'pending'): string =>
  outcome === 'pending' ? outcome : isRight(outcome) ? outcome.right : `${outcome.left._tag} ${outcome.left.appended}`

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
  assert.deepEqual([...one.clusterIds], [...third.clusterIds])
  assert.notDeepEqual([...one.clusterIds], [...other.clusterIds])
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

test('it does not follow a pointer out of the cluster, but asks the next in turn', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('notLeader', 'stranger')
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
  assert.is(shown(await w.within(6000, client.propose('a'))), 'NotLeader never')
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

test('a member that stops is left for the next', async assert => {
  const w = world()
  w.fakes['n1']!.answer = refusedBy('stopped')
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  assert.is(shown(await w.within(500, client.propose('a'))), 'A')
})

test('what was sent and not answered when the link went down has an unknown outcome and is not sent again; what waited is sent', async assert => {
  const w = world({ limits: { maxBatchBytes: 1, maxInflightBytes: 1, maxAppendBytes: 1 } })
  w.fakes['n1']!.answer = () => undefined
  w.fakes['n2']!.answer = committed
  const client = await connected(w)
  const [sent, waiting] = [client.propose('sent'), client.propose('waiting')]
  assert.is(await w.within(100, sent), 'pending')
  w.cut('n1')
  assert.is(shown(await w.within(500, sent)), 'OutcomeUnknown unknown')
  assert.is(shown(await w.within(500, waiting)), 'WAITING')
  assert.deepEqual([w.fakes['n1']!.heard, w.fakes['n2']!.heard], [['sent'], ['waiting']])
})

test('when the link goes down the outcome is told at once, also where no other member can be reached', async assert => {
  const w = world()
  w.fakes['n1']!.answer = () => undefined
  const client = await connected(w)
  for (const fake of Object.values(w.fakes)) fake.handshake = 'refuse'
  const sent = client.propose('a')
  assert.is(await w.within(50, sent), 'pending')
  w.cut('n1')
  assert.is(shown(await w.within(5, sent)), 'OutcomeUnknown unknown')
})

test('a leader that lost a request says so, and the client does not ask again', async assert => {
  const w = world()
  w.fakes['n1']!.answer = ({ id }) => ({ type: 'lost', id })
  const client = await connected(w)
  assert.is(shown(await w.within(500, client.propose('a'))), 'OutcomeUnknown unknown')
  assert.deepEqual(w.fakes['n1']!.heard, ['a'])
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

const wrong: Readonly<Record<string, readonly [object, RegExp]>> = {
  'no cluster': [{ cluster: '' }, /cluster/],
  'no members': [{ members: {} }, /members/],
  'members that are none': [{ members: undefined }, /members/],
  'an address that is none': [{ members: { n1: 'nowhere' } }, /n1/],
  'no protocol': [{ protocol: undefined }, /protocol: must be a pair of io-ts codecs/],
  'a codec that is none': [{ protocol: { ...protocol, result: {} } }, /protocol\.result: must be an io-ts codec/],
  'a misspelt option': [{ timeout: 300 }, /timeout: is not an option/],
  'a bound that is no number': [{ limits: { maxFrameBytes: 'large' } }, /maxFrameBytes/],
  'a timeout that is no number': [{ timeoutMs: Number.NaN }, /timeoutMs/],
  'a timeout that no timer can wait': [{ timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs/],
  'bounds that contradict each other': [{ limits: { maxSendBufferBytes: 1000 } }, /maxSendBufferBytes: must be at least maxFrameBytes/],
}
for (const [what, [options, expected]] of Object.entries(wrong)) {
  test(`with ${what} it says so and begins nothing`, async assert => {
    const outcome = await connect({ cluster: 'test', members, protocol, ...options } as ClientOptions<string, string>)
    assert.true(isLeft(outcome) && outcome.left._tag === 'InvalidOptions' && expected.test(outcome.left.message), isLeft(outcome) ? outcome.left.message : 'connected')
  })
}

test('over TCP: it finds the leader among real members, and the next one when that stops', async assert => {
  const addresses = Object.fromEntries(await Promise.all(['n1', 'n2', 'n3'].map(async id => [id, `127.0.0.1:${await freePort()}`] as const)))
  const machine = reducerMachine({
    command: t.string, result: t.string, state: t.string, initial: '', reduce: (state, more) => [state + more, state + more],
  })
  const rafts = await Promise.all(Object.keys(addresses).map(async id => orThrow(await createRaft({
    cluster: 'test', id, members: addresses, machine, transport: tcpTransport(), storage: memoryStorage(), electionTimeoutMs: 300, heartbeatMs: 30,
  }))))
  const client = orThrow(await connect({ cluster: 'test', members: addresses, protocol: machine }))
  const several = await Promise.all(['a', 'b', 'c'].map(command => client.propose(command)))
  assert.deepEqual(several.map(shown), ['a', 'ab', 'abc'])
  const leader = await Promise.any(rafts.map(raft => firstValueFrom(raft.leadership$.pipe(filter(held => held !== undefined), map(() => raft)))))
  await leader.stop()
  assert.is(shown(await client.propose('d')), 'abcd')
  await client.close()
  await Promise.all(rafts.map(raft => raft.stop()))
})
