/** One layer of a member, driven alone: where a change costs time shows without the rest. */
import { packEntries } from '../../codecs/entries.js'
import type { CommandBatch, EntryBody, Index } from '../../lib/types.js'

export interface OpenLayer {
  /** Takes `BATCH` more entries through the layer, to the very end. */
  turn(): void | Promise<void>
  close(): void | Promise<void>
}

export interface Layer {
  readonly name: string
  /** What it does with an entry. */
  readonly does: string
  open(): OpenLayer | Promise<OpenLayer>
}

export const BATCH = 64
const COMMAND_BYTES = 128

/** One turn's commands, as they are handed over. */
export const COMMANDS: readonly Uint8Array[] = Array.from({ length: BATCH }, (_, i) => new Uint8Array(COMMAND_BYTES).fill(i))

/** The same, packed. */
export const BODY: EntryBody = packEntries(COMMANDS)

export const batchAt = (firstIndex: Index): CommandBatch => ({ kind: 'command', firstIndex, term: 1, count: BATCH, time: 0, body: BODY, skip: 0 })

/** The first third is for the compiler. */
const WARM_SHARE = 1 / 3

/** Microseconds of CPU that an entry costs, all threads of this process together, waiting not included. */
export const costOf = async (layer: Layer, ms: number): Promise<number> => {
  const open = await layer.open()
  const run = async (forMs: number): Promise<number> => {
    let turns = 0
    for (const end = performance.now() + forMs; performance.now() < end || turns === 0; turns++) {
      const done = open.turn()
      if (done !== undefined) await done
    }
    return turns * BATCH
  }
  try {
    await run(ms * WARM_SHARE)
    const before = process.cpuUsage()
    const entries = await run(ms * (1 - WARM_SHARE))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / entries
  } finally {
    await open.close()
  }
}
