import { InvalidOptions, ListenFailed, PortInUse, type StartError } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import { createAcceptor } from './acceptor.js'
import { type Address, formatAddress, parseAddress } from './addresses.js'
import { watchDepartures } from './departures.js'
import { keepLinked } from './dialler.js'
import { nodeSockets } from './node-sockets.js'
import type { Endpoint, Links, Transport } from '../port.js'
import { createRegistry } from './registry.js'
import type { ListenFault, Sockets } from './sockets.js'
import { type Trust, addressFaults, inspectTrust, objectionTo } from './trust.js'

export type { TlsMaterial } from './sockets.js'

/** How a member is reached, and how far its network is to be trusted. */
export interface TcpOptions extends Trust {
  /** Where to listen, `host:port`, when that is not the member's advertised address. */
  readonly listen?: string
}

const OPTIONS: readonly string[] = ['listen', 'tls', 'plaintext'] satisfies readonly (keyof TcpOptions)[]

const faultsOfTrust = (sockets: Sockets, options: TcpOptions, id: string): readonly string[] => {
  const names = inspectTrust(sockets, options, 'transport.')
  if (isLeft(names)) return [names.left]
  return options.tls === undefined || names.right.includes(id) ? [] : [`transport.tls.cert: names ${names.right.join(', ') || 'nobody'}, not the member ${id}`]
}

/** Where to listen, when all that was given fits together. */
const check = (sockets: Sockets, options: TcpOptions, { id, members }: Endpoint): Either<InvalidOptions, Address> => {
  const own = Object.hasOwn(members, id) ? members[id] : undefined
  const listen = options.listen ?? own
  const report = [
    ...Object.keys(options).filter(name => !OPTIONS.includes(name)).map(name => `transport.${name}: is not an option`),
    ...(own === undefined ? [`members: does not name ${id}, which this member is`] : []),
    ...addressFaults(options, Object.entries(members).map(([member, address]) => [`members.${member}`, address])),
    ...(options.listen === undefined ? [] : addressFaults(options, [['transport.listen', options.listen]])),
    ...faultsOfTrust(sockets, options, id),
  ]
  const address = parseAddress(listen ?? '')
  return report.length > 0 || isLeft(address) ? left(new InvalidOptions(report)) : address
}

const startError = (address: Address, { code, message }: ListenFault): StartError =>
  code === 'EADDRINUSE' ? new PortInUse(formatAddress(address)) : new ListenFailed(formatAddress(address), message)

/** The wire over any sockets: the real ones, or those of a simulation. */
export const socketTransport = (sockets: Sockets, options: TcpOptions = {}): Transport => ({
  open: (endpoint, done) => {
    const { id, members, clock } = endpoint
    const { tls } = options
    const listen = check(sockets, options, endpoint)
    if (isLeft(listen)) {
      clock.endOfTurn(() => done(listen))
      return
    }
    const registry = createRegistry(endpoint)
    const acceptor = createAcceptor(endpoint, tls !== undefined, registry)
    sockets.listen(listen.right, tls, acceptor.accept, outcome => {
      if (isLeft(outcome)) return done(left(startError(listen.right, outcome.left)))
      const listener = outcome.right
      const larger = Object.keys(members).filter(member => id < member)
      const dialling = { sockets, tls, objection: (address: Address) => objectionTo(options, address) }
      let isClosed = false
      let stops: readonly (() => void)[] = []
      const links: Links = {
        address: formatAddress(listener.address),
        events$: registry.events$,
        send: registry.send,
        close: closed => {
          registry.close(closed)
          if (isClosed) return
          isClosed = true
          listener.close(registry.hold())
          for (const stop of stops) stop()
          acceptor.close()
        },
      }
      done(right(links))
      if (!isClosed) stops = [watchDepartures(endpoint, dialling, registry), ...larger.map(peer => keepLinked(peer, endpoint, dialling, registry))]
    })
  },
})

/** Members and clients over TCP. Plain on loopback; beyond it `tls`, or `plaintext: true` by name. */
export const tcpTransport = (options: TcpOptions = {}): Transport => socketTransport(nodeSockets, options)
