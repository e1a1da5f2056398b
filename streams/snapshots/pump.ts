/** The chunks of a machine's state onto the disk, one at a time, each pulled when the one before is written. */
import { messageOf } from '../../codecs/report.js'
import { type Either, isLeft, left } from '../../lib/prelude.js'
import type { Millis, Snapshot } from '../../lib/types.js'
import type { SnapshotWriter } from '../storage/port.js'
import type { Cancel, Clock } from '../time/clock.js'

interface PumpOptions {
  readonly chunks: AsyncIterator<Uint8Array>
  readonly writer: SnapshotWriter
  readonly stallMs: Millis
  readonly clock: Pick<Clock, 'after' | 'endOfTurn'>
  /** So many bytes are written by now. */
  readonly wrote: (bytes: number) => void
}

export interface Pump {
  /** Gives up at once, whatever the machine or the disk are doing; nothing is told any more. */
  abort(): void
}

/** The iterator is told that nothing more is wanted; whether and when it answers does not matter. */
const letGo = (chunks: AsyncIterator<Uint8Array>): void => {
  // An async function, since whoever breaks the rules may throw instead of rejecting.
  const end = async (): Promise<unknown> => chunks.return?.()
  end().catch(() => undefined)
}

/** `done` is called once, unless it is aborted: with the snapshot when it is durable, or with why there is none and nothing left of it. */
export const pump = (options: PumpOptions, done: (outcome: Either<string, Snapshot>) => void): Pump => {
  const { chunks, writer, stallMs, clock, wrote } = options
  let tell = done
  let isOver = false
  let bytes = 0
  let patience: Cancel = () => undefined

  const fail = (reason: string): void => {
    isOver = true
    patience()
    letGo(chunks)
    writer.abort(() => tell(left(reason)))
  }
  const finish = (): void => {
    patience()
    writer.finish(outcome => {
      if (isOver) return
      if (isLeft(outcome)) return fail(outcome.left.message)
      isOver = true
      tell(outcome)
    })
  }
  const write = (chunk: Uint8Array): void => {
    patience()
    writer.write(chunk, outcome => {
      if (isOver) return
      if (isLeft(outcome)) return fail(outcome.left.message)
      bytes += chunk.length
      wrote(bytes)
      begin()
    })
  }
  const take = (result: IteratorResult<Uint8Array, unknown>): void => {
    if (isOver) return
    if (result.done === true) return finish()
    const chunk: unknown = result.value
    if (!(chunk instanceof Uint8Array)) return fail('the machine gave something that is no Uint8Array')
    // Nothing is no progress: whoever gives nothing for ever is stalled, and does not keep the process from everything else.
    if (chunk.length === 0) clock.endOfTurn(pull)
    else write(chunk)
  }
  const pull = (): void => {
    if (isOver) return
    const next = async (): Promise<IteratorResult<Uint8Array, unknown>> => chunks.next()
    // What is no result at all throws where it is looked at.
    next().then(take).catch((thrown: unknown) => { if (!isOver) fail(messageOf(thrown)) })
  }
  const begin = (): void => {
    patience = clock.after(stallMs, () => fail(`the machine gave nothing for ${stallMs} ms (snapshotStallMs)`))
    pull()
  }

  begin()
  return {
    abort: () => {
      tell = () => undefined
      if (!isOver) fail('given up')
    },
  }
}
