import { X509Certificate, constants } from 'node:crypto'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { left, right } from '../../../lib/prelude.js'
import { type Address, formatAddress } from './addresses.js'
import type { ByteStream, Certificate, Sockets, StreamEvents, TlsMaterial } from './sockets.js'

/** Up to here one copy is cheaper than handing chunks to the system one by one. */
const JOINED_BYTES = 16 * 1024
const MIN_VERSION = 'TLSv1.2'

/** Nobody goes on with an earlier session: its certificate would not be judged anew, and may have expired. */
const NO_RESUMPTION = constants.SSL_OP_NO_TICKET

const materialOf = ({ cert, key, ca }: TlsMaterial): { cert: Buffer; key: Buffer; ca: Buffer; minVersion: typeof MIN_VERSION; secureOptions: number } =>
  ({ cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca), minVersion: MIN_VERSION, secureOptions: NO_RESUMPTION })

/** What the other end did, where the system has but a code for it. */
const DEEDS: Readonly<Record<string, string>> = { ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks without TLS' }

const worded = (code: string): string => Object.hasOwn(DEEDS, code) ? `${DEEDS[code]} (${code})` : code

/** Of a name with several addresses there is an error for each, and all are named that differ: one that refuses says nothing of the others. */
const codeOf = (error: Error): string => {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(one => one instanceof Error ? codeOf(one) : String(one)))].join(', ')
  return 'code' in error && typeof error.code === 'string' ? worded(error.code) : error.message
}

const namesIn = (certificate: X509Certificate): readonly string[] => {
  const common: unknown = certificate.toLegacyObject().subject.CN
  const alternatives = certificate.subjectAltName ?? ''
  // A name that needs quotes could pass for two when the list is cut at its commas.
  const dns = alternatives.includes('"') ? [] : alternatives.split(', ').filter(name => name.startsWith('DNS:')).map(name => name.slice(4))
  return [common, dns].flat().filter(name => typeof name === 'string')
}

/** Extended key usage for the authentication of servers; a certificate without any is good for everything. */
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1'

const read = (certificate: X509Certificate): Certificate => {
  const usages: readonly string[] | undefined = certificate.keyUsage
  return {
    names: namesIn(certificate), isForMembers: usages === undefined || usages.includes(SERVER_AUTHENTICATION),
    validFrom: Date.parse(certificate.validFrom), validTo: Date.parse(certificate.validTo),
  }
}

interface NodeStream extends ByteStream {
  /** Bytes flow through `socket` from now on. */
  open(socket: Socket, shown: X509Certificate | undefined): void
  /** The reason that `closed` will tell, unless one is known already. */
  fail(reason: string): void
}

/** Wraps a socket from its creation on, so that no error of it is ever without a listener. */
const nodeStream = (first: Socket, remote: string): NodeStream => {
  let socket = first
  let events: StreamEvents | undefined
  let certificate: Certificate | undefined
  let reason: string | undefined
  let phase: 'opening' | 'open' | 'closed' = 'opening'
  const fail = (why: string): void => { reason ??= why }
  const out = createOutgoing(() => socket)
  const watch = (watched: Socket): void => {
    watched.on('error', error => fail(codeOf(error)))
    watched.on('close', () => {
      // What TLS has decrypted may come after the end of the socket beneath it.
      if (watched !== socket) return
      phase = 'closed'
      events?.closed(reason ?? 'the connection was closed')
    })
  }
  watch(first)
  return {
    remote,
    get certificate() { return certificate },
    get hasSpoken() { return first.bytesRead > 0 },
    get bufferedBytes() { return socket.writableLength + out.heldBytes() },
    attach: next => { events = next },
    open: (opened, shown) => {
      if (phase !== 'opening') return
      phase = 'open'
      socket = opened
      if (opened !== first) watch(opened)
      certificate = shown && read(shown)
      socket.on('data', bytes => events?.received(bytes))
      socket.on('drain', out.flush)
      events?.opened()
    },
    fail,
    pause: () => { socket.pause() },
    resume: () => { socket.resume() },
    write: chunks => {
      if (phase === 'open' && socket.writable) out.write(chunks)
    },
    end: () => {
      if (phase === 'open' && socket.writable) out.flush()
      socket.end()
    },
    destroy: () => { socket.destroy() },
  }
}

/** Runs of small chunks as one each: what is never sent costs an error for each that the system was handed. */
const joined = (chunks: readonly Uint8Array[]): readonly Uint8Array[] => {
  const all: Uint8Array[] = []
  let run: Uint8Array[] = []
  let bytes = 0
  const close = (): void => {
    if (run.length > 0) all.push(run.length === 1 ? run[0]! : Buffer.concat(run, bytes))
    run = []
    bytes = 0
  }
  for (const chunk of chunks) {
    if (bytes + chunk.length > JOINED_BYTES) close()
    run.push(chunk)
    bytes += chunk.length
  }
  close()
  return all
}

const writeAll = (socket: Socket, chunks: readonly Uint8Array[]): void => {
  const [first, ...others] = joined(chunks)
  if (first === undefined) return
  if (others.length === 0) {
    socket.write(first)
    return
  }
  socket.cork()
  socket.write(first)
  for (const chunk of others) socket.write(chunk)
  socket.uncork()
}

/** What is to leave through the socket that is open, and waits here while that has enough. */
const createOutgoing = (socket: () => Socket) => {
  let held: Uint8Array[] = []
  let bytes = 0
  const flush = (): void => {
    const chunks = held
    held = []
    bytes = 0
    writeAll(socket(), chunks)
  }
  return {
    heldBytes: (): number => bytes,
    flush,
    write: (chunks: readonly Uint8Array[]): void => {
      if (!socket().writableNeedDrain) return writeAll(socket(), chunks)
      for (const chunk of chunks) {
        held.push(chunk)
        bytes += chunk.length
      }
    },
  }
}

const remoteOf = ({ remoteAddress = '?', remotePort = 0 }: Socket): string => formatAddress({ host: remoteAddress, port: remotePort })

const plainServer = (onStream: (stream: ByteStream) => void): Server => createServer({ noDelay: true }, socket => {
  const stream = nodeStream(socket, remoteOf(socket))
  onStream(stream)
  stream.open(socket, undefined)
})

/**
 * The streams appear before the TLS handshake, so that whoever counts and times them counts and times that too. The server
 * tells of a finished handshake by another socket, which is matched by the remote address: unique while it is connected.
 */
const tlsServer = (tls: () => TlsMaterial, onStream: (stream: ByteStream) => void): Server => {
  const pending = new Map<string, NodeStream>()
  // Certificates are judged below, where the reason of a refusal is known; without that the server only hangs up.
  let shown = tls()
  const server = createTlsServer({ ...materialOf(shown), requestCert: true, rejectUnauthorized: false, noDelay: true })
  // Before the server's own listener, which begins the handshake.
  server.prependListener('connection', () => {
    const next = tls()
    if (next !== shown) server.setSecureContext(materialOf(next))
    shown = next
  })
  server.on('connection', (socket: Socket) => {
    const remote = remoteOf(socket)
    const stream = nodeStream(socket, remote)
    pending.set(remote, stream)
    socket.on('close', () => {
      if (pending.get(remote) === stream) pending.delete(remote)
    })
    onStream(stream)
  })
  server.on('tlsClientError', (error, socket) => pending.get(remoteOf(socket))?.fail(codeOf(error)))
  server.on('secureConnection', (socket: TLSSocket) => {
    const remote = remoteOf(socket)
    const stream = pending.get(remote)
    pending.delete(remote)
    const certificate = socket.getPeerX509Certificate()
    if (stream !== undefined && socket.authorized && certificate !== undefined) return stream.open(socket, certificate)
    stream?.fail(`certificate refused: ${String(socket.authorizationError ?? 'none shown')}`)
    socket.on('error', () => undefined)
    socket.destroy()
  })
  return server
}

const addressOf = (server: Server, { host }: Address): Address => ({ host, port: (server.address() as AddressInfo).port })

const listen: Sockets['listen'] = (address, tls, onStream, done) => {
  const server = tls === undefined ? plainServer(onStream) : tlsServer(tls, onStream)
  const failed = (error: Error): void => done(left({ code: codeOf(error), message: error.message }))
  server.once('error', failed)
  server.listen(address, () => {
    server.off('error', failed)
    // Accepting may fail later, for want of file descriptors; those who wait dial again.
    server.on('error', () => undefined)
    done(right({ address: addressOf(server, address), close: closed => { server.close(() => closed()) } }))
  })
}

const dial: Sockets['dial'] = (address, tls) => {
  const remote = formatAddress(address)
  if (tls === undefined) {
    const socket = connect({ ...address, noDelay: true })
    const stream = nodeStream(socket, remote)
    socket.once('connect', () => stream.open(socket, undefined))
    return stream
  }
  // Members are known by their ids, which the link compares, not by the hosts they run on. That their authority is checked
  // is said here, or a variable of the environment could say otherwise.
  const socket = connectTls({ ...address, ...materialOf(tls), rejectUnauthorized: true, checkServerIdentity: () => undefined })
  const stream = nodeStream(socket, remote)
  socket.setNoDelay(true)
  socket.once('secureConnect', () => stream.open(socket, socket.getPeerX509Certificate()))
  return stream
}

/** The system passes over what is no whole certificate among the authorities, and would trust fewer than were given, or nobody: throws for that. */
const checkAuthorities = (ca: string): void => {
  const blocks = ca.split(/(?=-----BEGIN )/).filter(block => block.startsWith('-----BEGIN CERTIFICATE-----'))
  if (blocks.length === 0) throw new Error('ca holds no certificate')
  for (const block of blocks) new X509Certificate(block)
}

const inspect: Sockets['inspect'] = tls => {
  try {
    const material = materialOf(tls)
    checkAuthorities(material.ca.toString('latin1'))
    createSecureContext(material)
    return right(read(new X509Certificate(material.cert)))
  } catch (thrown) {
    return left(thrown instanceof Error ? codeOf(thrown) : String(thrown))
  }
}

/** TCP and TLS as Node has them. */
export const nodeSockets: Sockets = { inspect, listen, dial }
