import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import { type Address, formatAddress, isLoopback, parseAddress } from './addresses.js'
import type { Sockets, TlsMaterial } from './sockets.js'

/** What makes a network fit to be used: a proof from both ends of every connection, or the word that none is needed. */
export interface Trust {
  /** Encrypts every connection, and speaks with nobody who cannot prove who it is. Needed beyond loopback. */
  readonly tls?: TlsMaterial | undefined
  /** Says that the network itself is trusted: whoever reaches it can read along, and pose as anybody. */
  readonly plaintext?: true | undefined
}

/** Why nothing is sent to this address; undefined when it may be. */
export const objectionTo = ({ tls, plaintext }: Trust, address: Address): string | undefined =>
  tls !== undefined || plaintext === true || isLoopback(address)
    ? undefined
    : `${formatAddress(address)} is beyond loopback, which takes tls, or plaintext: true where the network itself is trusted`

/** The same for an address as it is written. */
export const objectionToText = (trust: Trust, text: string): string | undefined => {
  const address = parseAddress(text)
  return isLeft(address) ? address.left : objectionTo(trust, address.right)
}

/** One line for each address to which nothing is sent, with the path of the option that names it. */
export const addressFaults = (trust: Trust, addresses: readonly (readonly [path: string, address: string])[]): readonly string[] =>
  addresses.flatMap(([path, address]) => {
    const fault = objectionToText(trust, address)
    return fault === undefined ? [] : [`${path}: ${fault}`]
  })

/** The names in the own certificate, none without one, or what is wrong; `path` is what precedes the options' names. */
export const inspectTrust = ({ inspect }: Pick<Sockets, 'inspect'>, { tls, plaintext }: Trust, path = ''): Either<string, readonly string[]> => {
  if (tls === undefined) return right([])
  if (plaintext === true) return left(`${path}plaintext: contradicts ${path}tls`)
  const names = inspect(tls)
  return isLeft(names) ? left(`${path}tls: cannot be used: ${names.left}`) : names
}
