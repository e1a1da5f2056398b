import { type Observable, filter, map } from 'rxjs'
import { MachineVersion } from '../../codecs/primitives.js'
import { MESSAGES } from '../../codecs/shapes.js'
import { malformed } from '../../lib/outbox.js'
import type { CoreDiagnostic } from '../../lib/events.js'
import { unreachable } from '../../lib/prelude.js'
import { type LinkMessage, isFromCore, isReadAnswer, isReply } from '../../lib/requests.js'
import { isObject, isWellFormed } from '../../lib/well-formed.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { VersionEars } from '../outputs/machine-versions.js'
import type { PeerGone, Received } from '../pipeline/inbox.js'
import type { Reads } from '../reads/reads.js'
import type { Requests } from '../requests/requests.js'
import type { Linked } from '../transport/linked.js'
import type { Operator } from '../wishes/operator.js'
import { type TransportEvent, type TransportNotice, objectionTo, partyKey } from '../transport/port.js'

interface Listener {
  readonly linked: Pick<Linked, 'connected' | 'disconnected' | 'at'>
  readonly requests: Pick<Requests<never, never>, 'requested' | 'replied'>
  readonly reads: Pick<Reads<never>, 'requested' | 'replied'>
  readonly operator: Pick<Operator, 'requested' | 'replied'>
  readonly versions: Pick<VersionEars, 'linked' | 'unlinked'>
  notice(notice: TransportNotice | MemberNotice | CoreDiagnostic): void
}

type Arrival = Extract<TransportEvent, { type: 'received' }>

/** A transport hands over messages that are decoded, as its codec, if it has one, made them: nothing touches one that is none. */
const isMessage = (message: LinkMessage): boolean => {
  if (!isObject(message)) return false
  if (isFromCore(message)) return isWellFormed(message)
  const { type } = message
  return Object.hasOwn(MESSAGES, type) && MESSAGES[type].is(message)
}

const hear = ({ linked, requests, reads, operator, notice }: Listener, { from, message }: Arrival): Received | undefined => {
  if (!isMessage(message)) return void notice(malformed(message, from.type === 'member' ? from.id : partyKey(from)))
  if (objectionTo(from, message) !== undefined) return void notice({ type: 'misplacedMessage', from, message: message.type })
  if (isFromCore(message)) return { type: 'received', message }
  const link = linked.at(from)
  if (link === undefined) return undefined
  if (message.type === 'readIndex') return void reads.requested(link, message)
  if (isReadAnswer(message)) return void reads.replied(link, message)
  if (message.type === 'wish') return void operator.requested(link, message)
  if (message.type === 'wishReply') return void operator.replied(link, message)
  if (message.type === 'propose') return void requests.requested(link, message)
  return isReply(message) ? void requests.replied(link, message) : undefined
}

const connected = ({ linked, versions }: Listener, { party, machineVersion }: Extract<TransportEvent, { type: 'connected' }>): undefined => {
  linked.connected(party)
  // What a transport of somebody's own hands over may be anything.
  if (party.type === 'member') versions.linked(party.id, MachineVersion.is(machineVersion) ? machineVersion : 0)
}

const disconnected = ({ linked, versions }: Listener, { party, unanswered }: Extract<TransportEvent, { type: 'disconnected' }>): undefined => {
  linked.disconnected(party, unanswered)
  if (party.type === 'member') versions.unlinked(party.id)
}

/** The messages for the core and the ends of its peers; requests, replies, news of links and notices go their own ways. */
export const receive = (events$: Observable<TransportEvent>, listener: Listener): Observable<Received | PeerGone> =>
  events$.pipe(
    map((event): Received | PeerGone | undefined => {
      switch (event.type) {
        case 'received': return hear(listener, event)
        case 'connected': return connected(listener, event)
        case 'disconnected': return disconnected(listener, event)
        case 'gone': return { type: 'peerGone', peer: event.peer }
        case 'noticed': return void listener.notice(event.notice)
        default: return unreachable(event)
      }
    }),
    filter(event => event !== undefined),
  )
