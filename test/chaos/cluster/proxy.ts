/** A port in this process that passes connections on to another one, for as long as it is told to and as it is told to. */
import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import type { Millis } from '../../../lib/types.js'

/** How bytes travel one way. */
export interface Way {
  /** They stay here until this is over, as on a network that drops every packet. */
  readonly isHeld: boolean
  /** Each piece is this late, give or take `jitterMs`, and none overtakes another. */
  readonly delayMs: Millis
  readonly jitterMs: Millis
  readonly bytesPerSecond: number
}

export const OPEN: Way = { isHeld: false, delayMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY }

export interface Proxy {
  readonly port: number
  /** From the one who dials to the one who listens, and back. */
  set(there: Way, back: Way): void
  /** Refuses connections, and resets those that there are. */
  cut(isCut: boolean): void
  /** Resets a share of the connections. */
  reset(chosen: () => boolean): void
  /** Whether it does nothing but pass on. */
  isClear(): boolean
  close(): void
}

/** What waits here before its sender has to wait. */
const MAX_WAITING_BYTES = 256 * 1024

/** One direction of one connection. */
interface Pump {
  look(): void
}

const createPump = (from: Socket, to: Socket, way: () => Way): Pump => {
  const queue: { readonly due: number; readonly piece: Buffer | undefined }[] = []
  let waiting = 0
  let lastDue = 0
  let freeAt = 0
  let timer: NodeJS.Timeout | undefined
  const push = (piece: Buffer | undefined): void => {
    const { delayMs, jitterMs } = way()
    lastDue = Math.max(lastDue, performance.now() + delayMs + jitterMs * (2 * Math.random() - 1))
    queue.push({ due: lastDue, piece })
    waiting += piece?.length ?? 0
    if (waiting > MAX_WAITING_BYTES) from.pause()
    look()
  }
  const look = (): void => {
    clearTimeout(timer)
    while (queue.length > 0 && !way().isHeld && !to.writableNeedDrain) {
      const { due, piece } = queue[0]!
      const now = performance.now()
      const wait = Math.max(due, freeAt) - now
      if (wait > 0) {
        timer = setTimeout(look, wait)
        return
      }
      queue.shift()
      if (piece === undefined) return void to.destroySoon()
      freeAt = now + piece.length / way().bytesPerSecond * 1000
      waiting -= piece.length
      if (!to.destroyed) to.write(piece)
      if (waiting <= MAX_WAITING_BYTES) from.resume()
    }
  }
  from.on('data', (piece: Buffer) => push(piece)).once('close', () => push(undefined)).on('error', () => undefined)
  to.on('drain', look)
  return { look }
}

/** `target` may change, and there may be none for a while. */
export const createProxy = async (target: () => number | undefined): Promise<Proxy> => {
  let there = OPEN
  let back = OPEN
  let isCut = false
  const connections = new Map<Socket, { readonly far: Socket; readonly pumps: readonly Pump[] }>()
  const end = (near: Socket, far: Socket): void => {
    near.resetAndDestroy()
    far.resetAndDestroy()
  }
  const server = createServer(near => {
    const port = target()
    if (isCut || port === undefined) {
      near.on('error', () => undefined).destroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    near.setNoDelay(true)
    far.setNoDelay(true)
    connections.set(near, { far, pumps: [createPump(near, far, () => there), createPump(far, near, () => back)] })
    const forget = (): void => { if (near.destroyed && far.destroyed) connections.delete(near) }
    near.once('close', forget)
    far.once('close', forget)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    set: (thither, hither) => {
      there = thither
      back = hither
      connections.forEach(({ pumps }) => pumps.forEach(pump => pump.look()))
    },
    cut: next => {
      isCut = next
      if (isCut) connections.forEach(({ far }, near) => end(near, far))
    },
    reset: chosen => connections.forEach(({ far }, near) => { if (chosen()) end(near, far) }),
    isClear: () => !isCut && there === OPEN && back === OPEN,
    close: () => {
      server.close()
      connections.forEach(({ far }, near) => end(near, far))
    },
  }
}
