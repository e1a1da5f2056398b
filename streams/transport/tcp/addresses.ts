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
