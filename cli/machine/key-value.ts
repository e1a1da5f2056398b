/** The machine of `rxraft serve` where no other is named: JSON values by their keys. */
import * as t from 'io-ts'
import { of } from 'rxjs'
import { decodeWith } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { Machine } from '../../streams/machine/machine.js'

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

const Pairs = t.readonlyArray(t.readonly(t.tuple([t.string, t.unknown])))

const CHUNK_CHARACTERS = 64 * 1024

/** One list of pairs per line, cut where a chunk is full. */
async function* linesOf(pairs: readonly (readonly [string, Value])[]): AsyncGenerator<Uint8Array> {
  let line: string[] = []
  let characters = 0
  const take = (): Uint8Array => {
    const bytes = Buffer.from(`[${line.join(',')}]\n`)
    line = []
    characters = 0
    return bytes
  }
  for (const pair of pairs) {
    const text = JSON.stringify(pair)
    line.push(text)
    characters += text.length
    if (characters >= CHUNK_CHARACTERS) yield take()
  }
  if (line.length > 0) yield take()
}

/** The lines of a snapshot, however it was cut. */
async function* cutAtNewlines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let open: Uint8Array[] = []
  for await (const chunk of chunks) {
    let from = 0
    for (let newline = chunk.indexOf(0x0a); newline >= 0; newline = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...open, chunk.subarray(from, newline)]).toString()
      open = []
      from = newline + 1
    }
    // Copied, because a chunk is valid until the next one is asked for; a Buffer's own slice would share its memory.
    if (from < chunk.length) open.push(Uint8Array.from(chunk.subarray(from)))
  }
  if (open.length > 0) throw new Error('the snapshot ends in the middle of a line')
}

const restored = async (chunks: AsyncIterable<Uint8Array>): Promise<Map<string, Value>> => {
  const values = new Map<string, Value>()
  for await (const line of cutAtNewlines(chunks)) {
    const pairs = decodeWith(Pairs, JSON.parse(line))
    if (isLeft(pairs)) throw new Error(`the snapshot holds no pairs of keys and values: ${pairs.left.join('; ')}`)
    for (const [key, value] of pairs.right) values.set(key, value)
  }
  return values
}

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
        values = await restored(chunks)
      },
    }
  },
}
