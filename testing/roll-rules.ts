/** What becomes of links when others belong to the cluster. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { isLeft, left, right } from '../lib/prelude.js'
import type { Incarnation, Index, MemberId } from '../lib/types.js'
import type { Endpoint, TransportEvent } from '../streams/transport/port.js'
import { type Cluster, pair, vote } from './open-transport.js'
import { count, isAbout, member, messagesOf, noticed, noticesOf, unansweredBy, type Watched } from './watch.js'

/** Two that are open and know nobody but themselves. */
const apart = async (all: Cluster): Promise<readonly [Watched, Watched]> =>
  [await all.open('n1', { roll: all.rollOf(['n1']) }), await all.open('n2', { roll: all.rollOf(['n2']) })]

const areLinked = (n1: Watched, n2: Watched, times = 1): Promise<unknown> =>
  Promise.all([n1.until('n2 is up', count('connected', 'n2', times)), n2.until('n1 is up', count('connected', 'n1', times))])

const carries = async (n1: Watched, n2: Watched): Promise<void> => {
  const before = [messagesOf(n1.events).length, messagesOf(n2.events).length] as const
  n1.links.send(member('n2'), [vote('n1', 'n2', 1)])
  n2.links.send(member('n1'), [vote('n2', 'n1', 1)])
  const hasMore = (than: number) => (events: readonly TransportEvent[]): boolean => messagesOf(events).length > than
  await Promise.all([n1.until('a message', hasMore(before[0])), n2.until('a message', hasMore(before[1]))])
}

/** Links of `one` to `peer`, as often as they came up and went down. */
const changes = (one: Watched, peer: MemberId): readonly string[] => one.events.filter(event => isAbout('connected', peer)(event) || isAbout('disconnected', peer)(event)).map(({ type }) => type)

/** Lets in whomever it has seen before, and writes down who asked. */
const doorman = (mayEnter: (incarnation: Incarnation) => boolean = () => true) => {
  const asked: MemberId[] = []
  const admit: Endpoint['admit'] = (peer, incarnation, decide) => {
    asked.push(peer)
    decide(mayEnter(incarnation) ? right(undefined) : left('it lost its folder'))
  }
  return { asked, admit }
}

const arrivals: Record<string, (all: Cluster) => Promise<void>> = {
  'newcomers are linked once both ends name each other, whichever hears of it first': async all => {
    const [n1, n2] = await apart(all)
    n1.links.update(all.rollOf(['n1', 'n2']))
    n2.links.update(all.rollOf(['n1', 'n2']))
    await areLinked(n1, n2)
    await carries(n1, n2)
    const n3 = await all.open('n3', { roll: all.rollOf(['n3']) })
    n3.links.update(all.rollOf(['n1', 'n2', 'n3']))
    n2.links.update(all.rollOf(['n1', 'n2', 'n3']))
    await n3.until('n2 is up', count('connected', 'n2', 1))
    ok(!n1.events.some(isAbout('connected', 'n3')), 'n1 has not heard of n3')
  },
  'a member that names nobody and is open lets in whoever is of its cluster, also who has the larger id': async all => {
    const n1 = await all.open('n1', { roll: all.rollOf([], true) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await areLinked(n1, n2)
    await carries(n1, n2)
    const other = await all.open('n3', { clusterId: 'another', roll: all.rollOf(['n1', 'n3']) })
    await other.until('word of it', noticed('refusedByPeer'))
    ok(!n1.events.some(isAbout('connected', 'n3')))
  },
  'who is linked and named is asked who it is with each update, for it may have left and come back meanwhile, and its link stays': async all => {
    const { asked, admit } = doorman()
    const n1 = await all.open('n1', { roll: all.rollOf([], true), admit })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await areLinked(n1, n2)
    const before = asked.length
    n1.links.update(all.rollOf(['n1', 'n2']))
    deepEqual(asked.slice(before), ['n2'])
    n1.links.update(all.rollOf(['n1', 'n2']))
    equal(asked.length, before + 2, 'whoever was forgotten in between is remembered again')
    await carries(n1, n2)
    deepEqual([changes(n1, 'n2'), changes(n2, 'n1')], [['connected'], ['connected']])
  },
  'each end hears from the other which membership names it, whoever dials': async all => {
    const heard = new Map<MemberId, Index | undefined>()
    const hearing = (id: MemberId): Endpoint['admit'] => (peer, _, decide, named) => {
      heard.set(`${id} of ${peer}`, heard.get(`${id} of ${peer}`) ?? named)
      decide(right(undefined))
    }
    const n1 = await all.open('n1', { roll: { ...all.rollOf(['n1', 'n2']), named: 7 }, admit: hearing('n1') })
    const n2 = await all.open('n2', { roll: all.rollOf(['n2']), admit: hearing('n2') })
    n2.links.update({ ...all.rollOf(['n1', 'n2']), named: 9 })
    await areLinked(n1, n2)
    deepEqual([heard.get('n1 of n2'), heard.get('n2 of n1')], [9, 7])
  },
  'who has left and is named again presents itself anew, for its link may be that of a process that is no more': async all => {
    const gone = new Set<MemberId>()
    const { asked, admit } = doorman()
    const n1 = await all.open('n1', { roll: all.rollOf(['n1', 'n2']), admit, isUnproven: peer => gone.delete(peer) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await areLinked(n1, n2)
    n1.links.update(all.rollOf(['n1', 'n2']))
    gone.add('n2')
    const before = asked.length
    n1.links.update(all.rollOf(['n1', 'n2']))
    await areLinked(n1, n2, 2)
    await carries(n1, n2)
    deepEqual([changes(n1, 'n2'), asked.length > before], [['connected', 'disconnected', 'connected'], true])
  },
  'who is not the one that it claims to be loses its link when it is named': async all => {
    let isKnown = true
    const { admit } = doorman(() => isKnown)
    const n1 = await all.open('n1', { roll: all.rollOf([], true), admit })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await areLinked(n1, n2)
    isKnown = false
    n1.links.update(all.rollOf(['n1', 'n2']))
    await Promise.all([n1.until('n2 is down', count('disconnected', 'n2', 1)), n2.until('n1 is down', count('disconnected', 'n1', 1))])
  },
}

const departures: Record<string, (all: Cluster) => Promise<void>> = {
  'who is named no longer loses its link, after what was sent, and hears that it is no member any more': async all => {
    const [n1, n2] = await pair(all)
    n2.links.send(member('n1'), Array.from({ length: 100 }, (_, i) => vote('n2', 'n1', i + 1)))
    n2.links.update(all.rollOf(['n2']))
    await Promise.all([n1.until('n2 is down', count('disconnected', 'n2', 1)), n2.until('n1 is down', count('disconnected', 'n1', 1))])
    equal(messagesOf(n1.events).length, 100)
    deepEqual(unansweredBy(n1.events, 'n2'), ['unknown'], 'n2 goes on, and may yet do what it was asked')
    ok(n1.events.findLastIndex(event => event.type === 'received') < n1.events.findIndex(isAbout('disconnected', 'n2')), 'messages come first')
    n1.links.update(all.rollOf(['n1', 'n2', 'n3']))
    await n1.until('word of it', noticed('unknownToPeer'))
    equal(noticesOf(n1.events, 'unknownToPeer')[0]?.reason, 'n1 is no member any more')
    ok(!n1.events.some(({ type }) => type === 'gone'), 'n2 is there')
    deepEqual(changes(n2, 'n1'), ['connected', 'disconnected'])
  },
  'who is named again is linked again': async all => {
    const [n1, n2] = await pair(all)
    n2.links.update(all.rollOf(['n2']))
    await n1.until('n2 is down', count('disconnected', 'n2', 1))
    n1.links.update(all.rollOf(['n1', 'n2', 'n3']))
    await n1.until('word of it', noticed('unknownToPeer'))
    n2.links.update(all.rollOf(['n1', 'n2']))
    await areLinked(n1, n2, 2)
    await carries(n1, n2)
  },
  'whom a peer did not know has not been refused where that has passed in time': async all => {
    const electionTimeoutMs = 100
    const n2 = await all.open('n2', { roll: all.rollOf(['n2']) })
    const n1 = await all.open('n1', { roll: all.rollOf(['n1', 'n2']), electionTimeoutMs })
    await n1.until('word of it', noticed('unknownToPeer'))
    n2.links.update(all.rollOf(['n1', 'n2']))
    await areLinked(n1, n2)
    const later = await all.open('n3', { roll: all.rollOf(['n2', 'n3']), electionTimeoutMs })
    await later.until('word of it, as it lasts', noticed('refusedByPeer'))
    equal(noticesOf(n1.events, 'refusedByPeer').length, 0)
  },
  'who is not known again is told so anew where there was a link in between, whoever dialled it': async all => {
    const electionTimeoutMs = 100
    const n1 = await all.open('n1', { roll: all.rollOf(['n1']) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']), electionTimeoutMs })
    await n2.until('word of it', noticed('unknownToPeer'))
    n1.links.update(all.rollOf(['n1', 'n2']))
    await areLinked(n1, n2)
    const lasting = await all.open('n3', { roll: all.rollOf(['n1', 'n3']), electionTimeoutMs })
    await lasting.until('as long again', noticed('refusedByPeer'))
    n1.links.update(all.rollOf(['n1']))
    await n2.until('word of it again', noticed('unknownToPeer', 2))
    equal(noticesOf(n2.events, 'refusedByPeer').length, 0)
  },
  'who is not known for a second time is refused once, when that has lasted anew': async all => {
    const electionTimeoutMs = 100
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    const n1 = await all.open('n1', { roll: all.rollOf(['n1', 'n2']), electionTimeoutMs })
    await areLinked(n1, n2)
    n2.links.update(all.rollOf(['n2']))
    await n1.until('word of it', noticed('unknownToPeer'))
    n2.links.update(all.rollOf(['n1', 'n2']))
    await areLinked(n1, n2, 2)
    n2.links.update(all.rollOf(['n2']))
    await n1.until('word of it, as it lasts', noticed('refusedByPeer'))
    equal(noticesOf(n1.events, 'unknownToPeer').length, 2)
    const lasting = await all.open('n3', { roll: all.rollOf(['n2', 'n3']), electionTimeoutMs })
    await lasting.until('as long again', noticed('refusedByPeer'))
    equal(noticesOf(n1.events, 'refusedByPeer').length, 1)
  },
  'who is not known and starts anew is told so anew': async all => {
    await all.open('n1', { roll: all.rollOf(['n1']) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await n2.until('word of it', noticed('unknownToPeer'))
    await n2.close()
    const again = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await again.until('word of it', noticed('unknownToPeer'))
  },
  'nobody is refused by one that has closed': async all => {
    const electionTimeoutMs = 100
    const n1 = await all.open('n1', { roll: all.rollOf(['n1']) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']), electionTimeoutMs })
    await n2.until('word of it', noticed('unknownToPeer'))
    await n1.close()
    const lasting = await all.open('n3', { roll: all.rollOf(['n2', 'n3']), electionTimeoutMs })
    await lasting.until('as long', noticed('refusedByPeer'))
    equal(noticesOf(n2.events, 'refusedByPeer').length, 0)
  },
  'who closes while it is asked refuses nobody': async all => {
    let asked: (answer: () => void) => void = () => undefined
    const answered = new Promise<() => void>(resolve => { asked = resolve })
    const n1 = await all.open('n1', { roll: all.rollOf(['n1', 'n2']), admit: (_, __, decide) => asked(() => decide(left('it is another'))) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    const answer = await answered
    await n1.close()
    answer()
    const later = await all.open('n3', { roll: all.rollOf(['n2', 'n3']) })
    await later.until('word of its own', noticed('unknownToPeer'))
    equal(noticesOf(n2.events, 'refusedByPeer').length, 0)
  },
  'who was let in without being named is refused when that is over': async all => {
    const n1 = await all.open('n1', { roll: all.rollOf([], true) })
    const n2 = await all.open('n2', { roll: all.rollOf(['n1', 'n2']) })
    await areLinked(n1, n2)
    n1.links.update(all.rollOf(['n1', 'n3']))
    await Promise.all([n1.until('n2 is down', count('disconnected', 'n2', 1)), n2.until('n1 is down', count('disconnected', 'n1', 1))])
    n2.links.update(all.rollOf(['n1', 'n2', 'n3']))
    await n2.until('word of it', noticed('unknownToPeer'))
    equal(noticesOf(n2.events, 'unknownToPeer')[0]?.reason, 'n2 is not a member')
  },
  'whoever is not named itself any more keeps its links': async all => {
    const [n1, n2] = await pair(all)
    n2.links.update(all.rollOf(['n1']))
    await carries(n1, n2)
    deepEqual([changes(n1, 'n2'), changes(n2, 'n1')], [['connected'], ['connected']])
  },
}

const addresses: Record<string, (all: Cluster) => Promise<void>> = {
  'a link outlives the address to which it was dialled, and the next one goes to where the member is then': async all => {
    const [n1, n2] = await pair(all)
    const { addresses: before } = all.rollOf(['n1', 'n2', 'n3'])
    n1.links.update({ addresses: { ...before, n2: 'localhost:1' }, isOpen: false })
    await carries(n1, n2)
    deepEqual(changes(n1, 'n2'), ['connected'])
    await n2.close()
    await n1.until('n2 is down', count('disconnected', 'n2', 1))
    const again = await all.open('n2')
    await Promise.all([n1.until('n2 is back', count('connected', 'n2', 2)), again.until('n1 is up', count('connected', 'n1', 1))])
    await carries(n1, again)
  },
  'an update that changes nothing does nothing, and after closing none does': async all => {
    const [n1, n2] = await pair(all)
    for (let n = 0; n < 10; n++) for (const { links } of [n1, n2]) links.update(all.rollOf(['n1', 'n2', 'n3']))
    await carries(n1, n2)
    deepEqual([changes(n1, 'n2'), changes(n2, 'n1')], [['connected'], ['connected']])
    await n1.close()
    n1.links.update(all.rollOf(['n1', 'n2', 'n3']))
    ok(!isLeft(await all.tryOpen('n1')), 'its address is free')
  },
}

export const rollRules: Readonly<Record<string, (all: Cluster) => Promise<void>>> = { ...arrivals, ...departures, ...addresses }
