import * as t from 'io-ts'
import { from } from 'rxjs'
import { Callback, IoTsCodec, misuse } from '../../codecs/judging.js'
import { messageOf } from '../../codecs/report.js'
import { MachineFailed } from '../../lib/errors.js'
import { isLeft } from '../../lib/prelude.js'
import { isExhaustion } from './exhaustion.js'
import type { Entry, Machine, Position, RunningMachine } from './machine.js'
import { decodeState, encodeState, faultOf } from './state-bytes.js'

/** What `reducerMachine` makes a machine of. */
export interface ReducerMachineOptions<C, R, S> {
  /** As `version` of a machine: raised whenever a member of before would make something else of a command or a state; 0 unless told otherwise. */
  readonly version?: number | undefined
  readonly command: t.Type<C, unknown>
  readonly result: t.Type<R, unknown>
  /** Writes the state into snapshots. Each is read back before it counts: what does not come back equal ends as `snapshotFailed`, and the log stays. What JSON does not tell apart, as `-0` and `0` or the order of keys, `reduce` must not look at unless the codec keeps it. */
  readonly state: t.Type<S, unknown>
  /** Shared by all copies, so nobody may write it. */
  readonly initial: NoInfer<S>
  /** The next state and the command's result. Pure: no clock, no randomness, and the state it was given stays as it was. What it copies, it copies for every command. It goes only so deep, and makes only so much, as every member can. */
  reduce(state: NoInfer<S>, command: NoInfer<C>, at: Position): readonly [NoInfer<S>, NoInfer<R>]
}

/** A machine out of a pure function. Where the function throws, the state stays as it was and every member records the same `MachineFailed`; where it has no stack or memory left, which others may have, the member ends. */
export const reducerMachine = <C, R, S>(options: ReducerMachineOptions<C, R, S>): Machine<C, R, S> =>
  // Plain JavaScript may hand over nothing. What is wrong is said where a machine is started, as of any machine.
  ({ version: options?.version, command: options?.command, result: options?.result, start: () => start(options) })

const Given = t.type({ command: IoTsCodec, result: IoTsCodec, state: IoTsCodec, reduce: Callback })

const start = <C, R, S>(options: ReducerMachineOptions<C, R, S>): RunningMachine<C, R, S> => {
  const fault = misuse({ reducerMachine: Given }, { reducerMachine: options })
  if (fault !== undefined) throw fault
  const { state: codec, initial, reduce } = options
  let state: S = initial
  const applyOne = (entry: Entry<C>): R | MachineFailed => {
    try {
      const pair: unknown = reduce(state, entry.command, entry)
      if (!isPair<S, R>(pair)) throw new Error(`\`reduce\` must return [state, result], not ${shown(pair)}`)
      const [next, result] = pair
      state = next
      return result
    } catch (thrown) {
      if (isExhaustion(thrown)) throw thrown
      return new MachineFailed(messageOf(thrown))
    }
  }
  return {
    get state() {
      return state
    },
    apply: entries => [entries.map(applyOne)],
    snapshot: () => {
      const encoded = encodeState(codec, state)
      if (isLeft(encoded)) throw new Error(encoded.left)
      return verified(codec, state, encoded.right)
    },
    restore: bytes => from(joined(bytes).then(whole => {
      const decoded = decodeState(codec, whole)
      if (isLeft(decoded)) throw new Error(`The snapshot does not hold this machine's state: ${decoded.left}`)
      state = decoded.right
    })),
  }
}

const isPair = <S, R>(value: unknown): value is readonly [S, R] => Array.isArray(value) && value.length === 2

const shown = (value: unknown): string => {
  if (value instanceof Promise) {
    // Nobody else would hear of it.
    value.catch(() => undefined)
    return 'a promise'
  }
  return Array.isArray(value) ? `a list of ${value.length}` : value === undefined || value === null ? String(value) : `a value of type ${typeof value}`
}

const CHUNK_BYTES = 64 * 1024

/** Nothing is handed out before all of it was read again, which takes turns with everything else: nobody writes to a state, so it stays what it was. */
async function* verifiedUntil<S>(signal: AbortSignal, codec: t.Type<S, unknown>, state: S, bytes: Uint8Array): AsyncGenerator<Uint8Array, undefined> {
  try {
    const fault = await faultOf(codec, state, bytes, signal)
    if (fault !== undefined) throw new Error(fault)
  } catch (thrown) {
    if (signal.aborted) return
    throw thrown
  }
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES)
}

/** A generator that is told to return goes on until it has something to give: who reads it again is told beside it. */
const verified = <S>(codec: t.Type<S, unknown>, state: S, bytes: Uint8Array): AsyncIterableIterator<Uint8Array> => {
  const unwanted = new AbortController()
  const chunks = verifiedUntil(unwanted.signal, codec, state, bytes)
  const given: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => given,
    next: () => chunks.next(),
    return: () => {
      unwanted.abort()
      return chunks.return(undefined)
    },
  }
  return given
}

const joined = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const all: Uint8Array[] = []
  // Copied, because whoever hands a chunk over may use its memory again for the next.
  for await (const chunk of chunks) all.push(new Uint8Array(chunk))
  return Buffer.concat(all)
}
