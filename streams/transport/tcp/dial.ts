import { Subject } from 'rxjs'
import { type LinkMessage, isReply } from '../../../lib/requests.js'
import { isLeft, right } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import { type Clock, systemClock } from '../../time/clock.js'
import { parseAddress } from './addresses.js'
import { introduce } from './handshake.js'
import { type Link, openLink } from './link.js'
import { nodeSockets } from './node-sockets.js'
import type { ClientLink, ClientLinkEvent, LinkLimits } from '../port.js'
import type { Sockets, TlsMaterial } from './sockets.js'

/** Whom a client wants to reach, and how. */
export interface ClientDial {
  readonly clusterNameId: string
  /** The client's name, for people. */
  readonly name: string
  readonly member: MemberId
  readonly address: string
  readonly tls?: TlsMaterial | undefined
  readonly limits: LinkLimits
  readonly sockets?: Sockets
  readonly clock?: Clock
}

const objection = (message: LinkMessage): string | undefined => isReply(message) || message.type === 'members' ? undefined : `a member sent a client a ${message.type}`

/** Dials a member as a client: the same frames and handshake as between members, and no more rights than to ask. */
export const dialClient = (
  { clusterNameId, name, member, address, tls, limits, sockets = nodeSockets, clock = systemClock }: ClientDial,
): ClientLink => {
  const events = new Subject<ClientLinkEvent>()
  const finish = (lastWord: ClientLinkEvent): void => {
    events.next(lastWord)
    events.complete()
  }
  const at = parseAddress(address)
  if (isLeft(at)) {
    clock.endOfTurn(() => finish({ type: 'refused', reason: at.left }))
    return { events$: events.asObservable(), send: () => undefined, close: () => undefined }
  }
  const stream = sockets.dial(at.right, tls)
  let link: Link | undefined
  introduce(stream, {
    clock, limits, to: member,
    isTls: tls !== undefined,
    hello: { role: 'client', clusterId: clusterNameId, from: name, incarnation: '' },
    // Clients keep nothing by which they could know one incarnation from another.
    admit: (_, decide) => decide(right(undefined)),
  }, {
    welcomed: () => {
      const opened = openLink({
        stream, limits, clock, objection,
        maxReadBytes: limits.maxFrameBytes, promptMs: undefined, turns: undefined,
        events: {
          confirmed: () => undefined,
          refused: () => undefined,
          received: message => events.next({ type: 'received', message }),
          unreadable: () => undefined,
          dropped: () => undefined,
          closed: reason => finish({ type: 'disconnected', reason, unanswered: opened.unanswered }),
        },
      })
      link = opened
      link.greet()
      events.next({ type: 'connected' })
    },
    over: ({ reason }) => finish({ type: 'refused', reason }),
  })
  return {
    events$: events.asObservable(),
    send: messages => link?.send(messages),
    close: () => link === undefined ? stream.destroy() : link.end('the link was closed here'),
  }
}
