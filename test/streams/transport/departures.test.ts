/** How a member whose process has ended is told from one whose link went down, over real sockets and over some that fail as they are told. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import type { TransportEvent } from '../../../streams/transport/port.js'
import { nodeSockets } from '../../../streams/transport/tcp/node-sockets.js'
import { REFUSED, type Sockets, type StreamEvents } from '../../../streams/transport/tcp/sockets.js'
import { count, hasGone } from '../../../testing/watch.js'
import { own } from '../../run.js'
import type { Departing } from './departing-program.js'
import { ANYWHERE, closeAll, CLUSTER, CLUSTER_NAME, heldTimers, joinAs, LIMITS, open, serve } from './wire.js'

test.after.always(closeAll)

/** More than all waits between the times that a member is looked for, and each of them. */
const LONG_MS = 1_000
const LOOKS = 5

const goneIn = (events: readonly TransportEvent[]): number => events.filter(({ type }) => type === 'gone').length
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A member in a process of its own. */
const startProcess = async (id: string, members: Readonly<Record<string, string>>) => {
  const departing: Departing = { id, address: ANYWHERE, roll: { addresses: members, isOpen: false }, clusterId: CLUSTER, clusterNameId: CLUSTER_NAME, incarnation: `${id}-1`, limits: LIMITS }
  const child = fork(own('test/streams/transport/departing-program.js'), [JSON.stringify(departing)], { execArgv: [] })
  const [address] = await once(child, 'message') as [string]
  return { address, kill: () => child.kill('SIGKILL') }
}

test('a member whose process is killed is gone, for who dials it', async t => {
  const n2 = await startProcess('n2', { n1: ANYWHERE, n2: ANYWHERE })
  const n1 = await open('n1', { members: { n1: ANYWHERE, n2: n2.address } })
  await n1.until('a link', count('connected', 'n2', 1))
  n2.kill()
  await n1.until('its end', hasGone('n2'))
  t.true(count('disconnected', 'n2', 1)(n1.events))
})

test('a member whose process is killed is gone, for whom it dials', async t => {
  const members: Record<string, string> = { n1: ANYWHERE, n2: ANYWHERE }
  const n2 = await open('n2', { members })
  const n1 = await startProcess('n1', { n1: ANYWHERE, n2: n2.links.address })
  members['n1'] = n1.address
  await n2.until('a link', count('connected', 'n1', 1))
  n1.kill()
  await n2.until('its end', hasGone('n1'))
  t.true(count('disconnected', 'n1', 1)(n2.events))
})

/** n2, whose link with n1 has just gone down, with every dial at hand that it makes since then. */
const bereft = async (members: Record<string, string>, dialled: Sockets['dial'] = nodeSockets.dial) => {
  const clock = heldTimers()
  let dials = 0
  const dial: Sockets['dial'] = (...to) => {
    dials++
    return dialled(...to)
  }
  // So patient that every dial is one that looks for n1.
  const n2 = await open('n2', { clock, limits: { reconnectMaxMs: 2 ** 30 }, members: { n2: ANYWHERE, ...members }, sockets: { ...nodeSockets, dial } })
  const link = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  link.socket.destroy()
  await n2.until('its end', count('disconnected', 'n1', 1))
  return { n2, clock, dials: () => dials }
}

/** Lets waits end until so many times was looked. */
const looksUntil = async ({ clock, dials }: Awaited<ReturnType<typeof bereft>>, times: number): Promise<void> => {
  while (dials() < times) {
    clock.advance(1)
    await turn()
  }
}

test('a link that goes down while the member listens is no sign, and it is looked for only a few times', async t => {
  let taken = 0
  const n1 = await serve(() => { taken++ })
  const alone = await bereft({ n1 })
  await looksUntil(alone, LOOKS)
  while (taken < LOOKS) await turn()
  for (let n = 0; n < 20; n++) {
    alone.clock.advance(LONG_MS)
    await turn()
  }
  t.is(alone.dials(), LOOKS)
  t.is(goneIn(alone.n2.events), 0)
})

/** A dial that ends as it is told, or not at all. */
const ending = (reason: string | undefined): Sockets['dial'] => () => {
  let events: StreamEvents | undefined
  const closed = (why: string): void => void setImmediate(() => events?.closed(why))
  if (reason !== undefined) closed(reason)
  return {
    remote: 'somewhere', certificate: undefined, bufferedBytes: 0, hasSpoken: false, pause: () => undefined, resume: () => undefined,
    attach: next => { events = next },
    write: () => undefined, end: () => undefined, destroy: () => closed('it was destroyed'),
  }
}

test('one that is refused is told of each time, and not for ever', async t => {
  const alone = await bereft({ n1: '127.0.0.1:1' }, ending(REFUSED))
  await looksUntil(alone, LOOKS)
  await alone.n2.until('the last', hasGone('n1', LOOKS))
  alone.clock.advance(LONG_MS)
  await turn()
  t.is(alone.dials(), LOOKS)
  t.is(goneIn(alone.n2.events), LOOKS)
})

for (const reason of ['ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', `${REFUSED}, ETIMEDOUT`]) {
  test(`${reason} is no sign`, async t => {
    const alone = await bereft({ n1: '127.0.0.1:1' }, ending(reason))
    await looksUntil(alone, LOOKS)
    alone.clock.advance(LONG_MS)
    await turn()
    t.is(goneIn(alone.n2.events), 0)
  })
}

test('where nobody answers it is looked once, for half a second', async t => {
  const alone = await bereft({ n1: '127.0.0.1:1' }, ending(undefined))
  alone.clock.advance(499)
  await turn()
  t.is(alone.dials(), 1)
  for (let n = 0; n < 5; n++) {
    alone.clock.advance(LONG_MS)
    await turn()
  }
  t.is(alone.dials(), 1)
  t.is(goneIn(alone.n2.events), 0)
})

test('who is linked again is not looked for', async t => {
  const alone = await bereft({ n1: '127.0.0.1:1' }, ending(REFUSED))
  await alone.n2.until('the first word', hasGone('n1'))
  await joinAs(alone.n2.links.address)
  await alone.n2.until('a link', count('connected', 'n1', 2))
  const told = goneIn(alone.n2.events)
  alone.clock.advance(LONG_MS)
  await turn()
  t.is(goneIn(alone.n2.events), told)
})

test('closing ends the search', async t => {
  const { n2, clock } = await bereft({ n1: '127.0.0.1:1' }, ending(undefined))
  const closed = n2.close()
  clock.advance(LONG_MS)
  await closed
  t.true(n2.isComplete())
})

test('a name whose addresses all refuse is refused, and one that listens at one of them is not', async t => {
  const dialled = (port: number): Promise<string> => new Promise(resolve => {
    const stream = nodeSockets.dial({ host: 'localhost', port }, undefined)
    stream.attach({ opened: () => stream.destroy(), received: () => undefined, closed: resolve })
  })
  const address = await serve(() => undefined)
  t.is(await dialled(Number(address.split(':')[1])), 'the connection was closed')
  const n1 = await open('n1')
  await n1.close()
  t.is(await dialled(Number(n1.links.address.split(':')[1])), REFUSED)
})
