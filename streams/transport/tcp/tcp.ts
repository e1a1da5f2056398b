import { isOptions } from '../../../codecs/judging.js'
import { InvalidOptions, ListenFailed, PortInUse, type StartError } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'
import { createAcceptor } from './acceptor.js'
import { type Address, formatAddress, parseAddress } from './addresses.js'
import { watchDepartures } from './departures.js'
import { type Dialling, type Meeting, keepLinked } from './dialler.js'
import { nodeSockets } from './node-sockets.js'
import { createPairs } from './pairs.js'
import type { Endpoint, Links, Start, Transport } from '../port.js'
import { createRegistry } from './registry.js'
import { createRollCall } from '../roll.js'
import type { Certificate, ListenFault, Sockets } from './sockets.js'
import { type Credentials, type Trust, addressFaults, inspectTrust, objectionTo, objectionToText, watchExpiry } from './trust.js'

export type { TlsMaterial } from './sockets.js'

/** How a member is reached, and how far its network is to be trusted. */
export interface TcpOptions extends Trust {
  /** Where to listen, `host:port`, when that is not the member's advertised address. */
  readonly listen?: string | undefined
}

const OPTIONS: readonly string[] = ['listen', 'tls', 'plaintext'] satisfies readonly (keyof TcpOptions)[]

/** Why a member does not show this certificate. */
const objectionToOwn = ({ names, isForMembers }: Certificate, id: MemberId): string | undefined => {
  if (!names.includes(id)) return `names ${names.join(', ') || 'nobody'}, not the member ${id}`
  return isForMembers ? undefined : 'is a client\'s, and not good for server authentication'
}

/** What is wrong with what was given, whatever is stored; and what this member shows, where it shows anything. */
const judge = (sockets: Sockets, options: TcpOptions, { id, given, join }: Start): { readonly faults: readonly string[]; readonly credentials?: Credentials | undefined } => {
  // Plain JavaScript may hand over anything.
  if (!isOptions(options)) return { faults: ['transport.options: must be an object'] }
  const own = inspectTrust(sockets, options, { path: 'transport.', objection: certificate => objectionToOwn(certificate, id) })
  const faults = [
    ...Object.keys(options).filter(name => !OPTIONS.includes(name)).map(name => `transport.${name}: is not an option`),
    ...addressFaults(options, [...join === undefined ? [] : [['join', join] as const], ...Object.entries(given).map(([member, address]) => [`members.${member}`, address] as const)]),
    ...(options.listen === undefined ? [] : addressFaults(options, [['transport.listen', options.listen]])),
  ]
  return isLeft(own) ? { faults: [...faults, own.left] } : { faults, credentials: own.right }
}

/** Whether only the store says that this member is reached there. */
const isStored = ({ id, address, given, join }: Endpoint): boolean => address !== join && address !== given[id]

/** Where to listen and what to show, when all fits together. */
const check = (sockets: Sockets, options: TcpOptions, endpoint: Endpoint): Either<InvalidOptions, { readonly at: Address; readonly credentials: Credentials | undefined }> => {
  const { faults, credentials } = judge(sockets, options, endpoint)
  if (faults.length > 0) return left(new InvalidOptions(faults))
  const { address: own } = endpoint
  const stored = isStored(endpoint) ? addressFaults(options, [['storage.address', own]]) : []
  const address = parseAddress(options.listen ?? own)
  return stored.length > 0 || isLeft(address) ? left(new InvalidOptions(stored)) : right({ at: address.right, credentials })
}

const startError = (address: Address, whence: string, { code, message }: ListenFault): StartError =>
  code === 'EADDRINUSE' ? new PortInUse(formatAddress(address), whence) : new ListenFailed(formatAddress(address), message, whence)

/** Keeps a link with each of the others, as they come and go. */
const keepAllLinked = (endpoint: Endpoint, dialling: Dialling, meeting: Meeting) => {
  const stops = new Map<MemberId, Cancel>()
  const follow = (): void => {
    const others = meeting.roll.others()
    for (const [peer, stop] of stops) {
      if (others.includes(peer)) continue
      stops.delete(peer)
      stop()
    }
    for (const peer of others) if (!stops.has(peer)) stops.set(peer, keepLinked(peer, endpoint, dialling, meeting))
  }
  return { follow, stop: (): void => { for (const stop of stops.values()) stop() } }
}

/** The wire over any sockets: the real ones, or those of a simulation. */
export const socketTransport = (sockets: Sockets, options: TcpOptions = {}): Transport => ({
  faults: start => judge(sockets, options, start).faults,
  open: (endpoint, done) => {
    const { clock } = endpoint
    const checked = check(sockets, options, endpoint)
    if (isLeft(checked)) {
      clock.endOfTurn(() => done(checked))
      return
    }
    const { at, credentials } = checked.right
    const whence = options.listen === undefined && isStored(endpoint) ? ", which the data folder says is this member's address" : ''
    const roll = createRollCall(endpoint)
    const registry = createRegistry(endpoint, roll)
    const meeting: Meeting = { roll, registry, pairs: createPairs(endpoint) }
    const tls = credentials && (() => credentials(reason => registry.notice({ type: 'renewalFailed', reason })))
    const acceptor = createAcceptor(endpoint, tls !== undefined, meeting)
    sockets.listen(at, tls, acceptor.accept, outcome => {
      if (isLeft(outcome)) return done(left(startError(at, whence, outcome.left)))
      const listener = outcome.right
      const dialling = { sockets, tls, objection: (address: Address) => objectionTo(options, address) }
      const peers = keepAllLinked(endpoint, dialling, meeting)
      let isClosed = false
      let stopWatching: readonly Cancel[] = []
      const links: Links = {
        address: formatAddress(listener.address),
        objection: address => objectionToText(options, address),
        events$: registry.events$,
        send: registry.send,
        update: next => {
          if (isClosed) return
          roll.replace(next)
          peers.follow()
          registry.review()
        },
        close: closed => {
          registry.close(closed)
          if (isClosed) return
          isClosed = true
          listener.close(registry.hold())
          stopWatching.forEach(stop => stop())
          peers.stop()
          acceptor.close()
        },
      }
      done(right(links))
      if (isClosed) return
      stopWatching = [
        watchDepartures(endpoint, dialling, roll, registry),
        ...tls === undefined ? [] : [watchExpiry(sockets, tls, clock, notAfter => registry.notice({ type: 'certificateExpires', notAfter }))],
      ]
      peers.follow()
    })
  },
})

/** Members and clients over TCP. Plain on loopback; beyond it `tls`, or `plaintext: true` by name. */
export const tcpTransport = (options: TcpOptions = {}): Transport => socketTransport(nodeSockets, options)
