import { isLeft } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'
import { type Address, parseAddress } from './addresses.js'
import { type DialFailure, introduce } from './handshake.js'
import type { Endpoint, Party, TransportNotice } from '../port.js'
import { redial } from './redial.js'
import type { Registry } from './registry.js'
import type { Sockets, TlsMaterial } from './sockets.js'

/** How peers are dialled. */
export interface Dialling {
  readonly sockets: Sockets
  readonly tls: TlsMaterial | undefined
  /** Why nothing may be sent to this address. */
  readonly objection: (address: Address) => string | undefined
}

const noticeOf = (peer: MemberId, remote: string, { type, reason }: DialFailure): TransportNotice => {
  switch (type) {
    case 'unreachable': return { type: 'unreachable', peer, reason }
    case 'refused': return { type: 'refusedByPeer', peer, reason }
    case 'untrusted': return { type: 'handshakeRefused', remote, reason }
  }
}

/** Keeps a link to `peer`, dialling again whenever there is none, until the result is called. */
export const keepLinked = (peer: MemberId, endpoint: Endpoint, { sockets, tls, objection }: Dialling, registry: Registry): Cancel => {
  const { clusterId, id, incarnation, members, limits, clock } = endpoint
  const party: Party = { type: 'member', id: peer }
  let told: string | undefined
  const tell = (failure: DialFailure): void => {
    const news = `${failure.type}: ${failure.reason}`
    if (news !== told) registry.notice(noticeOf(peer, members[peer] ?? peer, failure))
    told = news
  }

  const attempt = (ended: () => void): Cancel => {
    const address = parseAddress(members[peer] ?? '')
    const fault = isLeft(address) ? address.left : objection(address.right)
    if (isLeft(address) || fault !== undefined) {
      tell({ type: 'unreachable', reason: fault ?? 'it has no address' })
      return clock.endOfTurn(ended)
    }
    const release = registry.hold()
    const stream = sockets.dial(address.right, tls)
    let phase: 'dialling' | 'linked' | 'stopped' = 'dialling'
    const over = (): void => {
      ended()
      release()
    }
    introduce(stream, {
      clock, limits, to: peer,
      isTls: tls !== undefined,
      hello: { role: 'member', clusterId, from: id, incarnation },
      admit: (theirs, decide) => endpoint.admit(peer, theirs, decide),
    }, {
      welcomed: theirs => {
        phase = 'linked'
        told = undefined
        const link = registry.open(stream, party, { confirmed: () => undefined, refused: () => undefined, closed: over })
        registry.join(party, theirs, link)
        link.greet()
      },
      over: failure => {
        if (phase === 'dialling') tell(failure)
        over()
      },
    })
    return () => {
      // A link is the registry's to close, once what was sent over it has left.
      if (phase !== 'dialling') return
      phase = 'stopped'
      stream.destroy()
    }
  }
  return redial(endpoint, attempt)
}
