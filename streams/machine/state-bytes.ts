/** A reducer's state as bytes that lead to the very same state again: the log is cut behind them, and what they do not hold is gone. */
import { isDeepStrictEqual } from 'node:util'
import type { Type } from 'io-ts'
import { MAX_VALUE_DEPTH, decodeValue, encodeValue } from '../../codecs/values.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'

/** Whatever a state has as a key came through commands that were taken. `JSON.parse` makes each a key of its own, which reaches no prototype. */
const NO_KEYS: readonly string[] = []

/** Of the way to a difference, which leads through keys of any length. */
const MAX_SHOWN = 256

/** As deep as what is encoded may be; a state may be deeper in memory than its codec writes it. */
const MAX_DEPTH = MAX_VALUE_DEPTH

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null
const isPlain = (prototype: unknown): boolean => prototype === null || prototype === Object.prototype || prototype === Array.prototype

/** Its own value at the key; undefined where it has none, for JSON keeps no key of such a value and nobody is to tell the two apart. */
const valueAt = (object: Readonly<Record<string, unknown>>, key: string): unknown => Object.hasOwn(object, key) ? object[key] : undefined

/** The keys that lead to where plain data differs, each behind a dot. Of what is no plain data, or nests too deep to be walked through, `isSame` decides. */
const differenceIn = (one: unknown, other: unknown, isSame: (one: unknown, other: unknown) => boolean, way = '', depth = 0): string | undefined => {
  if (Object.is(one, other)) return undefined
  const prototype: unknown = isObject(one) ? Object.getPrototypeOf(one) : undefined
  if (!isObject(one) || !isObject(other) || prototype !== Object.getPrototypeOf(other)) return way
  if (!isPlain(prototype) || depth === MAX_DEPTH) return isSame(one, other) ? undefined : way
  if (Array.isArray(one) && Array.isArray(other) && one.length !== other.length) return way
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const difference = differenceIn(valueAt(one, key), valueAt(other, key), isSame, `${way}.${key}`, depth + 1)
    if (difference !== undefined) return difference
  }
  return undefined
}

/** Where a state is another once it has been read again. Objects of a class hide what they are made of: they are equal where their codec writes the same. */
const changeOf = <S>(codec: Type<S, unknown>, state: S, read: S): string | undefined =>
  differenceIn(state, read, () => true) ?? (differenceIn(codec.encode(state), codec.encode(read), isDeepStrictEqual) === undefined ? undefined : '')

/** Bytes that were read back, or why there are none. */
export const encodeState = <S>(codec: Type<S, unknown>, state: S): Either<string, Uint8Array> => {
  const encoded = encodeValue(codec, state, NO_KEYS)
  if (isLeft(encoded)) return left(`The state cannot be encoded: ${encoded.left.join('; ')}`)
  const read = decodeState(codec, encoded.right)
  if (isLeft(read)) return left(`The state cannot be read again: ${read.left}`)
  const change = changeOf(codec, state, read.right)
  return change === undefined ? right(encoded.right) : left(`What is read again is not the same as state${change.slice(0, MAX_SHOWN)}`)
}

export const decodeState = <S>(codec: Type<S, unknown>, bytes: Uint8Array): Either<string, S> => {
  // No Buffer, whatever the bytes lie in: whoever restores and whoever tries it must read the same.
  const decoded = decodeValue(codec, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), NO_KEYS)
  return isLeft(decoded) ? left(decoded.left.join('; ')) : decoded
}
