import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../../../codecs/report.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { MemberId, Millis } from '../../../lib/types.js'
import { type Cancel, type Clock, systemClock } from '../../time/clock.js'
import { type Address, formatAddress, isLoopback, parseAddress } from './addresses.js'
import type { Certificate, Sockets, TlsMaterial } from './sockets.js'

/** What makes a network fit to be used: a proof from both ends of every connection, or the word that none is needed. */
export interface Trust {
  /**
   * Encrypts every connection, and speaks with nobody who cannot prove who it is. Needed beyond loopback. A function is asked before each handshake: what it gives
   * anew counts from the next connection on.
   */
  readonly tls?: TlsMaterial | (() => TlsMaterial) | undefined
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

const dateOf = (at: Millis): string => new Date(at).toISOString()

/** A clock may lag behind that of an authority that has just issued a certificate, and so far one that is not good yet is taken for good. */
const LAG_MS: Millis = 5 * 60_000

/** Why this certificate is good for nobody by now; undefined when it is good. Only the others would notice, and say nothing. */
const objectionToTime = ({ validFrom, validTo }: Certificate, now: Millis): string | undefined => {
  if (now > validTo) return `has expired, at ${dateOf(validTo)}`
  return now < validFrom - LAG_MS ? `is not good before ${dateOf(validFrom)}` : undefined
}

const HOUR_MS: Millis = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** An expiry is told of so long before, or in the last quarter of a shorter life: whoever renews in time hears nothing. */
const NEAR_MS = 30 * DAY_MS
const NEAR_SHARE = 1 / 4

/** Not looked at more often than this, however short the life. */
const LEAST_LOOK_MS: Millis = 1_000

/** Tells once a day of each certificate, until the result is called, when what is shown expires, once that is near. */
export const watchExpiry = ({ inspect }: Pick<Sockets, 'inspect'>, tls: () => TlsMaterial, clock: Pick<Clock, 'now' | 'wall' | 'after'>, told: (notAfter: string) => void): Cancel => {
  let last = { validTo: Number.NaN, at: 0 }
  let cancel: Cancel
  const look = (): void => {
    const shown = inspect(tls())
    const { validFrom, validTo } = isLeft(shown) ? { validFrom: 0, validTo: Number.POSITIVE_INFINITY } : shown.right
    const nearMs = Math.min(NEAR_MS, (validTo - validFrom) * NEAR_SHARE)
    const untilNear = validTo - nearMs - clock.wall()
    // One that is near is renewed meanwhile, perhaps by another that does not live long.
    cancel = clock.after(Math.max(LEAST_LOOK_MS, Math.min(HOUR_MS, untilNear > 0 ? untilNear : nearMs)), look)
    if (untilNear > 0 || (validTo === last.validTo && clock.now() < last.at + DAY_MS)) return
    last = { validTo, at: clock.now() }
    told(dateOf(validTo))
  }
  look()
  return () => cancel()
}

/** What this end shows at its next handshake. Where what is given now cannot be used, that is what it showed before, and `told` hears why, once until the reason changes. */
export type Credentials = (told: (reason: string) => void) => TlsMaterial

/** How the own material is judged. */
export interface Judging {
  /** What precedes the options' names. */
  readonly path: string
  /** Why the own certificate is not the right one. */
  readonly objection: (certificate: Certificate) => string | undefined
}

const isPem = (value: unknown): value is string | Uint8Array => typeof value === 'string' || value instanceof Uint8Array

/** The material that this is, or what of it is none, with the name of the option where that is known. Plain JavaScript may hand over anything; each field is read once. */
const materialIn = (given: unknown): Either<string, TlsMaterial> => {
  if (given instanceof Promise) {
    // Nobody else hears of its failure.
    given.catch(() => undefined)
    return left('tls: returned a promise, and must answer at once')
  }
  if (typeof given !== 'object' || given === null) return left('tls: must be an object with cert, key and ca, or a function that returns one')
  const { cert, key, ca } = given as Readonly<Record<string, unknown>>
  // Whoever gave it may change it, which must not pass for what was judged.
  if (isPem(cert) && isPem(key) && isPem(ca)) return right(structuredClone({ cert, key, ca }))
  const [name, value] = Object.entries({ cert, key, ca }).find(([, each]) => !isPem(each)) ?? []
  return left(`tls.${name}: ${value === undefined ? 'is missing; cert, key and ca go together' : 'must be a string or a Uint8Array, in PEM'}`)
}

/** What is given now, `former` itself where it is the same, or what is wrong with it. */
const ask = ({ inspect }: Pick<Sockets, 'inspect'>, tls: NonNullable<Trust['tls']>, { path, objection }: Judging, former?: TlsMaterial): Either<string, TlsMaterial> => {
  const unusable = (reason: string): Either<string, TlsMaterial> => left(`${path}tls: cannot be used: ${reason}`)
  try {
    const given = typeof tls === 'function' ? tls() : tls
    const material = materialIn(given)
    if (isLeft(material)) return left(`${path}${material.left}`)
    if (former !== undefined && isDeepStrictEqual(material.right, former)) return right(former)
    const certificate = inspect(material.right)
    if (isLeft(certificate)) return unusable(certificate.left)
    const fault = objection(certificate.right) ?? objectionToTime(certificate.right, systemClock.wall())
    return fault === undefined ? material : left(`${path}tls.cert: ${fault}`)
  } catch (thrown) {
    return unusable(messageOf(thrown))
  }
}

/** The own credentials, undefined without any, or what is wrong. */
export const inspectTrust = (sockets: Pick<Sockets, 'inspect'>, { tls, plaintext }: Trust, judging: Judging): Either<string, Credentials | undefined> => {
  if (tls === undefined) return right(undefined)
  if (plaintext === true) return left(`${judging.path}plaintext: contradicts ${judging.path}tls`)
  const first = ask(sockets, tls, judging)
  if (isLeft(first)) return first
  let current = first.right
  let fault: string | undefined
  return right(told => {
    const next = ask(sockets, tls, judging, current)
    if (isLeft(next)) {
      if (next.left !== fault) told(next.left)
      fault = next.left
    } else {
      current = next.right
      fault = undefined
    }
    return current
  })
}
