/** Both sides of the wire for tests: members on system-chosen ports, and bare sockets that say whatever they like. */
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { packEntries } from '../../../codecs/entries.js'
import { keepAliveFrame } from '../../../codecs/frames.js'
import { encodeHandshake, type Hello, VERSIONS } from '../../../codecs/handshake.js'
import type { StartError } from '../../../lib/errors.js'
import type { AppendEntries, RequestVote } from '../../../lib/messages.js'
import { type Either, isLeft, right } from '../../../lib/prelude.js'
import type { ProposeRequest } from '../../../lib/requests.js'
import type { MemberId, Millis } from '../../../lib/types.js'
import { type Clock, systemClock } from '../../../streams/time/clock.js'
import { nodeSockets } from '../../../streams/transport/tcp/node-sockets.js'
import type { Endpoint, LinkLimits, Roll } from '../../../streams/transport/port.js'
import type { ByteStream, Sockets, TlsMaterial } from '../../../streams/transport/tcp/sockets.js'
import { socketTransport, type TcpOptions } from '../../../streams/transport/tcp/tcp.js'
import { watch, type Watched } from '../../../testing/watch.js'
import { root } from '../../run.js'
import { virtualClock } from '../member/world.js'

export const LIMITS: LinkLimits = {
  maxCommandBytes: 2 ** 19, maxBatchBytes: 2 ** 16, maxClientBufferBytes: 2 ** 18,
  maxFrameBytes: 2 ** 20, maxSendBufferBytes: 2 ** 20, maxLinks: 8, maxHandshakes: 8,
  handshakeTimeoutMs: 2_000, keepAliveMs: 500, reconnectMinMs: 5, reconnectMaxMs: 20,
}
export const KIB = 1024
export const MIB = KIB * KIB
export const ANYWHERE = '127.0.0.1:0'
export const CLUSTER = 'a-test-cluster'
export const CLUSTER_NAME = 'its-name'

/** This machine's time, but for the waits: those end when the test says so. */
export const heldTimers = (): Clock & { advance(ms: Millis): void } => {
  const { after, advance } = virtualClock()
  return { ...systemClock, after, advance }
}

const pem = (name: string): Buffer => readFileSync(join(root, 'test/fixtures/tls', name))
/** The certificate of `name`, which believes those that `ca` signed. */
export const material = (name: string, ca = 'ca'): TlsMaterial => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`), ca: pem(`${ca}.pem`) })

export interface Opening extends Partial<Omit<Endpoint, 'limits'>> {
  readonly members?: Roll['addresses']
  readonly isOpen?: boolean
  readonly limits?: Partial<LinkLimits>
  readonly options?: TcpOptions
  readonly sockets?: Sockets
}

export const tryOpen = (
  id: MemberId, { limits, options, sockets = nodeSockets, members = { n1: ANYWHERE, n2: ANYWHERE, [id]: ANYWHERE }, isOpen = false, ...changes }: Opening = {},
): Promise<Either<StartError, Watched>> =>
  new Promise(resolve => {
    const endpoint: Endpoint = {
      clusterId: CLUSTER, clusterNameId: CLUSTER_NAME, id, incarnation: `${id}-1`, machineVersion: 0, address: members[id] ?? ANYWHERE, given: members, join: undefined, roll: { addresses: members, isOpen }, clock: systemClock, random: () => 0,
      admit: (_, __, decide) => decide(right(undefined)), isUnproven: () => false, limits: { ...LIMITS, ...limits }, electionTimeoutMs: 1_000, ...changes,
    }
    socketTransport(sockets, options).open(endpoint, outcome => resolve(isLeft(outcome) ? outcome : right(watch(outcome.right))))
  })

const leftOpen: { close(): Promise<void> }[] = []

/** Has `closeAll` close this too. */
export const leaveOpen = (one: { close(): Promise<void> }): void => { leftOpen.push(one) }

export const open = async (id: MemberId, opening: Opening = {}): Promise<Watched> => {
  const outcome = await tryOpen(id, opening)
  if (isLeft(outcome)) throw outcome.left
  leaveOpen(outcome.right)
  return outcome.right
}

/** Closes all that tests have opened, for the end of a file: what cannot be closed fails it. */
export const closeAll = async (): Promise<void> => { await Promise.all(leftOpen.splice(0).map(one => one.close())) }

/** A bare socket with all that it heard. */
export interface Raw {
  readonly socket: Socket
  heard(): Buffer
  /** Resolves when at least `bytes` were heard. */
  hears(bytes: number): Promise<void>
  readonly closed: Promise<void>
  readonly opened: Promise<void>
}

export const raw = (socket: Socket, openEvent = 'connect'): Raw => {
  let heard = Buffer.alloc(0)
  const checks = new Set<() => void>()
  socket.on('error', () => undefined)
  socket.on('data', bytes => {
    heard = Buffer.concat([heard, bytes])
    for (const check of checks) check()
  })
  return {
    socket,
    heard: () => heard,
    hears: bytes => new Promise((resolve, reject) => {
      const check = (): void => {
        if (heard.length < bytes) return
        checks.delete(check)
        resolve()
      }
      socket.once('close', () => reject(new Error(`closed after ${heard.length} bytes`)))
      checks.add(check)
      check()
    }),
    closed: new Promise(resolve => socket.once('close', () => resolve())),
    opened: new Promise(resolve => socket.once(openEvent, () => resolve())),
  }
}

export const placeOf = (address: string): { host: string; port: number } => ({ host: '127.0.0.1', port: Number(address.split(':').at(-1)) })

export const dial = (address: string): Raw => raw(connect(placeOf(address)))
export const dialTls = (address: string, tls: Partial<TlsMaterial>, options: ConnectionOptions = {}): Raw => {
  const bytes = Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, Buffer.from(value)]))
  return raw(connectTls({ ...placeOf(address), ...bytes, ...options, rejectUnauthorized: false }), 'secureConnect')
}

export const hello = (changes: Partial<Hello> = {}): Uint8Array => encodeHandshake({
  type: 'hello', role: 'member', versions: VERSIONS, clusterId: CLUSTER, from: 'n1', to: 'n2', incarnation: 'n1-1', ...changes,
})

/** Dials and gets as far as a link, saying what a member would say. */
export const joinAs = async (address: string, changes: Partial<Hello> = {}, through: (address: string) => Raw = dial): Promise<Raw> => {
  const end = through(address)
  await end.opened
  end.socket.write(hello(changes))
  await end.hears(1)
  end.socket.write(keepAliveFrame())
  return end
}

/** The address of a server that does with each connection what it is told. */
export const serve = (onSocket: (socket: Socket) => void): Promise<string> => new Promise(resolve => {
  const server: Server = createServer(socket => {
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1', () => {
    const bound = server.address()
    leaveOpen({ close: () => new Promise(done => server.close(() => done())) })
    resolve(`127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`)
  })
})

export const vote = (from: string, to: string, term = 1): RequestVote =>
  ({ type: 'requestVote', from, to, term, preVote: false, transfer: false, lastLogIndex: 1, lastLogTerm: 1, round: 1 })
export const append = (bytes: number): AppendEntries => ({
  type: 'appendEntries', from: 'n2', to: 'n1', term: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, asks: false, round: 1,
  batches: [{ kind: 'command', firstIndex: 1, term: 1, count: 1, time: 1, skip: 0, body: packEntries([new Uint8Array(bytes)]) }],
})

/** Contents that differ from place to place, so that a part at the wrong place is noticed. */
export const contents = (bytes: number): Uint8Array => {
  const contents = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at++) contents[at] = (at * 31) >>> 7
  return contents
}
export const request = (id: number, bytes: number): ProposeRequest => ({ type: 'propose', id, epoch: 1, term: 1, body: packEntries([contents(bytes)]) })

/** The real sockets, with every accepted stream at hand, its writes and the bytes it told of counted. */
export const spied = () => {
  const streams: ByteStream[] = []
  let writes = 0
  let heard = 0
  const spy = (stream: ByteStream): ByteStream => {
    const { write, attach } = stream
    stream.write = chunks => {
      writes++
      write(chunks)
    }
    stream.attach = events => attach({
      ...events,
      received: bytes => {
        heard += bytes.length
        events.received(bytes)
      },
    })
    streams.push(stream)
    return stream
  }
  const sockets: Sockets = { ...nodeSockets, listen: (address, tls, onStream, done) => nodeSockets.listen(address, tls, stream => onStream(spy(stream)), done) }
  const until = async (bytes: number): Promise<void> => {
    while (heard < bytes) await new Promise(resolve => setImmediate(resolve))
  }
  return {
    sockets, streams,
    writes: () => writes,
    /** Says something and waits until it was heard, which may take a few turns. */
    say: (end: Raw, bytes: Uint8Array): Promise<void> => {
      const wanted = heard + bytes.length
      end.socket.write(bytes)
      return until(wanted)
    },
  }
}
