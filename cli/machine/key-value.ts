/** The machine of `rxraft serve` where no other is named: JSON values by their keys. */
import * as t from 'io-ts'
import { of } from 'rxjs'
import type { Machine } from '../../streams/machine/machine.js'
import { linesOf, pairsIn } from './snapshot-lines.js'

/** Any JSON; null stands for nothing. */
type Value = unknown

const Put = t.strict({ put: t.string, value: t.unknown })
const Delete = t.strict({ delete: t.string })
const CompareAndSet = t.strict({ compareAndSet: t.string, expected: t.unknown, value: t.unknown })

export type KeyValueCommand = t.TypeOf<typeof Put> | t.TypeOf<typeof Delete> | t.TypeOf<typeof CompareAndSet>

const SHAPES = 'must be {"put": KEY, "value": JSON}, {"delete": KEY} or {"compareAndSet": KEY, "expected": JSON, "value": JSON}'

/** What has no value at all is no command: a member whose `value` was forgotten must not delete. */
const has = (value: unknown, ...keys: readonly string[]): boolean =>
  t.UnknownRecord.is(value) && Object.keys(value).length === keys.length && keys.every(key => Object.hasOwn(value, key) && value[key] !== undefined)

const isCommand = (value: unknown): value is KeyValueCommand =>
  (has(value, 'put', 'value') && Put.is(value)) || (has(value, 'delete') && Delete.is(value))
  || (has(value, 'compareAndSet', 'expected', 'value') && CompareAndSet.is(value))

const Command = new t.Type<KeyValueCommand>('Command', isCommand,
  (value, context) => isCommand(value) ? t.success(value) : t.failure(value, context, SHAPES), t.identity)

const isRecord = (value: Value): value is Readonly<Record<string, Value>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether both are the same JSON. Zeros are equal whatever their sign, which a snapshot does not keep. */
const isSame = (a: Value, b: Value): boolean => {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]))
  if (!isRecord(a) || !isRecord(b)) return a === b
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && isSame(a[key], b[key]))
}

const set = (values: Map<string, Value>, key: string, value: Value): void => {
  if (value === null) values.delete(key)
  else values.set(key, value)
}

/** Answers with what was there before; null where there was nothing. So a compare-and-set took place where it answers with what was expected. */
const applyOne = (values: Map<string, Value>, command: KeyValueCommand): Value => {
  const key = 'put' in command ? command.put : 'delete' in command ? command.delete : command.compareAndSet
  const before = values.get(key) ?? null
  if ('delete' in command) values.delete(key)
  else if ('put' in command || isSame(before, command.expected)) set(values, key, command.value)
  return before
}

export const keyValueMachine: Machine<KeyValueCommand, Value, ReadonlyMap<string, Value>> = {
  command: Command,
  result: t.unknown,
  start: () => {
    let values = new Map<string, Value>()
    return {
      get state() {
        return values
      },
      apply: entries => of(entries.map(({ command }) => applyOne(values, command))),
      // The pairs are taken at the moment of the call; values are never written.
      snapshot: () => linesOf([...values]),
      restore: async chunks => {
        values = await pairsIn(t.unknown, chunks)
      },
    }
  },
}
