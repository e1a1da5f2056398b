import { type Observable, filter, map } from 'rxjs'
import { unreachable } from '../../lib/prelude.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { Received } from '../pipeline/inbox.js'
import type { Routes } from '../requests/routes.js'
import type { Party, TransportEvent, TransportNotice } from '../transport/port.js'

interface Listener {
  readonly routes: Pick<Routes, 'connected' | 'disconnected' | 'requested' | 'replied'>
  notice(notice: TransportNotice | MemberNotice): void
}

type Arrival = Extract<TransportEvent, { type: 'received' }>

/** What a party may say: a member speaks for its own core and forwards, a client only asks. */
const hear = ({ routes, notice }: Listener, { from, message }: Arrival): Received | undefined => {
  const misplaced = (): undefined => void notice({ type: 'misplacedMessage', from, message: message.type })
  switch (message.type) {
    case 'propose': return void routes.requested(from, message)
    case 'committed':
    case 'refused':
    case 'lost': return from.type === 'member' ? void routes.replied(from, message) : misplaced()
    default: return isFromItself(from, message.from) ? { type: 'received', message } : misplaced()
  }
}

const isFromItself = (party: Party, claimed: string): boolean => party.type === 'member' && party.id === claimed

/** The messages for the core; requests, replies, news of links and notices go their own ways. */
export const receive = (events$: Observable<TransportEvent>, listener: Listener): Observable<Received> =>
  events$.pipe(
    map((event): Received | undefined => {
      switch (event.type) {
        case 'received': return hear(listener, event)
        case 'connected': return void listener.routes.connected(event.party)
        case 'disconnected': return void listener.routes.disconnected(event.party)
        case 'noticed': return void listener.notice(event.notice)
        default: return unreachable(event)
      }
    }),
    filter(received => received !== undefined),
  )
