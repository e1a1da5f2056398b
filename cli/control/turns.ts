import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Has one request of a connection at work at a time, and begins the next when the answer has left: where nobody takes answers, no more than one is held. Whoever
 * has more than `mostWaiting` wait behind it is cut off.
 */
export const createTurns = (mostWaiting: number): ((request: IncomingMessage, response: ServerResponse, work: () => void) => void) => {
  const lines = new WeakMap<Socket, (() => void)[]>()
  return ({ socket }, response, work) => {
    const begin = (): void => {
      response.once('close', () => {
        if (socket.destroyed) return
        const next = lines.get(socket)?.shift()
        if (next === undefined) lines.delete(socket)
        else next()
      })
      work()
    }
    // What had come with what it was cut off for is told of all the same.
    if (socket.destroyed) return
    const line = lines.get(socket)
    if (line === undefined) {
      lines.set(socket, [])
      begin()
    } else if (line.length < mostWaiting) line.push(begin)
    else socket.destroy()
  }
}
