/**
 * A command or a result as bytes: a tag, then what the application's codec encodes it to. Tag 0 is JSON in UTF-8; tag 1 is
 * raw bytes, for codecs whose output is a Uint8Array.
 */
import { isAscii } from 'node:buffer'
import type * as t from 'io-ts'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { EntryBody } from '../lib/types.js'
import { placeOf } from './entries.js'
import { holdsMore, isSuspect, mayNestDeeper, nestsDeeper, parseJson, parsePlain } from './json.js'
import { decodeWith, messageOf } from './report.js'

const JSON_TAG = 0
const RAW_TAG = 1

/** Values nest at most so deep: codecs are recursive, and the stack is not theirs alone. */
export const MAX_VALUE_DEPTH = 128

/** `constructor` and `prototype` are words like others in an application's data; this one is a trap wherever objects are copied. */
const FORBIDDEN: readonly string[] = ['__proto__']
const TOO_DEEP = `is nested deeper than ${MAX_VALUE_DEPTH} levels`

// Out of Node's pool: a buffer of its own takes ten times as long, and is packed with others soon.
const rawBytes = (value: Uint8Array): Uint8Array => {
  const bytes = Buffer.allocUnsafe(1 + value.length)
  bytes[0] = RAW_TAG
  bytes.set(value, 1)
  return bytes
}

/** A value's bytes, and what they hold: JSON as text, or raw bytes. */
export interface EncodedValue {
  readonly bytes: Uint8Array
  readonly content: string | Uint8Array
}

const encodeText = (text: string, forbidden: readonly string[]): Either<readonly string[], EncodedValue> => {
  // The tag travels through the one native call that encodes the text.
  const bytes = Buffer.from(`\0${text}`)
  if (mayNestDeeper(text, MAX_VALUE_DEPTH) && nestsDeeper(bytes, MAX_VALUE_DEPTH)) return left([TOO_DEEP])
  if (!forbidden.some(key => text.includes(key))) return right({ bytes, content: text })
  const parsed = parseJson(bytes.subarray(1), MAX_VALUE_DEPTH, forbidden)
  return isLeft(parsed) ? left([parsed.left]) : right({ bytes, content: text })
}

/** `encodeValue` for whoever reads the value back. */
export const encodeReadable = <A>(codec: t.Encoder<A, unknown>, value: A, forbidden = FORBIDDEN): Either<readonly string[], EncodedValue> => {
  try {
    const encoded = codec.encode(value)
    if (encoded instanceof Uint8Array) return right({ bytes: rawBytes(encoded), content: encoded })
    const text: string | undefined = JSON.stringify(encoded)
    return text === undefined ? left([`${typeof encoded} has no JSON form`]) : encodeText(text, forbidden)
  } catch (thrown) {
    return left([`encoding failed: ${messageOf(thrown)}`])
  }
}

/** A value as bytes of its own. What cannot be read back is refused here: cycles, depth, a `__proto__` key unless none is `forbidden`, a codec that throws. */
export const encodeValue = <A>(codec: t.Encoder<A, unknown>, value: A, forbidden = FORBIDDEN): Either<readonly string[], Uint8Array> => {
  const encoded = encodeReadable(codec, value, forbidden)
  return isLeft(encoded) ? encoded : right(encoded.right.bytes)
}

const decodeText = <A>(codec: t.Decoder<unknown, A>, text: string): Either<readonly string[], A> | undefined => {
  const value = parsePlain(text, MAX_VALUE_DEPTH)
  return value === undefined ? undefined : decodeWith(codec, value)
}

/** What everybody will make of the bytes, found from the content, which is there, in two thirds of the time. */
export const readBack = <A>(codec: t.Decoder<unknown, A>, { bytes, content }: EncodedValue): Either<readonly string[], A> => {
  if (typeof content !== 'string') return decodeWith(codec, content)
  return (isSuspect(content, FORBIDDEN) ? undefined : decodeText(codec, content)) ?? decodeValue(codec, bytes)
}

/** Whether the bytes hold more than `most` values: then a codec takes its time over them, and longer where it finds many faults. */
export const holdsMoreValues = (bytes: Uint8Array, most: number): boolean => bytes[0] === JSON_TAG && holdsMore(bytes.subarray(1), most)

/** A value from bytes that nobody vouches for, unless no key is `forbidden`; every fault is a line with its path. Raw bytes are handed over as a view. */
export const decodeValue = <A>(codec: t.Decoder<unknown, A>, bytes: Uint8Array, forbidden = FORBIDDEN): Either<readonly string[], A> => {
  const tag = bytes[0]
  const rest = bytes.subarray(1)
  if (tag === RAW_TAG) return decodeWith(codec, rest)
  if (tag !== JSON_TAG) return left([tag === undefined ? 'a value is empty' : `a value has the unknown tag ${tag}`])
  const parsed = parseJson(rest, MAX_VALUE_DEPTH, forbidden)
  return isLeft(parsed) ? left([parsed.left]) : decodeWith(codec, parsed.right)
}

/** The text between two places of the body, if every character is one byte of it and nothing in it calls for a second look. */
const plainTextOf = ({ bytes }: EntryBody, from: number, to: number): string | undefined => {
  if (bytes[from] !== JSON_TAG || !isAscii(bytes.subarray(from, to))) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
  return isSuspect(text, FORBIDDEN) ? undefined : text
}

/**
 * Reads values of one body, each by where it lies, as `decodeValue` does. The text of entries `first` up to `last`, exclusive, is made once for all of
 * them: that takes half of the time of one by one.
 */
export const valuesOf = <A>(codec: t.Decoder<unknown, A>, body: EntryBody, first: number, last: number): ((from: number, to: number) => Either<readonly string[], A>) => {
  const start = placeOf(body, first)
  const text = plainTextOf(body, start, placeOf(body, last))
  return (from, to) => {
    if (from < to && body.bytes[from] === RAW_TAG) return decodeWith(codec, body.bytes.subarray(from + 1, to))
    const decoded = text === undefined || body.bytes[from] !== JSON_TAG ? undefined : decodeText(codec, text.slice(from + 1 - start, to - start))
    return decoded ?? decodeValue(codec, body.bytes.subarray(from, to))
  }
}
