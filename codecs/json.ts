import type * as t from 'io-ts'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import { depthOf } from './depth.js'
import { decodeWith, messageOf } from './report.js'

/** Keys by which a decoded object could reach a prototype. */
const FORBIDDEN_KEYS = ['__proto__', 'constructor', 'prototype'] as const

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const BRACE = 0x7b

/** Whether JSON text nests deeper than `maxDepth`, found without recursion. Each level takes a byte, so short texts need no look. */
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
    // In both pairs the closing bracket is the opening one plus 2.
    else if (byte === BRACKET || byte === BRACE) {
      if (++depth > maxDepth) return true
    } else if (byte === BRACKET + 2 || byte === BRACE + 2) depth--
  }
  return false
}

const COMMA = 0x2c
const SPACE = 0x20

/** Whether JSON text holds more than `most` values, lists and objects among them, found without making any. Each takes two bytes, so short texts need no look. */
export const holdsMore = (json: Uint8Array, most: number): boolean => {
  if (json.length <= 2 * most) return false
  let values = 1
  let quoted = false
  let before = 0
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!
    if (quoted) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) quoted = false
      continue
    }
    if (byte <= SPACE) continue
    if (byte === QUOTE) quoted = true
    else if (byte === BRACKET || byte === BRACE) values++
    else if (byte === COMMA && ++values > most) return true
    // There is no first value in what ends where it begins.
    else if ((byte === BRACKET + 2 || byte === BRACE + 2) && before === byte - 2) values--
    before = byte
  }
  return values > most
}

const opened = (text: string, bracket: string, most: number): number => {
  let count = 0
  for (let at = text.indexOf(bracket); at >= 0 && count <= most; at = text.indexOf(bracket, at + 1)) count++
  return count
}

/** Whether the text opens enough brackets to nest deeper; two native searches take an eighth of what a look at each byte does. */
export const mayNestDeeper = (text: string, maxDepth: number): boolean =>
  text.length > maxDepth && opened(text, '{', maxDepth) + opened(text, '[', maxDepth) > maxDepth

/** What a text says that needs no second look, as nearly all do; undefined where `parseJson` must judge the bytes. */
export const parsePlain = (text: string, maxDepth: number): unknown => {
  if (mayNestDeeper(text, maxDepth)) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Whether a text may hold a key that is forbidden, plain or escaped. */
export const isSuspect = (text: string, forbidden: readonly string[] = FORBIDDEN_KEYS): boolean =>
  forbidden.some(key => text.includes(key)) || forbidden.length > 0 && text.includes('\\u')

/** Throws at what is no UTF-8, where any other decoder would put something else in its place. */
export const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// A reviver costs more than the parsing: it is only asked where the text can hold such a key.
const parse = (text: string, forbidden: readonly string[]): unknown => JSON.parse(text, isSuspect(text, forbidden) ? (key, value: unknown) => {
  if (forbidden.includes(key)) throw new Error(`the key "${key}" is not allowed`)
  return value
} : undefined)

/** Parses bytes that nobody vouches for: UTF-8, depth and keys are checked, and nothing is thrown. */
export const parseJson = (bytes: Uint8Array, maxDepth: number, forbidden: readonly string[] = FORBIDDEN_KEYS): Either<string, unknown> => {
  if (nestsDeeper(bytes, maxDepth)) return left(`JSON is nested deeper than ${maxDepth} levels`)
  try {
    return right(parse(utf8.decode(bytes), forbidden))
  } catch (thrown) {
    return left(`no JSON in UTF-8: ${messageOf(thrown)}`)
  }
}

/** What a codec reads past may nest so deep, whatever the codec is: a later version says more. */
const LEAST_DEPTH = 8

/** JSON in UTF-8, decoded by `codec`, no deeper than that reads; every failure is one string, with the path where there is one. */
export const decodeJson = <A>(codec: t.Decoder<unknown, A>, bytes: Uint8Array): Either<string, A> => {
  const parsed = parseJson(bytes, Math.max(LEAST_DEPTH, depthOf(codec)))
  if (isLeft(parsed)) return parsed
  const decoded = decodeWith(codec, parsed.right)
  return isLeft(decoded) ? left(decoded.left.join('; ')) : decoded
}

/** The codec's output as JSON in UTF-8, in a buffer of its own. */
export const encodeJson = <A>(codec: t.Encoder<A, unknown>, value: A): Uint8Array => new TextEncoder().encode(JSON.stringify(codec.encode(value)))
