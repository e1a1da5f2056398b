import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import { type Address, formatAddress, isLoopback, parseAddress } from './addresses.js'
import type { Certificate, Sockets, TlsMaterial } from './sockets.js'

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

/**
 * Why whoever shows this certificate is not taken for the member `id`; undefined when it is. A client's vouches for its name as a member's does: what it is good for
 * tells them apart, where a member that is behind lets in whom its log does not name.
 */
export const objectionToCertificate = (certificate: Certificate | undefined, id: MemberId): string | undefined => {
  if (certificate?.names.includes(id) !== true) return `the certificate does not name ${id}`
  return certificate.isForMembers ? undefined : `the certificate of ${id} is a client's: it is not good for server authentication`
}

/** The own certificate, undefined without one, or what is wrong; `path` is what precedes the options' names. */
export const inspectTrust = ({ inspect }: Pick<Sockets, 'inspect'>, { tls, plaintext }: Trust, path = ''): Either<string, Certificate | undefined> => {
  if (tls === undefined) return right(undefined)
  if (plaintext === true) return left(`${path}plaintext: contradicts ${path}tls`)
  const certificate = inspect(tls)
  return isLeft(certificate) ? left(`${path}tls: cannot be used: ${certificate.left}`) : certificate
}
