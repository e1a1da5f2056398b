/** The options that say how far a network is to be trusted: of a member, and of whoever speaks to members. */
import { readFileSync } from 'node:fs'
import { messageOf } from '../codecs/report.js'
import type { TlsMaterial } from '../streams/transport/tcp/sockets.js'
import type { Trust } from '../streams/transport/tcp/trust.js'
import { Mistake } from './mistake.js'

export const TRUST = { 'tls-cert': { type: 'string' }, 'tls-key': { type: 'string' }, 'tls-ca': { type: 'string' }, plaintext: { type: 'boolean' } } as const

export const TRUST_HELP = `  --tls-cert FILE, --tls-key FILE, --tls-ca FILE
                       what this end shows and whom it believes, in PEM; needed beyond loopback. They are read
                       anew for each connection: what is renewed counts from the next one on
  --plaintext          instead of them: the network itself is trusted`

const FILES = ['tls-cert', 'tls-key', 'tls-ca'] as const

type Typed = { readonly [Name in (typeof FILES)[number]]?: string | undefined } & { readonly plaintext?: boolean | undefined }

const contents = (name: (typeof FILES)[number], file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Mistake(`--${name} ${file} cannot be read: ${messageOf(error)}`)
  }
}

export const trustBehind = (values: Typed): Trust => {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca, plaintext } = values
  const missing = FILES.filter(name => values[name] === undefined)
  if (plaintext === true && missing.length < FILES.length) throw new Mistake('--plaintext contradicts --tls-cert, --tls-key and --tls-ca')
  if (cert === undefined || key === undefined || ca === undefined) {
    if (missing.length < FILES.length) throw new Mistake(`--${missing[0]} is missing: --tls-cert, --tls-key and --tls-ca go together`)
    return plaintext === true ? { plaintext } : {}
  }
  const read = (): TlsMaterial => ({ cert: contents('tls-cert', cert), key: contents('tls-key', key), ca: contents('tls-ca', ca) })
  // What cannot be read at the start is a mistake of whoever typed it.
  read()
  return { tls: read }
}
