/** The workload of the durable benchmarks: a key-value machine, one small JSON command per write. */
import * as t from 'io-ts'
import { reducerMachine } from '../../streams/index.js'

export const VALUE_BYTES = 128
const KEYS = 100_000

/** The n-th key, spread over all keys. */
export const keyOf = (n: number): string => `k${String((n * 7919) % KEYS).padStart(6, '0')}`

const table = new t.Type<Map<string, string>, readonly (readonly [string, string])[], unknown>(
  'Table',
  (u): u is Map<string, string> => u instanceof Map,
  (u, context) => {
    const pairs = t.readonlyArray(t.tuple([t.string, t.string])).validate(u, context)
    return pairs._tag === 'Left' ? pairs : t.success(new Map(pairs.right))
  },
  map => [...map],
)

/** Keeps its state in one Map that it changes in place: the reducer is the only one who sees it. */
export const kv = reducerMachine({
  command: t.strict({ key: t.string, value: t.string }), result: t.null, state: table, initial: new Map(),
  reduce: (state, { key, value }) => {
    state.set(key, value)
    return [state, null]
  },
})
