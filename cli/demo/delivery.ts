/**
 * Sends a stream of pieces and repeats from the first one that was not accepted, until all are. The machine takes only the next
 * number, so what is sent twice counts once, and the outcome of a lost answer does not matter.
 */
import { crc32 } from 'node:zlib'
import { lastValueFrom, takeWhile, tap } from 'rxjs'
import type { Proposer } from '../../streams/index.js'
import { type Latencies, latencies } from './latencies.js'
import type { Piece, Verdict } from './numbered.js'

export interface DeliveryCounts {
  readonly acknowledged: number
  readonly bytes: number
  readonly checksum: number
  readonly retried: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Delivery {
  readonly finished: Promise<void>
  counts(): DeliveryCounts
}

const LONG_SILENCE_MS = 100
const PAUSE_MS = 20
const GIVE_UP_MS = 60_000

/** `silent` hears of every stretch longer than 100 ms without an acknowledgement, when it ends. */
export const delivery = (
  to: Proposer<Piece, Verdict>, lines: AsyncIterable<Uint8Array>, window: number, silent: (silence: { fromMs: number; toMs: number }) => void,
): Delivery => {
  const pulse: Latencies = latencies()
  /** Sent or read, and not yet known to be accepted, oldest first. */
  const open: { readonly piece: Piece; sentAt: number }[] = []
  const source = lines[Symbol.asyncIterator]()
  let read = 0
  let exhausted = false
  let acknowledged = 0
  let bytes = 0
  let checksum = 0
  let retried = 0
  let lastAt = Date.now()
  let passBegan = 0

  async function* pieces(): AsyncGenerator<Piece> {
    for (let sent = 0; ; sent++) {
      // What was acknowledged since this pass began has left the front.
      const at = (): number => sent - (acknowledged - passBegan)
      if (at() < open.length) retried++
      else {
        const line = await source.next()
        if (line.done === true) {
          exhausted = true
          return
        }
        open.push({ piece: { seq: read++, bytes: line.value }, sentAt: 0 })
      }
      const item = open[at()]!
      item.sentAt = performance.now()
      yield item.piece
    }
  }

  const accepted = ({ piece, sentAt }: { piece: Piece; sentAt: number }): void => {
    const now = Date.now()
    if (now - lastAt > LONG_SILENCE_MS) silent({ fromMs: lastAt, toMs: now })
    lastAt = now
    open.shift()
    acknowledged++
    bytes += piece.bytes.length
    checksum = crc32(piece.bytes, checksum)
    pulse.add(performance.now() - sentAt)
  }

  const run = async (): Promise<void> => {
    while (!exhausted || open.length > 0) {
      passBegan = acknowledged
      await lastValueFrom(to.replicateFrom(pieces(), { window }).pipe(
        takeWhile(({ outcome }) => outcome._tag === 'Right' && outcome.right !== 'hole'),
        tap(() => accepted(open[0]!)),
      ), { defaultValue: undefined })
      if (open.length > 0) {
        if (Date.now() - lastAt > GIVE_UP_MS) throw new Error(`nothing was acknowledged for ${GIVE_UP_MS} ms`)
        await new Promise(resume => setTimeout(resume, PAUSE_MS))
      }
    }
  }

  return {
    finished: run(),
    counts: () => ({ acknowledged, bytes, checksum, retried, p50Ms: pulse.at(0.5), p99Ms: pulse.at(0.99) }),
  }
}
