/**
 * A command or a result as bytes: a tag, then what the application's codec encodes it to. Tag 0 is JSON in UTF-8; tag 1 is
 * raw bytes, for codecs whose output is a Uint8Array.
 */
import type * as t from 'io-ts'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import { nestsDeeper, parseJson } from './json.js'
import { decodeWith, messageOf } from './report.js'

const JSON_TAG = 0
const RAW_TAG = 1

/** Values nest at most so deep: codecs are recursive, and the stack is not theirs alone. */
export const MAX_VALUE_DEPTH = 128

/** `constructor` and `prototype` are words like others in an application's data; this one is a trap wherever objects are copied. */
const FORBIDDEN = ['__proto__'] as const
const TOO_DEEP = `is nested deeper than ${MAX_VALUE_DEPTH} levels`

const rawBytes = (value: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(1 + value.length)
  bytes[0] = RAW_TAG
  bytes.set(value, 1)
  return bytes
}

const jsonBytes = (value: unknown): Either<readonly string[], Uint8Array> => {
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined) return left([`${typeof value} has no JSON form`])
  // The tag travels through the one native call that encodes the text.
  const bytes = Buffer.from(`\0${text}`)
  if (nestsDeeper(bytes, MAX_VALUE_DEPTH)) return left([TOO_DEEP])
  if (!FORBIDDEN.some(key => text.includes(key))) return right(bytes)
  const parsed = parseJson(bytes.subarray(1), MAX_VALUE_DEPTH, FORBIDDEN)
  return isLeft(parsed) ? left([parsed.left]) : right(bytes)
}

/** A value as bytes of its own. What cannot be read back is refused here: cycles, depth, a `__proto__` key, a codec that throws. */
export const encodeValue = <A>(codec: t.Encoder<A, unknown>, value: A): Either<readonly string[], Uint8Array> => {
  try {
    const encoded = codec.encode(value)
    return encoded instanceof Uint8Array ? right(rawBytes(encoded)) : jsonBytes(encoded)
  } catch (thrown) {
    return left([`encoding failed: ${messageOf(thrown)}`])
  }
}

/** A value from bytes that nobody vouches for; every fault is a line with its path. Raw bytes are handed over as a view. */
export const decodeValue = <A>(codec: t.Decoder<unknown, A>, bytes: Uint8Array): Either<readonly string[], A> => {
  const tag = bytes[0]
  const rest = bytes.subarray(1)
  if (tag === RAW_TAG) return decodeWith(codec, rest)
  if (tag !== JSON_TAG) return left([tag === undefined ? 'a value is empty' : `a value has the unknown tag ${tag}`])
  const parsed = parseJson(rest, MAX_VALUE_DEPTH, FORBIDDEN)
  return isLeft(parsed) ? left([parsed.left]) : decodeWith(codec, parsed.right)
}
