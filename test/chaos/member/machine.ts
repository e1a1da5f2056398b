/** The replicated object of these runs: a map of strings, each key of which behaves as the model says that judges it. */
import * as t from 'io-ts'
import { from, of } from 'rxjs'
import { type KeyValueOutput, keyValueModel } from '../../../testing/index.js'
import type { Machine } from '../../../streams/index.js'

const input = t.union([
  t.strict({ type: t.literal('get'), key: t.string }),
  t.strict({ type: t.literal('put'), key: t.string, value: t.string }),
  t.strict({ type: t.literal('append'), key: t.string, value: t.string }),
  t.strict({ type: t.literal('cas'), key: t.string, from: t.union([t.string, t.null]), to: t.string }),
])

/** `op` is drawn once per operation of a run, so that whoever is applied twice is seen. */
const command = t.strict({ op: t.number, input })
export type Command = t.TypeOf<typeof command>

export type Contents = ReadonlyMap<string, string>

const entries = t.array(t.tuple([t.string, t.string]))

export const keyValueMachine: Machine<Command, KeyValueOutput, Contents> = {
  command,
  result: t.union([t.string, t.boolean, t.null]),
  start: () => {
    let state = new Map<string, string>()
    const apply = ({ input }: Command): KeyValueOutput => {
      const [next, output] = keyValueModel.reduce(state.get(input.key) ?? null, input)
      if (next !== null) state.set(input.key, next)
      return output
    }
    return {
      get state() {
        return state
      },
      apply: commands => of(commands.map(({ command }) => apply(command))),
      snapshot: () => {
        const bytes = Buffer.from(JSON.stringify([...state]))
        return (async function* () { yield bytes })()
      },
      restore: bytes => from((async () => {
        const chunks: Uint8Array[] = []
        for await (const chunk of bytes) chunks.push(chunk.slice())
        const decoded: unknown = JSON.parse(Buffer.concat(chunks).toString())
        if (!entries.is(decoded)) throw new Error('the snapshot is not one of this machine')
        state = new Map(decoded)
      })()),
    }
  },
}
