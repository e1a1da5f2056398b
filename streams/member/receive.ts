import { type Observable, filter, map } from 'rxjs'
import { unreachable } from '../../lib/prelude.js'
import { isFromCore, isReply } from '../../lib/requests.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { PeerGone, Received } from '../pipeline/inbox.js'
import type { Routes } from '../requests/routes.js'
import { type TransportEvent, type TransportNotice, objectionTo } from '../transport/port.js'

interface Listener {
  readonly routes: Pick<Routes, 'connected' | 'disconnected' | 'requested' | 'replied'>
  notice(notice: TransportNotice | MemberNotice): void
}

type Arrival = Extract<TransportEvent, { type: 'received' }>

const hear = ({ routes, notice }: Listener, { from, message }: Arrival): Received | undefined => {
  if (objectionTo(from, message) !== undefined) return void notice({ type: 'misplacedMessage', from, message: message.type })
  if (isFromCore(message)) return { type: 'received', message }
  return isReply(message) ? void routes.replied(from, message) : void routes.requested(from, message)
}

/** The messages for the core and the ends of its peers; requests, replies, news of links and notices go their own ways. */
export const receive = (events$: Observable<TransportEvent>, listener: Listener): Observable<Received | PeerGone> =>
  events$.pipe(
    map((event): Received | PeerGone | undefined => {
      switch (event.type) {
        case 'received': return hear(listener, event)
        case 'connected': return void listener.routes.connected(event.party)
        case 'disconnected': return void listener.routes.disconnected(event.party)
        case 'gone': return { type: 'peerGone', peer: event.peer }
        case 'noticed': return void listener.notice(event.notice)
        default: return unreachable(event)
      }
    }),
    filter(event => event !== undefined),
  )
