/** The replicated object of these runs: a map of strings, each key of which behaves as the model says that judges it. */
import * as t from 'io-ts'
import { from, of } from 'rxjs'
import { type KeyValueOutput, keyValueModel } from '../../../testing/index.js'
import type { Machine, Protocol } from '../../../streams/index.js'

const input = t.union([
  t.strict({ type: t.literal('get'), key: t.string }),
  t.strict({ type: t.literal('put'), key: t.string, value: t.string }),
  t.strict({ type: t.literal('append'), key: t.string, value: t.string }),
  t.strict({ type: t.literal('cas'), key: t.string, from: t.union([t.string, t.null]), to: t.string }),
])

/** `op` is drawn once per operation of a run, so that whoever is applied twice is seen. */
const command = t.strict({ op: t.number, input })
export type Command = t.TypeOf<typeof command>

export interface Contents {
  readonly map: ReadonlyMap<string, string>
  /** How many commands have led to it. */
  readonly commands: number
}

const Written = t.strict({ commands: t.number, entries: t.array(t.tuple([t.string, t.string])) })

export const keyValueProtocol: Protocol<Command, KeyValueOutput> = { command, result: t.union([t.string, t.boolean, t.null]) }

/** What makes a snapshot as large as it is wanted: each number of commands has its own, so that no mixture of two passes for either. */
const padding = (commands: number, bytes: number): Buffer => Buffer.alloc(bytes, `${commands};`)

const writeContents = ({ map, commands }: Contents, paddingBytes: number): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify(Written.encode({ commands, entries: [...map] }))}\n`), padding(commands, paddingBytes)])

const readContents = (bytes: Buffer, paddingBytes: number): { readonly map: Map<string, string>; readonly commands: number } => {
  const end = bytes.indexOf('\n')
  const decoded: unknown = JSON.parse(bytes.toString('utf8', 0, end))
  if (!Written.is(decoded)) throw new Error('the snapshot is not one of this machine')
  const { commands, entries } = decoded
  if (!bytes.subarray(end + 1).equals(padding(commands, paddingBytes))) throw new Error(`the snapshot is not whole, or not all of it of the state after ${commands} commands`)
  return { map: new Map(entries), commands }
}

const PIECE_BYTES = 32 * 1024

/** Its snapshots are larger by so many bytes than what they tell. */
export const keyValueMachine = (paddingBytes: number): Machine<Command, KeyValueOutput, Contents> => ({
  ...keyValueProtocol,
  start: () => {
    let state = { map: new Map<string, string>(), commands: 0 }
    const apply = ({ input }: Command): KeyValueOutput => {
      const [next, output] = keyValueModel.reduce(state.map.get(input.key) ?? null, input)
      if (next !== null) state.map.set(input.key, next)
      state.commands++
      return output
    }
    return {
      get state() {
        return { ...state }
      },
      apply: commands => of(commands.map(({ command }) => apply(command))),
      snapshot: () => {
        const bytes = writeContents(state, paddingBytes)
        return (async function* () { for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES) })()
      },
      restore: bytes => from((async () => {
        const chunks: Uint8Array[] = []
        for await (const chunk of bytes) chunks.push(chunk.slice())
        state = readContents(Buffer.concat(chunks), paddingBytes)
      })()),
    }
  },
})
