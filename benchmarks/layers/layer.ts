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

/** Until the compiler has seen the code, which on a busy machine takes its time: so many turns, or so many times as long as is measured. */
const WARM_TURNS = 3_000
const WARM_MOST = 3

/** Microseconds of CPU that an entry costs, all threads of this process together, waiting not included. */
export const costOf = async (layer: Layer, ms: number): Promise<number> => {
  const open = await layer.open()
  /** So many turns at least, for so long at least, but no longer than `mostMs`; how many it were. */
  const run = async (leastTurns: number, leastMs: number, mostMs: number): Promise<number> => {
    const began = performance.now()
    let turns = 0
    for (let passed = 0; turns === 0 || (passed < mostMs && (turns < leastTurns || passed < leastMs)); turns++) {
      const done = open.turn()
      if (done !== undefined) await done
      passed = performance.now() - began
    }
    return turns
  }
  try {
    await run(WARM_TURNS, 0, ms * WARM_MOST)
    const before = process.cpuUsage()
    const turns = await run(0, ms, ms)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / (turns * BATCH)
  } finally {
    await open.close()
  }
}
