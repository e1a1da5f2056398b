import { deepEqual, equal, ok } from 'node:assert/strict'
import { Callback, misuse } from '../codecs/judging.js'
import { isLeft, left, right } from '../lib/prelude.js'
import type { Endpoint, TransportEvent } from '../streams/transport/port.js'
import { type Cluster, type TransportWorld, append, cluster, pair, vote } from './open-transport.js'
import { rollRules } from './roll-rules.js'
import { count, hasGone, isAbout, member, messagesOf, noticed, noticesOf, unansweredBy, type Watched } from './watch.js'

export type { TransportWorld }

/** One rule that every transport must keep; rejects when it does not. */
export interface SuiteCase {
  readonly name: string
  run(): Promise<void>
}

const refuseWiped: Endpoint['admit'] = (_, incarnation, decide) =>
  decide(incarnation === 'wiped' ? left('it lost its folder') : right(undefined))

/** What was told with each link. */
const versionsOf = (events: readonly TransportEvent[]): readonly number[] => events.flatMap(event => event.type === 'connected' ? [event.machineVersion ?? 0] : [])

const delivery: Record<string, (all: Cluster) => Promise<void>> = {
  'messages arrive in the order in which they were sent, both ways': async all => {
    const [n1, n2] = await pair(all)
    const terms = Array.from({ length: 1000 }, (_, i) => i + 1)
    for (let i = 0; i < terms.length; i += 10) {
      n1.links.send(member('n2'), terms.slice(i, i + 10).map(term => vote('n1', 'n2', term)))
      n2.links.send(member('n1'), terms.slice(i, i + 10).map(term => vote('n2', 'n1', term)))
    }
    const isAll = (events: readonly TransportEvent[]): boolean => messagesOf(events).length === terms.length
    await Promise.all([n1.until('1000 messages', isAll), n2.until('1000 messages', isAll)])
    deepEqual(messagesOf(n1.events), terms.map(term => vote('n2', 'n1', term)))
    deepEqual(messagesOf(n2.events), terms.map(term => vote('n1', 'n2', term)))
  },
  'entries arrive as they were sent, and what arrives later does not change them': async all => {
    const [n1, n2] = await pair(all)
    const sent = [1, 2, 3].map(term => append('n1', 'n2', term, new Uint8Array(term * 100_000).fill(term)))
    for (const message of sent) n1.links.send(member('n2'), [message, vote('n1', 'n2', message.term)])
    await n2.until('6 messages', events => messagesOf(events).length === 6)
    deepEqual(messagesOf(n2.events), sent.flatMap(message => [message, vote('n1', 'n2', message.term)]))
  },
  'a received message names the party it came from': async all => {
    const [n1, n2] = await pair(all)
    n1.links.send(member('n2'), [vote('n1', 'n2', 1)])
    await n2.until('a message', events => messagesOf(events).length === 1)
    deepEqual(n2.events.at(-1), { type: 'received', from: member('n1'), message: vote('n1', 'n2', 1) })
  },
  'no event comes during a call of send': async all => {
    const [n1, n2] = await pair(all)
    n1.links.send(member('n2'), [vote('n1', 'n2', 1)])
    await n2.until('a message', events => messagesOf(events).length === 1)
    const before = [n1.events.length, n2.events.length]
    n2.links.send(member('n1'), [vote('n2', 'n1', 2)])
    n1.links.send(member('n2'), [vote('n1', 'n2', 3)])
    deepEqual([n1.events.length, n2.events.length], before)
    await n1.until('a message', events => messagesOf(events).length === 1)
  },
  'messages to nobody are dropped without a word': async all => {
    const [n1] = await pair(all)
    const before = n1.events.length
    n1.links.send(member('n3'), [vote('n1', 'n3', 1)])
    n1.links.send({ type: 'client', link: 99 }, [{ type: 'lost', id: 1 }])
    equal(n1.events.length, before)
  },
}

const lives: Record<string, (all: Cluster) => Promise<void>> = {
  'three members are linked each with each, and each link is told of once': async all => {
    const ids = ['n3', 'n2', 'n1']
    const members: Watched[] = []
    for (const id of ids) members.push(await all.open(id))
    for (const [i, one] of members.entries()) {
      const others = ids.filter(id => id !== ids[i])
      await one.until('both others are up', events => others.every(other => count('connected', other, 1)(events)))
      deepEqual(others.map(other => one.events.filter(isAbout('connected', other)).length), [1, 1])
    }
  },
  'each end of a link hears which version of its machine the other runs, and of a new life the new one': async all => {
    const n2 = await all.open('n2', { machineVersion: 7 })
    const n1 = await all.open('n1')
    await Promise.all([n1.until('n2 is up', count('connected', 'n2', 1)), n2.until('n1 is up', count('connected', 'n1', 1))])
    await n1.close()
    await n2.until('n1 is down', count('disconnected', 'n1', 1))
    const again = await all.open('n1', { machineVersion: 8 })
    await Promise.all([again.until('n2 is up', count('connected', 'n2', 1)), n2.until('n1 is back', count('connected', 'n1', 2))])
    deepEqual([n1, again].map(({ events }) => versionsOf(events)), [[7], [7]])
    deepEqual(versionsOf(n2.events), [0, 8])
  },
  'a member that closes is told of as disconnected, and hears so itself': async all => {
    const [n1, n2] = await pair(all)
    await n2.close()
    await n1.until('n2 is down', count('disconnected', 'n2', 1))
    ok(n2.events.some(isAbout('disconnected', 'n1')))
  },
  'a member that closes is told of as gone by all that were linked with it, behind the end of its link': async all => {
    const [n3, n2, n1] = [await all.open('n3'), await all.open('n2'), await all.open('n1')]
    const others = [n1, n3]
    await Promise.all(others.map(one => one.until('n2 is up', count('connected', 'n2', 1))))
    ok(!others.some(({ events }) => events.some(({ type }) => type === 'gone')))
    await n2.close()
    await Promise.all(others.map(one => one.until('n2 is gone', hasGone('n2'))))
    for (const { events } of others) ok(events.findIndex(isAbout('disconnected', 'n2')) < events.findIndex(({ type }) => type === 'gone'))
    ok(!n2.events.some(({ type }) => type === 'gone'))
  },
  'what was sent before closing still arrives': async all => {
    const [n1, n2] = await pair(all)
    n2.links.send(member('n1'), [append('n2', 'n1', 1, new Uint8Array(1_000_000))])
    await Promise.all([n2.close(), n1.until('the message', events => messagesOf(events).length === 1)])
    await n1.until('n2 is down', count('disconnected', 'n2', 1))
    ok(n1.events.findIndex(event => event.type === 'received') < n1.events.findIndex(isAbout('disconnected', 'n2')))
  },
  'a member that closes has looked at nothing that it left unanswered, and says so on every link; it knows no such thing of the others': async all => {
    const [n3, n2, n1] = [await all.open('n3'), await all.open('n2'), await all.open('n1')]
    for (const one of [n1, n3]) await one.until('n2 is up', count('connected', 'n2', 1))
    for (const id of ['n1', 'n3']) await n2.until(`${id} is up`, count('connected', id, 1))
    n1.links.send(member('n2'), [vote('n1', 'n2', 1)])
    n2.links.send(member('n1'), [vote('n2', 'n1', 2)])
    await n2.close()
    for (const one of [n1, n3]) await one.until('n2 is down', count('disconnected', 'n2', 1))
    deepEqual([n1, n3].flatMap(({ events }) => unansweredBy(events, 'n2')), ['unseen', 'unseen'])
    deepEqual(['n1', 'n3'].flatMap(id => unansweredBy(n2.events, id)), ['unknown', 'unknown'])
  },
  'a member that returns is linked again, whoever dials': async all => {
    const [n1, n2] = await pair(all)
    await n2.close()
    await n1.until('n2 is down', count('disconnected', 'n2', 1))
    const again = await all.open('n2')
    await n1.until('n2 is back', count('connected', 'n2', 2))
    await n1.close()
    await again.until('n1 is down', count('disconnected', 'n1', 1))
    const n1Again = await all.open('n1')
    await again.until('n1 is back', count('connected', 'n1', 2))
    await n1Again.until('n2 is up', count('connected', 'n2', 1))
    n1Again.links.send(member('n2'), [vote('n1', 'n2', 7)])
    await again.until('a message', events => messagesOf(events).length === 1)
  },
  'closing completes the events, twice is once, and the address is free again': async all => {
    const [n1] = await pair(all)
    await Promise.all([n1.close(), n1.close()])
    ok(n1.isComplete())
    const told = n1.events.length
    n1.links.send(member('n2'), [vote('n1', 'n2', 1)])
    await n1.close()
    equal(n1.events.length, told)
    ok(!isLeft(await all.tryOpen('n1')))
  },
  'an address that is in use is refused as PortInUse': async all => {
    await all.open('n1')
    const second = await all.tryOpen('n1')
    ok(isLeft(second))
    equal(second.left._tag, 'PortInUse')
  },
}

const refusals: Record<string, (all: Cluster) => Promise<void>> = {
  'who is no member is refused by those who do not know it': async all => {
    const known = await all.open('n2', { roll: all.rollOf(['n2']) })
    const stranger = await all.open('n1')
    await known.until('a refusal', noticed('handshakeRefused'))
    await stranger.until('word of it', noticed('unknownToPeer'))
    equal(noticesOf(stranger.events, 'refusedByPeer').length, 0, 'the other may be behind')
    await stranger.until('word of it, as it lasts', noticed('refusedByPeer'))
    ok(!known.events.some(isAbout('connected', 'n1')))
    ok(!stranger.events.some(isAbout('connected', 'n2')))
  },
  'a member of another cluster is refused': async all => {
    const n2 = await all.open('n2')
    const other = await all.open('n1', { clusterId: 'another' })
    await n2.until('a refusal', noticed('handshakeRefused'))
    await other.until('word of it', noticed('refusedByPeer'))
    equal(noticesOf(other.events, 'unknownToPeer').length, 0, 'it will not pass')
    ok(!n2.events.some(isAbout('connected', 'n1')))
  },
  'a member of an unknown incarnation is refused when it dials': async all => {
    const n2 = await all.open('n2', { admit: refuseWiped })
    const n1 = await all.open('n1', { incarnation: 'wiped' })
    await n2.until('a refusal', noticed('handshakeRefused'))
    await n1.until('word of it', noticed('refusedByPeer'))
    for (const one of [n1, n2]) ok(!one.events.some(event => event.type === 'connected'))
  },
  'a member of an unknown incarnation is refused when it is dialled': async all => {
    const n2 = await all.open('n2', { incarnation: 'wiped' })
    const n1 = await all.open('n1', { admit: refuseWiped })
    await n1.until('a refusal', noticed('handshakeRefused'))
    for (const one of [n1, n2]) ok(!one.events.some(event => event.type === 'connected'))
  },
}

/** What every transport must do, free of any runner: register each case with yours. Throws `InvalidOptions`. */
export const transportSuite = (make: () => TransportWorld): readonly SuiteCase[] => {
  const fault = misuse({ make: Callback }, { make })
  if (fault !== undefined) throw fault
  return Object.entries({ ...delivery, ...lives, ...refusals, ...rollRules }).map(([name, run]) => ({
    name,
    run: async () => {
      const all = cluster(make())
      try {
        await run(all)
      } finally {
        await all.closeAll()
      }
    },
  }))
}
