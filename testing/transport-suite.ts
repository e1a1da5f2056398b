import { deepEqual, equal, ok } from 'node:assert/strict'
import { packEntries } from '../codecs/entries.js'
import type { StartError } from '../lib/errors.js'
import type { AppendEntries, RequestVote } from '../lib/messages.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { MemberId } from '../lib/types.js'
import { systemClock } from '../streams/time/clock.js'
import type { Endpoint, LinkLimits, Transport, TransportEvent } from '../streams/transport/port.js'
import { count, hasGone, isAbout, member, messagesOf, noticed, unansweredBy, watch, type Watched } from './watch.js'

/** One network, made anew for each case, in which the members `n1`, `n2` and `n3` find each other. */
export interface TransportWorld {
  transport(id: MemberId): Transport
  /** What a member advertises and listens on; with port 0 the suite goes by `Links.address` afterwards. */
  address(id: MemberId): string
}

/** One rule that every transport must keep; rejects when it does not. */
export interface SuiteCase {
  readonly name: string
  run(): Promise<void>
}

const LIMITS: LinkLimits = {
  maxCommandBytes: 2 ** 20, maxBatchBytes: 2 ** 18, maxClientBufferBytes: 8 * 2 ** 20,
  maxFrameBytes: 16 * 2 ** 20, maxSendBufferBytes: 64 * 2 ** 20, maxLinks: 16, maxHandshakes: 16,
  handshakeTimeoutMs: 2_000, keepAliveMs: 100, reconnectMinMs: 5, reconnectMaxMs: 20,
}

/** A cluster whose address book follows the addresses that the system chose. */
const cluster = (world: TransportWorld) => {
  const book: Record<MemberId, string> = Object.fromEntries(['n1', 'n2', 'n3'].map(id => [id, world.address(id)]))
  const open: Watched[] = []
  const tryOpen = (id: MemberId, changes: Partial<Endpoint> = {}): Promise<Either<StartError, Watched>> => new Promise(resolve => {
    const endpoint: Endpoint = {
      clusterId: 'suite', clusterNameId: 'suite-name', id, incarnation: `${id}-1`, members: book, limits: LIMITS, clock: systemClock, random: () => 0.5,
      admit: (_, __, decide) => decide(right(undefined)), ...changes,
    }
    world.transport(id).open(endpoint, outcome => {
      if (isLeft(outcome)) return resolve(outcome)
      const watched = watch(outcome.right)
      open.push(watched)
      resolve(right(watched))
    })
  })
  return {
    tryOpen,
    addressOf: world.address,
    open: async (id: MemberId, changes: Partial<Endpoint> = {}): Promise<Watched> => {
      const outcome = await tryOpen(id, changes)
      if (isLeft(outcome)) throw outcome.left
      book[id] = outcome.right.links.address
      return outcome.right
    },
    closeAll: async (): Promise<void> => { await Promise.all(open.map(one => one.close())) },
  }
}
type Cluster = ReturnType<typeof cluster>

const vote = (from: MemberId, to: MemberId, term: number): RequestVote =>
  ({ type: 'requestVote', from, to, term, preVote: false, transfer: false, lastLogIndex: 1, lastLogTerm: 1, round: term * 1000 })
const append = (from: MemberId, to: MemberId, term: number, command: Uint8Array): AppendEntries => ({
  type: 'appendEntries', from, to, term, prevLogIndex: term, prevLogTerm: 1, leaderCommit: 0, asks: false, round: term,
  batches: [{ kind: 'command', firstIndex: term + 1, term, count: 1, time: 1, skip: 0, body: packEntries([command]) }],
})

/** Two members, linked; the larger is opened first, so that the smaller finds it at the first attempt. */
const pair = async (all: Cluster): Promise<readonly [Watched, Watched]> => {
  const n2 = await all.open('n2')
  const n1 = await all.open('n1')
  await Promise.all([n1.until('n2 is up', count('connected', 'n2', 1)), n2.until('n1 is up', count('connected', 'n1', 1))])
  return [n1, n2]
}

const refuseWiped: Endpoint['admit'] = (_, incarnation, decide) =>
  decide(incarnation === 'wiped' ? left('it lost its folder') : right(undefined))

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
    const known = await all.open('n2', { members: { n2: all.addressOf('n2') } })
    const stranger = await all.open('n1')
    await known.until('a refusal', noticed('handshakeRefused'))
    await stranger.until('word of it', noticed('refusedByPeer'))
    ok(!known.events.some(isAbout('connected', 'n1')))
    ok(!stranger.events.some(isAbout('connected', 'n2')))
  },
  'a member of another cluster is refused': async all => {
    const n2 = await all.open('n2')
    const other = await all.open('n1', { clusterId: 'another' })
    await n2.until('a refusal', noticed('handshakeRefused'))
    await other.until('word of it', noticed('refusedByPeer'))
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

/** What every transport must do, free of any runner: register each case with yours. */
export const transportSuite = (make: () => TransportWorld): readonly SuiteCase[] =>
  Object.entries({ ...delivery, ...lives, ...refusals }).map(([name, run]) => ({
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
