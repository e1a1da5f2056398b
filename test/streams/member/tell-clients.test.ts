/** Clients are told who belongs to the cluster, and whatever else becomes of that. */
import test from 'ava'
import { append, emptyLog, truncateFrom } from '../../../lib/log.js'
import type { LinkMessage } from '../../../lib/requests.js'
import type { Follower } from '../../../lib/state.js'
import type { MemberId, Membership } from '../../../lib/types.js'
import { tellClients } from '../../../streams/member/tell-clients.js'
import { createLinked } from '../../../streams/transport/linked.js'
import { objectionTo, type Party, partyKey } from '../../../streams/transport/port.js'
import { member } from '../../../testing/watch.js'
import { messages } from '../../codecs/samples.js'
import { follower } from '../../lib/build.js'
import { counter, fromLeader, worldOf } from './world.js'

const of = (...ids: readonly MemberId[]): Membership => ({ voters: ids, outgoing: [], learners: [], addresses: Object.fromEntries(ids.map(id => [id, `${id}:1`])) })
const client = (link: number): Party => ({ type: 'client', link })
const newsIn = (message: LinkMessage): string => message.type === 'members' ? `${message.index} ${Object.keys(message.membership.addresses).join()}` : message.type

/** A member whose log begins behind `base`, and what its clients hear. */
const telling = (base: Membership, index = 0) => {
  const heard: string[] = []
  const linked = createLinked()
  let state: Follower = { ...follower(), log: emptyLog({ index, term: index === 0 ? 0 : 1, membership: base }, 1), commitIndex: index }
  const { follow } = tellClients({ linked, sender: { to: (to, message) => heard.push(`${partyKey(to)}: ${newsIn(message)}`) } }, state)
  const go = (changes: Partial<Follower>): readonly string[] => {
    state = { ...state, ...changes }
    follow(state)
    return heard.splice(0)
  }
  return {
    linked, go, news: (): readonly string[] => heard.splice(0),
    add: (membership: Membership): readonly string[] =>
      go({ log: append(state.log, [{ kind: 'membership', firstIndex: state.log.lastIndex + 1, term: 1, count: 1, time: 1, membership }]) }),
    commit: (commitIndex: number): readonly string[] => go({ commitIndex }),
    cut: (from: number): readonly string[] => go({ log: truncateFrom(state.log, from) }),
    restore: (at: number, membership: Membership): readonly string[] => go({ log: emptyLog({ index: at, term: 1, membership }, 1), commitIndex: at }),
  }
}

test('a client is told when its link is up, and each client when another membership is committed, and not before', t => {
  const { linked, add, commit, cut, go, news } = telling(of('n1', 'n2', 'n3'))
  linked.connected(client(1))
  linked.connected(member('n2'))
  t.deepEqual(news(), ['client 1: 0 n1,n2,n3'])
  t.deepEqual(add(of('n1', 'n2', 'n4')), [])
  t.deepEqual(cut(1), [])
  t.deepEqual(add(of('n1', 'n2', 'n5')), [])
  linked.connected(client(2))
  t.deepEqual(news(), ['client 2: 0 n1,n2,n3'])
  t.deepEqual(commit(1), ['client 1: 1 n1,n2,n5', 'client 2: 1 n1,n2,n5'])
  t.deepEqual([...commit(1), ...go({ term: 2 })], [])
  linked.disconnected(client(1), 'unknown')
  add(of('n1', 'n5'))
  t.deepEqual(commit(2), ['client 2: 2 n1,n5'])
})

test('whoever has yet to be added knows of nobody and tells nothing until then; a snapshot names all, and where it stands', t => {
  const { linked, restore, news } = telling(of())
  linked.connected(client(1))
  t.deepEqual(news(), [])
  t.deepEqual(restore(9, of('n1', 'n2')), ['client 1: 9 n1,n2'])
  t.deepEqual(restore(12, of('n3')), ['client 1: 12 n3'])
})

test('a member tells its clients as its log changes', t => {
  const { network, disk, clock } = worldOf(counter, ['n2', 'n3'])
  disk.flow()
  network.say({ type: 'connected', party: client(1) })
  clock.settle()
  network.receive(fromLeader(1, 0, 0, 1, { kind: 'membership', firstIndex: 1, term: 1, count: 1, time: 1, membership: of('n1', 'n2', 'n4') }))
  clock.settle()
  t.deepEqual(network.sent.filter(({ message }) => message.type === 'members').map(({ to, message }) => `${partyKey(to)}: ${newsIn(message)}`), ['client 1: 0 n1,n2,n3', 'client 1: 1 n1,n2,n4'])
})

test('nobody else says it to anybody else', t => {
  t.is(objectionTo(client(1), messages.members), 'a client sent a members')
  t.is(objectionTo(member('n2'), messages.members), 'n2 sent a member what is for clients')
})
