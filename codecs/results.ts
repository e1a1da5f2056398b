/**
 * What came of the commands of one request, packed as entries: each a tag, then the value of a result (tag 0) or, in UTF-8,
 * the reason why the machine failed (tag 1), or nothing where there is no result to tell (tags from 2 on).
 */
import type * as t from 'io-ts'
import { MachineFailed } from '../lib/errors.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { EntryBody } from '../lib/types.js'
import { packEntries, placeOf } from './entries.js'
import { messageOf } from './report.js'
import { encodeValue, valuesOf } from './values.js'

/** The session was not open any more: this entry changed nothing, and only an earlier one with the same number may have. */
export const EXPIRED = Symbol('expired')
/** The command was applied, or passed by a later one, and what came of it is not kept or cannot be carried. */
export const FORGOTTEN = Symbol('forgotten')
/** The entry opened a session. */
export const OPENED = Symbol('opened')

/** What takes the place of a result. */
export type NoResult = typeof EXPIRED | typeof FORGOTTEN | typeof OPENED

/** What came of one command, as whoever asked for it is told. */
export type Told<R> = R | MachineFailed | NoResult

const OK = 0
const FAILED = 1
const FIRST_MARK = 2
/** Each by its tag, counted from `FIRST_MARK`. */
const MARKS: readonly NoResult[] = [EXPIRED, FORGOTTEN, OPENED]
/** A reason is made for people and cut to this. */
export const MAX_REASON_CHARACTERS = 1024

const tagged = (tag: number, bytes: Uint8Array): Uint8Array => {
  const entry = Buffer.allocUnsafe(1 + bytes.length)
  entry[0] = tag
  entry.set(bytes, 1)
  return entry
}

const isMark = (result: unknown): result is NoResult => MARKS.some(mark => mark === result)

/** What takes the place of a result, as an entry. */
export const encodeMark = (mark: NoResult): Uint8Array => Uint8Array.of(FIRST_MARK + MARKS.indexOf(mark))

/** A machine may answer anything: what cannot be looked at cannot be encoded either. */
const encodeResult = <R>(codec: t.Encoder<R, unknown>, result: Told<R>): Either<readonly string[], Uint8Array> => {
  try {
    if (isMark(result)) return right(encodeMark(result))
    if (result instanceof MachineFailed) return right(tagged(FAILED, Buffer.from(result.reason.slice(0, MAX_REASON_CHARACTERS))))
    const encoded = encodeValue(codec, result)
    return isLeft(encoded) ? encoded : right(tagged(OK, encoded.right))
  } catch (thrown) {
    return left([`encoding failed: ${messageOf(thrown)}`])
  }
}

const failedFrom = (reason: Uint8Array): MachineFailed => new MachineFailed(new TextDecoder().decode(reason).slice(0, MAX_REASON_CHARACTERS))

/** Encodes results one after another, each as an entry. Many commands come to the same null or true: the bytes of the one before are its own, too. */
export const resultEncoder = <R>(codec: t.Encoder<R, unknown>): ((result: Told<R>) => Either<readonly string[], Uint8Array>) => {
  let before: { readonly result: Told<R>; readonly encoded: Either<readonly string[], Uint8Array> } | undefined
  return result => {
    if (before === undefined || result !== before.result || Object(result) === result) before = { result, encoded: encodeResult(codec, result) }
    return before.encoded
  }
}

/** All results in one body, in the commands' order; one that cannot be encoded makes none. */
export const encodeResults = <R>(codec: t.Encoder<R, unknown>, results: readonly Told<R>[]): Either<string, EntryBody> => {
  const encode = resultEncoder(codec)
  const entries: Uint8Array[] = []
  for (let i = 0; i < results.length; i++) {
    const encoded = encode(results[i]!)
    if (isLeft(encoded)) return left(`result ${i}: ${encoded.left.join('; ')}`)
    entries.push(encoded.right)
  }
  return right(packEntries(entries))
}

/** The results in a body, as many as it has entries; one that cannot be decoded makes none. */
export const decodeResults = <R>(codec: t.Decoder<unknown, R>, body: EntryBody): Either<string, readonly Told<R>[]> => {
  const results: Told<R>[] = []
  const read = valuesOf(codec, body, 0, body.count)
  for (let i = 0; i < body.count; i++) {
    const from = placeOf(body, i)
    const to = placeOf(body, i + 1)
    const tag = from < to ? body.bytes[from] : undefined
    const mark = tag === undefined || to - from > 1 ? undefined : MARKS[tag - FIRST_MARK]
    if (tag === FAILED) results.push(failedFrom(body.bytes.subarray(from + 1, to)))
    else if (mark !== undefined) results.push(mark)
    else if (tag !== OK) return left(`result ${i}: a result has an unknown tag`)
    else {
      const decoded = read(from + 1, to)
      if (isLeft(decoded)) return left(`result ${i}: ${decoded.left.join('; ')}`)
      results.push(decoded.right)
    }
  }
  return right(results)
}
