import { isIPv4 } from 'node:net'
import { type Either, left, right } from '../../../lib/prelude.js'

/** Where something listens; port 0 lets the system choose one. */
export interface Address {
  readonly host: string
  readonly port: number
}

const SHAPE = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/

/** Reads `host:port`, the host a name, an IPv4 address or a bracketed IPv6 address. */
export const parseAddress = (text: string): Either<string, Address> => {
  const [, bracketed, plain, digits] = SHAPE.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && port <= 65535 ? right({ host, port }) : left(`"${text}" is not an address "host:port"`)
}

/** What `parseAddress` reads. */
export const formatAddress = ({ host, port }: Address): string => host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** Whether only this machine can reach it: what travels there needs no encryption. */
export const isLoopback = ({ host }: Address): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** Whoever has one address of a network of IPv6 has all 2⁶⁴ of it. */
const IPV6_NETWORK_GROUPS = 4

/** Whom a connection counts for: its address, or the network of it where that is one of IPv6, which an IPv4 address within it is not. */
export const hostOf = (remote: string): string => {
  const [, address] = /^\[([^\].]*)\]:\d+$/.exec(remote) ?? []
  if (address === undefined) return remote.slice(0, remote.lastIndexOf(':'))
  const [before = [], after] = address.split('::').map(groups => groups.split(':').filter(Boolean))
  const zeros = after === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after ?? []].slice(0, IPV6_NETWORK_GROUPS).join(':')
}
