/** Whatever a transport of somebody's own hands over as a message, nothing touches it before it is known to be one. */
import test from 'ava'
import { Subject } from 'rxjs'
import type { LinkMessage } from '../../../lib/requests.js'
import { receive } from '../../../streams/member/receive.js'
import type { Party, TransportEvent } from '../../../streams/transport/port.js'
import { messages } from '../../codecs/samples.js'

/** What comes of each message: the core gets it, a room is asked, or it is noticed. */
const listening = () => {
  const heard: string[] = []
  const events$ = new Subject<TransportEvent>()
  const room = { requested: () => { heard.push('room') }, replied: () => { heard.push('room') } }
  receive(events$, {
    linked: { connected: () => undefined, disconnected: () => undefined, at: party => ({ party }) as never },
    requests: room, reads: room, operator: room,
    versions: { linked: () => undefined, unlinked: () => undefined },
    notice: ({ type, ...said }) => { heard.push(`${type} ${JSON.stringify(said)}`) },
  }).subscribe(({ type }) => { heard.push(type) })
  return (from: Party, message: unknown): readonly string[] => {
    heard.length = 0
    events$.next({ type: 'received', from, message: message as LinkMessage })
    return [...heard]
  }
}

const PEER: Party = { type: 'member', id: 'n2' }
const malformed = (from: string, message: string): readonly string[] => [`contradiction ${JSON.stringify({ from, message, claim: 'the message is malformed' })}`]

test('what is no message is noticed, whoever sent it, and goes nowhere', t => {
  const tell = listening()
  for (const odd of [undefined, null, 'foo', 7, [], {}]) {
    t.deepEqual(tell(PEER, odd), malformed('n2', ''), JSON.stringify(odd))
    t.deepEqual(tell({ type: 'client', link: 3 }, odd), malformed('client 3', ''), JSON.stringify(odd))
  }
  for (const type of ['foo', 'toString', 'propose', 'committed', 'refused', 'readIndex', 'readable', 'wish', 'wishReply', 'members', 'appendEntries', 'requestVote']) {
    t.deepEqual(tell(PEER, { type }), malformed('n2', type))
    t.deepEqual(tell(PEER, { type, from: 'n2', to: 'n1', term: 1, round: 1 }), malformed('n2', type))
  }
})

test('of what is one every kind but news for clients goes its way', t => {
  const tell = listening()
  for (const message of Object.values<LinkMessage>(messages).filter(({ type }) => type !== 'members')) {
    const from = 'from' in message ? { type: 'member', id: message.from } as const : PEER
    t.deepEqual(tell(from, message), ['from' in message ? 'received' : 'room'], message.type)
  }
})

test('keys whose value is undefined may be left out, as JSON does', t => {
  const tell = listening()
  for (const message of [
    { type: 'refused', id: 1, reason: 'busy' },
    ...[{ type: 'transfer' }, { type: 'change', voters: { d: 'd:1' }, learners: {}, remove: [] }, { type: 'abandon' }].map(wish => ({ type: 'wish', id: 1, term: 1, wish })),
  ]) t.deepEqual(tell(PEER, message), ['room'], JSON.stringify(message))
  t.deepEqual(tell(PEER, { type: 'refused', id: 1 }), malformed('n2', 'refused'))
})
