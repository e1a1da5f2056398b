import type { IncomingMessage } from 'node:http'
import { type Either, left, right } from '../../lib/prelude.js'

/** Why there is no body: it is too large, so are all that are coming in together, or whoever sent it went away. */
export type NoBody = 'tooLarge' | 'busy' | 'gone'

/** Reads bodies, all together no larger than a bound. */
export interface Bodies {
  read(request: IncomingMessage, mostBytes: number): Promise<Either<NoBody, Buffer>>
}

/** What is refused is read to its end and dropped, so that its sender hears why; but not for ever. */
const MOST_DROPPED_FACTOR = 4

export const createBodies = (maxBodyBytes: number): Bodies => {
  let held = 0
  return {
    read: (request, mostBytes) => new Promise(resolve => {
      let pieces: Buffer[] = []
      let bytes = 0
      let holding = 0
      let refused: NoBody | undefined
      const release = (): void => {
        held -= holding
        holding = 0
      }
      const settle = (outcome: Either<NoBody, Buffer>): void => {
        release()
        resolve(outcome)
      }
      const take = (piece: Buffer): void => {
        pieces.push(piece)
        holding += piece.length
        held += piece.length
        refused = bytes > mostBytes ? 'tooLarge' : held > maxBodyBytes ? 'busy' : undefined
        if (refused === undefined) return
        pieces = []
        release()
      }
      request.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (refused === undefined) take(piece)
        else if (bytes > MOST_DROPPED_FACTOR * mostBytes) request.destroy()
      })
      request.once('end', () => settle(refused === undefined ? right(Buffer.concat(pieces)) : left(refused)))
      request.once('close', () => settle(left(refused ?? 'gone')))
      request.once('error', () => undefined)
    }),
  }
}
