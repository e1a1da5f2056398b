import type * as t from 'io-ts'
import { isUtf8 } from 'node:buffer'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import { isForbiddenKey } from './primitives.js'
import { decodeWith, messageOf } from './report.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const BRACE = 0x7b

/** Whether JSON text nests deeper than `maxDepth`, found without recursion: each level takes a byte, so short texts need no look. */
export const nestsDeeper = (json: Uint8Array, maxDepth: number): boolean => {
  if (json.length <= maxDepth) return false
  let depth = 0
  let quoted = false
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!
    if (quoted) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    // An opening bracket and its closing one differ by 2 in both pairs.
    else if (byte === BRACKET || byte === BRACE) {
      if (++depth > maxDepth) return true
    } else if (byte === BRACKET + 2 || byte === BRACE + 2) depth--
  }
  return false
}

const refuseKey = (key: string, value: unknown): unknown => {
  if (isForbiddenKey(key)) throw new Error(`the key "${key}" is not allowed`)
  return value
}

/** Parses bytes that nobody vouches for: UTF-8, depth and keys are checked, and nothing is thrown. */
export const parseJson = (bytes: Uint8Array, maxDepth: number): Either<string, unknown> => {
  if (!isUtf8(bytes)) return left('not UTF-8')
  if (nestsDeeper(bytes, maxDepth)) return left(`nested deeper than ${maxDepth} levels`)
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(), refuseKey)
    return right(parsed)
  } catch (thrown) {
    return left(`not JSON: ${messageOf(thrown)}`)
  }
}

/** JSON in UTF-8, decoded by `codec`; every failure is one string, with the path where there is one. */
export const decodeJson = <A>(codec: t.Type<A, unknown>, bytes: Uint8Array, maxDepth = 8): Either<string, A> => {
  const parsed = parseJson(bytes, maxDepth)
  if (isLeft(parsed)) return parsed
  const decoded = decodeWith(codec, parsed.right)
  return isLeft(decoded) ? left(decoded.left.join('; ')) : decoded
}

/** The codec's output as JSON in UTF-8, in a buffer of its own. */
export const encodeJson = <A>(codec: t.Type<A, unknown>, value: A): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(codec.encode(value))))
