/**
 * Sends a stream of pieces and repeats from the first one that was not accepted, until all are. The machine takes only the next
 * number, so what is sent twice counts once, and the outcome of a lost answer does not matter.
 */
import { crc32 } from 'node:zlib'
import { lastValueFrom, takeWhile, tap } from 'rxjs'
import type { Millis } from '../../lib/types.js'
import type { Proposer } from '../../streams/index.js'
import { type Latencies, createLatencies } from './latencies.js'
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

/** A long stretch without an acknowledgement. */
export interface Silence {
  readonly fromMs: Millis
  readonly toMs: Millis
}

/** When the leader was killed, and when another led. */
export interface Failover {
  readonly atMs: Millis
  readonly overMs: Millis
}

/** How long writes waited for the next leader, if they did; a silence that began after it led is of another cause. */
export const waitedMs = (silences: readonly Silence[], { atMs, overMs }: Failover): Millis | undefined => {
  const [longest] = silences.filter(({ fromMs, toMs }) => toMs > atMs && fromMs < overMs).sort((a, b) => (b.toMs - b.fromMs) - (a.toMs - a.fromMs))
  return longest === undefined ? undefined : longest.toMs - atMs
}

interface Open {
  readonly piece: Piece
  sentAt: number
}

/** What was read and is not yet known to be accepted, oldest first; reads on when asked for more. */
const backlog = (lines: AsyncIterable<Uint8Array>) => {
  const source = lines[Symbol.asyncIterator]()
  const open: Open[] = []
  let accepted = 0
  let read = 0
  let isExhausted = false
  return {
    /** Piece number `seq`, or undefined after the end. */
    piece: async (seq: number): Promise<Open | undefined> => {
      while (seq >= accepted + open.length) {
        const line = await source.next()
        if (line.done === true) {
          isExhausted = true
          return undefined
        }
        open.push({ piece: { seq: read++, bytes: line.value }, sentAt: 0 })
      }
      return open[seq - accepted]
    },
    accept: (): Open => {
      accepted++
      return open.shift()!
    },
    accepted: () => accepted,
    isEmpty: () => open.length === 0,
    isDone: () => isExhausted && open.length === 0,
  }
}

/** `silent` hears of every stretch longer than 100 ms without an acknowledgement, when it ends. */
export const delivery = (
  to: Proposer<Piece, Verdict>, lines: AsyncIterable<Uint8Array>, window: number, silent: (silence: Silence) => void,
): Delivery => {
  const pulse: Latencies = createLatencies()
  const log = backlog(lines)
  let bytes = 0
  let checksum = 0
  let retried = 0
  let lastAt = Date.now()

  async function* pieces(): AsyncGenerator<Piece> {
    for (let seq = log.accepted(); ; seq++) {
      const item = await log.piece(seq)
      if (item === undefined) return
      if (item.sentAt > 0) retried++
      item.sentAt = performance.now()
      yield item.piece
    }
  }
  const accept = (): void => {
    const now = Date.now()
    if (now - lastAt > LONG_SILENCE_MS) silent({ fromMs: lastAt, toMs: now })
    lastAt = now
    const { piece, sentAt } = log.accept()
    bytes += piece.bytes.length
    checksum = crc32(piece.bytes, checksum)
    pulse.add(performance.now() - sentAt)
  }
  const run = async (): Promise<void> => {
    while (!log.isDone()) {
      await lastValueFrom(to.replicateFrom(pieces(), { window }).pipe(
        takeWhile(({ outcome }) => outcome._tag === 'Right' && outcome.right !== 'hole'),
        tap(accept),
      ), { defaultValue: undefined })
      if (log.isEmpty()) continue
      if (Date.now() - lastAt > GIVE_UP_MS) throw new Error(`nothing was acknowledged for ${GIVE_UP_MS} ms`)
      await new Promise(resume => setTimeout(resume, PAUSE_MS))
    }
  }

  return {
    finished: run(),
    counts: () => ({ acknowledged: log.accepted(), bytes, checksum, retried, p50Ms: pulse.at(0.5), p99Ms: pulse.at(0.99) }),
  }
}
