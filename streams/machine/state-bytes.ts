/** A reducer's state as bytes that lead to the very same state again: the log is cut up to them, and what they do not hold is gone. */
import { isDeepStrictEqual } from 'node:util'
import * as t from 'io-ts'
import { decodeWith } from '../../codecs/report.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { type Either, isLeft, left } from '../../lib/prelude.js'
import { type Comparison, compare } from './same-data.js'

/** Whatever a state has as a key came through commands that were taken. `JSON.parse` makes each a key of its own, which reaches no prototype. */
const NO_KEYS: readonly string[] = []

/** Of the way to a difference, which leads through keys of any length. */
const MAX_SHOWN = 256

/** So many values are compared before others get their turn, a few milliseconds. A number, and no time: where a state is small or time is virtual a run is to be the same again. */
const VALUES_PER_TURN = 20_000

/** What is smaller is read again in one turn. */
const LARGE_BYTES = 64 * 1024

export const encodeState = <S>(codec: t.Type<S, unknown>, state: S): Either<string, Uint8Array> => {
  const encoded = encodeValue(codec, state, NO_KEYS)
  return isLeft(encoded) ? left(`The state cannot be encoded: ${encoded.left.join('; ')}`) : encoded
}

/** What the bytes hold, before the codec sees it. No Buffer, whatever the bytes lie in: whoever restores and whoever tries it must read the same. */
const contentOf = (bytes: Uint8Array): Either<readonly string[], unknown> => decodeValue(t.unknown, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), NO_KEYS)

const stateIn = <S>(codec: t.Type<S, unknown>, content: Either<readonly string[], unknown>): Either<string, S> => {
  const decoded = isLeft(content) ? content : decodeWith(codec, content.right)
  return isLeft(decoded) ? left(decoded.left.join('; ')) : decoded
}

export const decodeState = <S>(codec: t.Type<S, unknown>, bytes: Uint8Array): Either<string, S> => stateIn(codec, contentOf(bytes))

/** Whoever gives up need not wait for the end: it throws in the next turn. */
const anotherTurn = async (signal: AbortSignal): Promise<void> => {
  await new Promise(resolve => { setImmediate(resolve) })
  signal.throwIfAborted()
}

const inTurns = async (comparison: Comparison, signal: AbortSignal): Promise<Comparison> => {
  while (!comparison.advance(VALUES_PER_TURN)) await anotherTurn(signal)
  return comparison
}

/** Why the bytes do not lead to this state again, if they do not; others get their turns meanwhile, and the state must stay as it is. */
export const faultOf = async <S>(codec: t.Type<S, unknown>, state: S, bytes: Uint8Array, signal: AbortSignal): Promise<string | undefined> => {
  const pause = async (): Promise<void> => { if (bytes.length >= LARGE_BYTES) await anotherTurn(signal) }
  await pause()
  const content = contentOf(bytes)
  await pause()
  const read = stateIn(codec, content)
  if (isLeft(read)) return `The state cannot be read again: ${read.left}`
  await pause()
  const states = await inTurns(compare(state, read.right, () => true, bytes.length), signal)
  if (states.difference !== undefined) return `What is read again is not the same as state${states.difference.slice(0, MAX_SHOWN)}`
  if (!states.hasOpaque) return undefined
  // Objects of a class hide what they are made of, and circles how long they are: they are equal where their codec writes the same.
  const [one, other] = [codec.encode(state), codec.encode(read.right)]
  const { difference } = await inTurns(compare(one, other, isDeepStrictEqual, bytes.length), signal)
  return difference === undefined ? undefined : 'What is read again is not the same as state'
}
