/** The control endpoint of a member: HTTP and JSON, for curl, probes and the commands of `rxraft`. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../../codecs/report.js'
import { ListenFailed, PortInUse } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { type Answer, refuse, send } from './answers.js'
import { type Bodies, type NoBody, createBodies } from './bodies.js'
import type { ControlLimits } from './limits.js'
import { outgoing } from './outgoing.js'
import { createRoom } from './room.js'
import { type Route, type Served, controlRoutes, mistaken } from './routes.js'
import { createTurns } from './turns.js'
import { objectionTo } from './visitors.js'

export interface EndpointOptions<C, R, S> extends Served<C, R, S> {
  readonly address: Address
  /** Names by which it may be asked, beside its address and localhost. */
  readonly names: readonly string[]
}

export interface ControlEndpoint {
  /** Where it listens, the port as the system chose it. */
  readonly address: string
  /** Takes no new requests; those under way are answered. */
  leave(): void
  /** Closes what is left. Resolves when all of it is. */
  close(): Promise<void>
}

/** A URL of a request is not longer, and neither are all of its headers. */
const MAX_HEADER_BYTES = 16 * 1024
const KEEP_ALIVE_MS = 5_000
/** So many times within `requestTimeoutMs` it is looked for requests that take longer, and no more and no less often than this. */
const CHECKS = 4
const LEAST_CHECK_MS = 100
const MOST_CHECK_MS = 30_000
/** How long an answer may take that was under way when the endpoint was closed. */
const LINGER_MS = 1_000
const NOTHING = Buffer.alloc(0)

/** What one endpoint answers from. */
interface Desk {
  readonly routes: Readonly<Record<string, Route>>
  readonly bodies: Bodies
  readonly names: readonly string[]
  readonly limits: ControlLimits
  isLeaving: boolean
}

const noBody = (why: NoBody, mostBytes: number): Answer => why === 'tooLarge'
  ? refuse(413, 'TooLarge', `The body is larger than ${mostBytes} bytes, which is the limit maxCommandBytes.`, { appended: 'never' })
  : refuse(503, 'Busy', 'The bodies that are coming in reach the bound "maxBodyBytes"; nothing was appended, try again later.', { appended: 'never' })

/** The URL of a request, whatever was sent as one. */
const urlOf = (request: IncomingMessage): URL | undefined => {
  try {
    return new URL(request.url ?? '/', 'http://control')
  } catch {
    return undefined
  }
}

/** Undefined where nobody is there any more to be answered. */
const answerTo = async (desk: Desk, request: IncomingMessage, signal: AbortSignal): Promise<Answer | undefined> => {
  const objection = objectionTo(request.headers, desk.names)
  if (objection !== undefined) return refuse(403, 'Forbidden', `This was refused: ${objection}.`)
  const url = urlOf(request)
  const route = url !== undefined && Object.hasOwn(desk.routes, url.pathname) ? desk.routes[url.pathname] : undefined
  if (url === undefined || route === undefined) return refuse(404, 'NoSuchRoute', `There is no such route; there are ${Object.keys(desk.routes).join(', ')}.`)
  // Node writes the head of an answer to HEAD alone; one that never ends has none to give.
  const method = request.method === 'HEAD' && url.pathname !== '/watch' ? 'GET' : request.method
  if (method !== route.method) {
    return { ...refuse(405, 'WrongMethod', `${url.pathname} takes ${route.method}, not ${request.method}.`), headers: { allow: route.method } }
  }
  const unknown = [...url.searchParams.keys()].find(name => !route.takes.includes(name))
  if (unknown !== undefined) return mistaken(`${url.pathname} takes ${route.takes.join(' and ') || 'no parameter'}, not "${unknown}"`)
  if (desk.isLeaving && route.method === 'POST') return refuse(503, 'Stopped', 'This member is stopping.', { appended: 'never' })
  const body = route.method === 'GET' ? right(NOTHING) : await desk.bodies.read(request, desk.limits.maxCommandBytes)
  if (isLeft(body)) return body.left === 'gone' ? undefined : noBody(body.left, desk.limits.maxCommandBytes)
  return route.answer({ parameters: url.searchParams, body: body.right, signal })
}

/** Whatever goes wrong concerns this request alone, and never the member. */
const handle = async (desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  // It is at work alone on its connection, and closes when that ends.
  const over = new AbortController()
  response.once('close', () => over.abort())
  response.on('error', () => undefined)
  const out = outgoing(response, desk.limits.stallMs)
  try {
    const answer = await answerTo(desk, request, over.signal)
    if (answer === undefined || response.destroyed) return
    if (desk.isLeaving || !request.complete) response.shouldKeepAlive = false
    if (answer.type === 'stream') answer.write(out, over.signal)
    else send(out, answer)
  } catch (thrown) {
    if (response.headersSent) response.destroy()
    else send(out, refuse(500, 'Failed', `This could not be answered: ${messageOf(thrown)}`))
  }
}

/** What is no HTTP is told so, where it can be. */
const answerNonsense = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (!socket.writable) return void socket.destroy()
  const body = `${JSON.stringify({ tag: 'BadRequest', message: `This is no request: ${error.message}` })}\n`
  socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`)
}

const listen = (server: Server, address: Address): Promise<Either<PortInUse | ListenFailed, string>> => new Promise(resolve => {
  server.on('error', (error: NodeJS.ErrnoException) => resolve(left(error.code === 'EADDRINUSE' ? new PortInUse(formatAddress(address)) : new ListenFailed(formatAddress(address), error.message))))
  server.listen(address.port, address.host, () => {
    const found = server.address()
    resolve(right(formatAddress({ host: address.host, port: typeof found === 'object' && found !== null ? found.port : address.port })))
  })
})

/** Opens the endpoint. Never throws and never rejects. */
export const openControl = async <C, R, S>(options: EndpointOptions<C, R, S>): Promise<Either<PortInUse | ListenFailed, ControlEndpoint>> => {
  const { address, names, limits } = options
  const desk: Desk = { routes: controlRoutes({ ...options, room: createRoom(limits.maxAnswerBytes) }), bodies: createBodies(limits.maxBodyBytes), names, limits, isLeaving: false }
  const inTurn = createTurns(limits.maxPipelined)
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: limits.requestTimeoutMs, headersTimeout: limits.requestTimeoutMs, keepAliveTimeout: KEEP_ALIVE_MS, keepAlive: true,
    connectionsCheckingInterval: Math.max(LEAST_CHECK_MS, Math.min(MOST_CHECK_MS, limits.requestTimeoutMs / CHECKS)),
  }, (request, response) => inTurn(request, response, () => void handle(desk, request, response)))
  server.maxConnections = limits.maxConnections
  server.on('clientError', answerNonsense)
  const listening = await listen(server, address)
  if (isLeft(listening)) return listening
  return right({
    address: listening.right,
    leave: () => {
      desk.isLeaving = true
    },
    close: () => new Promise(resolve => {
      desk.isLeaving = true
      const cut = setTimeout(() => server.closeAllConnections(), LINGER_MS)
      server.close(() => {
        clearTimeout(cut)
        resolve()
      })
    }),
  })
}
