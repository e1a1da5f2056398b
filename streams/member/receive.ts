import { type Observable, filter, map } from 'rxjs'
import { unreachable } from '../../lib/prelude.js'
import { isFromCore, isReadAnswer, isReply } from '../../lib/requests.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { PeerGone, Received } from '../pipeline/inbox.js'
import type { Reads } from '../reads/reads.js'
import type { Routes } from '../requests/routes.js'
import { type TransportEvent, type TransportNotice, objectionTo } from '../transport/port.js'

interface Listener {
  readonly routes: Pick<Routes, 'connected' | 'disconnected' | 'requested' | 'replied'>
  readonly reads: Pick<Reads<never>, 'connected' | 'disconnected' | 'requested' | 'replied'>
  notice(notice: TransportNotice | MemberNotice): void
}

type Arrival = Extract<TransportEvent, { type: 'received' }>

const hear = ({ routes, reads, notice }: Listener, { from, message }: Arrival): Received | undefined => {
  if (objectionTo(from, message) !== undefined) return void notice({ type: 'misplacedMessage', from, message: message.type })
  if (isFromCore(message)) return { type: 'received', message }
  if (message.type === 'readIndex') return void reads.requested(from, message)
  if (isReadAnswer(message)) return void reads.replied(from, message)
  return isReply(message) ? void routes.replied(from, message) : void routes.requested(from, message)
}

const tellBoth = ({ routes, reads }: Listener, tell: (ears: Pick<Routes, 'connected' | 'disconnected'>) => void): undefined => {
  tell(routes)
  tell(reads)
}

/** The messages for the core and the ends of its peers; requests, replies, news of links and notices go their own ways. */
export const receive = (events$: Observable<TransportEvent>, listener: Listener): Observable<Received | PeerGone> =>
  events$.pipe(
    map((event): Received | PeerGone | undefined => {
      switch (event.type) {
        case 'received': return hear(listener, event)
        case 'connected': return tellBoth(listener, ears => ears.connected(event.party))
        case 'disconnected': return tellBoth(listener, ears => ears.disconnected(event.party, event.unanswered))
        case 'gone': return { type: 'peerGone', peer: event.peer }
        case 'noticed': return void listener.notice(event.notice)
        default: return unreachable(event)
      }
    }),
    filter(event => event !== undefined),
  )
