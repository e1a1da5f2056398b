/** The machine of the trials: registers whose every write and read is told from all others, and answered with what was there before. */
import * as t from 'io-ts'
import { reducerMachine } from '../../streams/index.js'
import type { Model } from '../../testing/linearizability/model.js'

const command = t.intersection([
  t.strict({ client: t.number, serial: t.number, key: t.string }),
  t.partial({ value: t.string }),
])

export type Order = t.TypeOf<typeof command>

type Values = Readonly<Record<string, string>>

const reduce = (state: Values, { key, value }: Order): readonly [Values, string | null] =>
  [value === undefined ? state : { ...state, [key]: value }, state[key] ?? null]

/** Writes where there is a value, reads otherwise. */
export const registers = reducerMachine({
  command, result: t.union([t.string, t.null]), state: t.readonly(t.record(t.string, t.string)), initial: {}, reduce,
})

/** What clients may see of one register. */
export const registerModel: Model<string | null, Order, string | null> = {
  initial: null,
  reduce: (held, { value }) => [value ?? held, held],
  partition: ({ key }) => key,
}
