import type { ServerResponse } from 'node:http'
import type { Millis } from '../../lib/types.js'

/** An answer on its way to whoever asked. */
export interface Outgoing {
  begin(status: number, headers: Readonly<Record<string, string | number>>): void
  /** Resolves when more may be written; never where nobody is there any more. */
  write(text: string | Uint8Array): Promise<void>
  /** Writes what is left, however large, as it is taken. */
  end(text: string): Promise<void>
  readonly isFull: boolean
  /** Calls each time that there is room again. */
  onRoom(call: () => void): void
}

/** What is written in one go. */
const PIECE_BYTES = 64 * 1024

/** Whoever takes nothing for `stallMs` is cut off: its place is somebody else's. */
export const outgoing = (response: ServerResponse, stallMs: Millis): Outgoing => {
  const waiting: (() => void)[] = []
  let stalled: NodeJS.Timeout | undefined
  const offered = (): void => { stalled ??= setTimeout(() => response.destroy(), stallMs) }
  const taken = (): void => {
    clearTimeout(stalled)
    stalled = undefined
  }
  response.on('drain', () => {
    taken()
    waiting.splice(0).forEach(resume => resume())
  })
  response.once('close', taken)
  const write = (text: string | Uint8Array): Promise<void> => new Promise(resolve => {
    if (response.destroyed) return
    if (response.write(text)) return resolve()
    waiting.push(resolve)
    offered()
  })
  return {
    begin: (status, headers) => { response.writeHead(status, headers) },
    write,
    end: async text => {
      const bytes = Buffer.from(text)
      let at = 0
      for (; bytes.length - at > PIECE_BYTES; at += PIECE_BYTES) await write(bytes.subarray(at, at + PIECE_BYTES))
      if (response.destroyed) return
      offered()
      response.end(bytes.subarray(at))
    },
    get isFull() {
      return response.writableNeedDrain
    },
    onRoom: call => { response.on('drain', call) },
  }
}
