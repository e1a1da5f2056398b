/** A client's link to one member, over TCP and TLS alike; and how a member keeps dialling its peers. */
import test from 'ava'
import { packEntries } from '../../../codecs/entries.js'
import { encodeFrame, keepAliveFrame } from '../../../codecs/frames.js'
import { VERSIONS, encodeHandshake } from '../../../codecs/handshake.js'
import { right } from '../../../lib/prelude.js'
import type { ProposeRequest } from '../../../lib/requests.js'
import { systemClock } from '../../../streams/time/clock.js'
import { dialClient } from '../../../streams/transport/tcp/dial.js'
import type { ClientLink, LinkLimits, TransportEvent } from '../../../streams/transport/port.js'
import { redial } from '../../../streams/transport/tcp/redial.js'
import { count, hear, messagesOf, noticed, noticesOf, type Watched } from '../../../testing/watch.js'
import { ANYWHERE, CLUSTER, CLUSTER_NAME, closeAll, dial, hello, joinAs, LIMITS, material, open, serve, vote } from './wire.js'
import { virtualClock } from '../member/world.js'

test.after.always(closeAll)

test('a dial that has given way while it was judged who answers leaves the link alone for which it did', async t => {
  const welcome = encodeHandshake({ type: 'welcome', version: VERSIONS[1], id: 'n1', incarnation: 'n1-1' })
  const n1 = await serve(socket => socket.once('data', () => socket.write(welcome)))
  const decisions: (() => void)[] = []
  const asked = async (times: number): Promise<void> => { while (decisions.length < times) await new Promise(setImmediate) }
  const n2 = await open('n2', { members: { n1, n2: ANYWHERE }, limits: { reconnectMinMs: 300, reconnectMaxMs: 300 }, admit: (_peer, _incarnation, decide) => void decisions.push(() => decide(right(undefined))) })
  await asked(1)
  const guest = dial(n2.links.address)
  await guest.opened
  guest.socket.write(hello())
  await asked(2)
  // The one who dialled is known first, and what n2 has dialled itself gives way.
  decisions[1]!()
  decisions[0]!()
  guest.socket.write(keepAliveFrame())
  await n2.until('a link', () => n2.events.some(({ type }) => type === 'connected'))
  n2.links.send({ type: 'member', id: 'n1' }, [vote('n2', 'n1')])
  await guest.hears(guest.heard().length + 1)
  t.deepEqual(n2.events.flatMap(({ type }) => type === 'connected' || type === 'disconnected' ? [type] : []), ['connected'])
})

const propose = (id: number, command: Uint8Array): ProposeRequest => ({ type: 'propose', id, epoch: 1, term: 1, body: packEntries([command]) })

/** A client with all that it heard. */
const heardBy = (link: ClientLink) => {
  const { events, isComplete, until } = hear(link.events$, ({ type }) => type)
  return {
    link, events, until,
    up: () => until('a link', () => events.some(({ type }) => type === 'connected')),
    over: () => until('the end', isComplete),
  }
}

interface World {
  readonly n1: Watched
  dial(changes?: { readonly clusterNameId?: string; readonly limits?: LinkLimits }): ClientLink
}

const worlds: Record<string, (limits?: Partial<LinkLimits>) => Promise<World>> = {
  tcp: async limits => {
    const n1 = await open('n1', { limits: { ...limits } })
    return { n1, dial: changes => dialClient({ clusterNameId: CLUSTER_NAME, name: 'c', member: 'n1', address: n1.links.address, limits: LIMITS, ...changes }) }
  },
  tls: async limits => {
    const n1 = await open('n1', { options: { tls: material('n1') }, limits: { ...limits } })
    const tls = material('client')
    return { n1, dial: changes => dialClient({ clusterNameId: CLUSTER_NAME, name: 'c', member: 'n1', address: n1.links.address, tls, limits: LIMITS, ...changes }) }
  },
}

const clientsOf = (events: readonly TransportEvent[], type: 'connected' | 'disconnected'): number =>
  events.filter(event => event.type === type && event.party.type === 'client').length

for (const [world, make] of Object.entries(worlds)) {
  test(`${world}: a client asks, a member answers, and either may end it`, async t => {
    const { n1, dial: dialIt } = await make()
    const [a, b] = [heardBy(dialIt()), heardBy(dialIt())]
    await Promise.all([a.up(), b.up(), n1.until('two clients', events => clientsOf(events, 'connected') === 2)])
    const request = propose(1, new Uint8Array([1, 2, 3]))
    a.link.send([request])
    t.is(messagesOf(n1.events).length, 0, 'nothing is told during send')
    await n1.until('a request', events => messagesOf(events).length === 1)
    const heard = n1.events.at(-1)
    if (heard?.type !== 'received' || heard.from.type !== 'client') return t.fail()
    t.deepEqual(heard.message, request)
    n1.links.send(heard.from, [{ type: 'lost', id: 1 }])
    await a.until('an answer', () => a.events.length === 2)
    t.deepEqual(a.events[1], { type: 'received', message: { type: 'lost', id: 1 } })
    a.link.close()
    a.link.close()
    await Promise.all([a.over(), n1.until('one client less', events => clientsOf(events, 'disconnected') === 1)])
    a.link.send([request])
    n1.links.send(heard.from, [{ type: 'lost', id: 2 }])
    await n1.close()
    await b.over()
    t.deepEqual(a.events.map(({ type }) => type), ['connected', 'received', 'disconnected'])
    t.deepEqual(b.events.map(({ type }) => type), ['connected', 'disconnected'])
    const [atItsOwnEnd, atTheMembers] = [a, b].map(({ events }) => events.at(-1))
    t.true(atItsOwnEnd?.type === 'disconnected' && atItsOwnEnd.unanswered === 'unknown')
    t.true(atTheMembers?.type === 'disconnected' && atTheMembers.unanswered === 'unseen')
  })

  test(`${world}: what a client sent before it closed still arrives`, async t => {
    const { n1, dial: dialIt } = await make()
    // However slow the machine: what has not left after keepAliveMs is given up.
    const a = heardBy(dialIt({ limits: { ...LIMITS, keepAliveMs: 60_000 } }))
    await a.up()
    a.link.send([propose(1, new Uint8Array(500_000)), propose(2, new Uint8Array(1))])
    a.link.close()
    await n1.until('both', events => messagesOf(events).length === 2)
    await a.over()
    t.pass()
  })

  test(`${world}: a client of another cluster, or one too many, is refused; members keep their places`, async t => {
    const { n1, dial: dialIt } = await make({ maxLinks: 2 })
    const [first, stranger] = [heardBy(dialIt()), heardBy(dialIt({ clusterNameId: CLUSTER }))]
    await Promise.all([first.up(), stranger.over()])
    await n1.until('the client', events => clientsOf(events, 'connected') === 1)
    const second = heardBy(dialIt())
    await second.over()
    for (const { events: [event, ...more] } of [stranger, second]) {
      t.is(event?.type, 'refused')
      t.is(more.length, 0)
    }
    first.link.close()
    await n1.until('a free place', events => clientsOf(events, 'disconnected') === 1)
    const third = heardBy(dialIt())
    await third.up()
    third.link.close()
  })
}

test('nobody there, or no address, is a refusal', async t => {
  const nobody = await open('n1')
  const { address } = nobody.links
  await nobody.close()
  for (const at of [address, 'nowhere']) {
    const client = heardBy(dialClient({ clusterNameId: CLUSTER_NAME, name: 'c', member: 'n1', address: at, limits: LIMITS }))
    await client.over()
    t.deepEqual(client.events.map(({ type }) => type), ['refused'])
  }
})

test('a client that speaks as a core is cut, and a client\'s name gives it nothing', async t => {
  const n2 = await open('n2')
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, from: 'n1', incarnation: '' })
  await n2.until('a client', events => clientsOf(events, 'connected') === 1)
  end.socket.write(Buffer.concat(encodeFrame(vote('n1', 'n2'))))
  await Promise.all([end.closed, n2.until('a notice', noticed('badFrame'))])
  t.deepEqual(messagesOf(n2.events), [])
  t.false(count('connected', 'n1', 1)(n2.events))
  t.regex(noticesOf(n2.events, 'badFrame')[0]?.reason ?? '', /a client sent a requestVote/)
  const second = dial(n2.links.address)
  second.socket.write(hello({ role: 'client', clusterId: CLUSTER_NAME, incarnation: 'n1-1' }))
  await second.closed
  t.is(clientsOf(n2.events, 'connected'), 1)
})

test('a client tells its request to nobody but the member it means', async t => {
  const n1 = await open('n1', { options: { tls: material('n1') } })
  const client = heardBy(dialClient({ clusterNameId: CLUSTER_NAME, name: 'c', member: 'n2', address: n1.links.address, tls: material('client'), limits: LIMITS }))
  await client.over()
  t.deepEqual(client.events, [{ type: 'refused', reason: 'the certificate does not name n2' }])
})

test('closing while dialling is a refusal and leaves nothing', async t => {
  const address = await serve(() => undefined)
  const client = heardBy(dialClient({ clusterNameId: CLUSTER_NAME, name: 'c', member: 'n1', address, limits: LIMITS }))
  client.link.close()
  await client.over()
  t.deepEqual(client.events.map(({ type }) => type), ['refused'])
})

test('a peer is dialled again after waits that double up to the longest, half of each by chance', t => {
  const clock = virtualClock()
  const attempts: number[] = []
  const waits = (random: number): readonly number[] => {
    attempts.length = 0
    const stop = redial({ clock, random: () => random, limits: { ...LIMITS, reconnectMinMs: 10, reconnectMaxMs: 100 } }, ({ ended }) => {
      attempts.push(clock.now())
      return clock.endOfTurn(ended)
    })
    clock.advance(1000)
    stop()
    const made = attempts.length
    clock.advance(1000)
    t.is(attempts.length, made, 'stopped means stopped')
    return attempts.slice(1, 7).map((at, i) => at - (attempts[i] ?? 0))
  }
  t.deepEqual(waits(1), [20, 40, 80, 100, 100, 100])
  t.deepEqual(waits(0), [10, 20, 40, 50, 50, 50])
})

test('a link that outlived the longest wait is dialled again after the shortest wait, and what comes to nothing after longer ones, however long it took', t => {
  const nextWait = (isLinked: boolean, lastsMs: number): number => {
    const clock = virtualClock()
    const attempts: number[] = []
    redial({ clock, random: () => 1, limits: { ...LIMITS, reconnectMinMs: 10, reconnectMaxMs: 100 } }, ({ linked, ended }) => {
      attempts.push(clock.now())
      if (attempts.length < 5) return clock.endOfTurn(ended)
      if (isLinked) linked()
      return clock.after(lastsMs, ended)
    })
    clock.advance(6000)
    return (attempts[5] ?? 0) - (attempts[4] ?? 0) - lastsMs
  }
  t.is(nextWait(true, 5000), 20)
  t.is(nextWait(true, 100), 100)
  t.is(nextWait(false, 5000), 100)
})

test.serial('closing leaves no socket, no server and no timer', async t => {
  const inUse = (): readonly string[] => process.getActiveResourcesInfo().filter(one => /TCP|TLS/.test(one))
  const clock = { ...systemClock, pending: 0 }
  clock.after = (ms, work) => {
    clock.pending++
    let isPending = true
    const settle = (): void => {
      if (isPending) clock.pending--
      isPending = false
    }
    const cancel = systemClock.after(ms, () => {
      settle()
      work()
    })
    return () => {
      settle()
      cancel()
    }
  }
  const before = inUse().length
  const n2 = await open('n2', { clock, options: { tls: material('n2') } })
  const n1 = await open('n1', { clock, options: { tls: material('n1') }, members: { n0: '127.0.0.1:1', n1: ANYWHERE, n2: n2.links.address, n3: '127.0.0.1:1' } })
  await n1.until('a link', count('connected', 'n2', 1))
  const silent = dial(n2.links.address)
  await silent.opened
  await Promise.all([n1.close(), n2.close(), silent.closed])
  t.is(clock.pending, 0)
  t.true(inUse().length <= before)
})
