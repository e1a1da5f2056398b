import { isLeft } from '../../../lib/prelude.js'
import type { MemberId, Millis } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'
import { type Address, parseAddress } from './addresses.js'
import { type DialFailure, introduce } from './handshake.js'
import { GIVE_WAY, type Pairs } from './pairs.js'
import { type Endpoint, LASTING_TIMEOUTS, type Party, type TransportNotice } from '../port.js'
import { type Attempt, redial } from './redial.js'
import type { Registry } from './registry.js'
import type { RollCall } from '../roll.js'
import type { Sockets, TlsMaterial } from './sockets.js'

/** How peers are dialled. */
export interface Dialling {
  readonly sockets: Sockets
  /** What to show from now on. */
  readonly tls: (() => TlsMaterial) | undefined
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

/** Tells why there is no link: once, until that changes or there is one. What may pass is a refusal only once it has lasted. */
const createTeller = (peer: MemberId, { clock, electionTimeoutMs }: Pick<Endpoint, 'clock' | 'electionTimeoutMs'>, notice: Registry['notice']) => {
  let told: string | undefined
  let passingSince: Millis | undefined
  return {
    linked: (): void => { told = passingSince = undefined },
    failed: (remote: string, failure: DialFailure): void => {
      passingSince = failure.type === 'refused' && failure.mayPass ? passingSince ?? clock.now() : undefined
      const mayPass = passingSince !== undefined && clock.now() - passingSince < LASTING_TIMEOUTS * electionTimeoutMs
      const what: TransportNotice = mayPass ? { type: 'unknownToPeer', peer, reason: failure.reason } : noticeOf(peer, remote, failure)
      const news = `${what.type}: ${failure.reason}`
      if (news !== told) notice(what)
      told = news
    },
  }
}

/** Whom to link with, and who has to know of it. */
export interface Meeting {
  readonly roll: RollCall
  readonly pairs: Pairs
  readonly registry: Registry
}

/** Begins one attempt to dial `peer`, over when whatever came of it is. */
const createDial = (peer: MemberId, endpoint: Endpoint, { sockets, tls, objection }: Dialling, { roll, pairs, registry }: Meeting, teller: ReturnType<typeof createTeller>) => {
  const { clusterId, id, incarnation, machineVersion, limits, clock } = endpoint
  const party: Party = { type: 'member', id: peer }
  const tell = (failure: DialFailure): void => teller.failed(roll.addressOf(peer) ?? peer, failure)

  return ({ linked, ended }: Attempt): Cancel => {
    const address = parseAddress(roll.addressOf(peer) ?? '')
    const fault = isLeft(address) ? address.left : objection(address.right)
    if (isLeft(address) || fault !== undefined) {
      tell({ type: 'unreachable', reason: fault ?? 'it has no address' })
      return clock.endOfTurn(ended)
    }
    const release = registry.hold()
    const stream = sockets.dial(address.right, tls?.())
    let phase: 'dialling' | 'linked' | 'stopped' = 'dialling'
    // A link is the registry's to close, once what was sent over it has left.
    const stop = (): void => {
      if (phase !== 'dialling') return
      phase = 'stopped'
      stream.destroy()
    }
    const dialled = pairs.dialling(peer, stop)
    const over = (): void => {
      dialled.over()
      ended()
      release()
    }
    introduce(stream, {
      clock, limits, to: peer,
      isTls: tls !== undefined,
      hello: { role: 'member', clusterId, from: id, incarnation, machineVersion, ...roll.named() },
      admit: (theirs, decide, named) => endpoint.admit(peer, theirs, decide, named),
    }, {
      welcomed: theirs => {
        // It gave way while it was judged who is there.
        if (phase === 'stopped') return
        phase = 'linked'
        teller.linked()
        dialled.linked()
        linked()
        const link = registry.open(stream, party, { confirmed: () => undefined, refused: () => undefined, closed: over })
        registry.join(party, theirs, link)
        link.greet()
      },
      over: failure => {
        if (phase === 'dialling' && failure.reason !== GIVE_WAY) tell(failure)
        over()
      },
    })
    return stop
  }
}

/**
 * Keeps a link to `peer`, dialling again whenever there is none, until the result is called. Of two members the one with the smaller id dials; the
 * other one does where it was not dialled for `reconnectMaxMs`, or for twice as long where it tries again, since whoever has the smaller id may not know it yet.
 */
export const keepLinked = (peer: MemberId, endpoint: Endpoint, dialling: Dialling, meeting: Meeting): Cancel => {
  const { id, limits, clock } = endpoint
  const teller = createTeller(peer, endpoint, meeting.registry.notice)
  const dial = createDial(peer, endpoint, dialling, meeting, teller)
  const attempt = (on: Attempt): Cancel => {
    const stop = meeting.pairs.whenLeft(peer, on.ended)
    if (stop === undefined) return dial(on)
    teller.linked()
    on.linked()
    return stop
  }
  const patient = (on: Attempt): Cancel => {
    let stop = clock.after(limits.reconnectMaxMs, () => { stop = attempt(on) })
    return () => stop()
  }
  return redial(endpoint, id < peer ? attempt : patient)
}
