/** The chunks of a machine's state onto the disk, compressed where they are to be: one at a time, each pulled when the one before is written. */
import { messageOf } from '../../codecs/report.js'
import { type Either, isLeft, left } from '../../lib/prelude.js'
import type { Compression, Millis, Snapshot } from '../../lib/types.js'
import type { SnapshotWriter } from '../storage/port.js'
import type { Clock } from '../time/clock.js'
import { compressed } from './compression.js'
import { inTime, letGo } from './in-time.js'

interface PumpOptions {
  /** What the machine gives. */
  readonly chunks: AsyncIterator<Uint8Array>
  readonly compression: Compression
  readonly writer: SnapshotWriter
  readonly stallMs: Millis
  readonly clock: Pick<Clock, 'now' | 'after' | 'endOfTurn'>
  /** The machine kept everything else waiting for so long. */
  readonly held: (tookMs: Millis) => void
  /** So many bytes are written by now. */
  readonly wrote: (bytes: number) => void
}

export interface Pump {
  /** Gives up at once, whatever the machine or the disk are doing; nothing is told any more. */
  abort(): void
}

/** `done` is called once, unless it is aborted: with the snapshot when it is durable, or with why there is none and nothing left of it. */
export const pump = (options: PumpOptions, done: (outcome: Either<string, Snapshot>) => void): Pump => {
  const { compression, writer, stallMs, clock, held, wrote } = options
  const given = inTime(options.chunks, { stallMs, clock, held })
  const chunks = compressed(given, compression)[Symbol.asyncIterator]()
  let tell = done
  let isOver = false
  let bytes = 0

  const fail = (reason: string): void => {
    isOver = true
    // What compresses would only pass it on when the machine has answered.
    letGo(given)
    letGo(chunks)
    writer.abort(() => tell(left(reason)))
  }
  const finish = (): void => {
    writer.finish(outcome => {
      if (isOver) return
      if (isLeft(outcome)) return fail(outcome.left.message)
      isOver = true
      tell(outcome)
    })
  }
  const write = (chunk: Uint8Array): void => {
    writer.write(chunk, outcome => {
      if (isOver) return
      if (isLeft(outcome)) return fail(outcome.left.message)
      bytes += chunk.length
      wrote(bytes)
      pull()
    })
  }
  const take = (result: IteratorResult<Uint8Array, unknown>): void => {
    if (isOver) return
    if (result.done === true) finish()
    else write(result.value)
  }
  const pull = (): void => {
    chunks.next().then(take).catch((thrown: unknown) => { if (!isOver) fail(messageOf(thrown)) })
  }

  pull()
  return {
    abort: () => {
      tell = () => undefined
      if (!isOver) fail('given up')
    },
  }
}
