/** The key-value machine of the benchmarks: one small JSON command per write. */
import * as t from 'io-ts'
import { of } from 'rxjs'
import { linesOf, pairsIn } from '../../cli/machine/snapshot-lines.js'
import type { Machine } from '../../streams/machine/machine.js'

export const VALUE_BYTES = 128
const KEYS = 100_000

/** The n-th key, spread over all keys. */
export const keyOf = (n: number): string => `k${String((n * 7919) % KEYS).padStart(6, '0')}`

const Put = t.strict({ key: t.string, value: t.string })

/** One Map that it changes in place, and a snapshot in chunks: what is advised for a large state. */
export const kv: Machine<t.TypeOf<typeof Put>, null, ReadonlyMap<string, string>> = {
  command: Put,
  result: t.null,
  start: () => {
    let values = new Map<string, string>()
    return {
      get state() {
        return values
      },
      apply: entries => of(entries.map(({ command: { key, value } }) => {
        values.set(key, value)
        return null
      })),
      snapshot: () => linesOf([...values]),
      restore: async chunks => {
        values = await pairsIn(t.string, chunks)
      },
    }
  },
}
