/**
 * What came of the commands of one request, packed as entries: each a tag, then the value of a result (tag 0) or, in UTF-8,
 * the reason why the machine failed (tag 1).
 */
import type * as t from 'io-ts'
import { MachineFailed } from '../lib/errors.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { EntryBody } from '../lib/types.js'
import { packEntries, placeOf } from './entries.js'
import { encodeValue, valuesOf } from './values.js'

const OK = 0
const FAILED = 1
/** A reason is made for people and cut to this. */
export const MAX_REASON_CHARACTERS = 1024

const tagged = (tag: number, bytes: Uint8Array): Uint8Array => {
  const entry = Buffer.allocUnsafe(1 + bytes.length)
  entry[0] = tag
  entry.set(bytes, 1)
  return entry
}

const encodeResult = <R>(codec: t.Encoder<R, unknown>, result: R | MachineFailed): Either<readonly string[], Uint8Array> => {
  if (result instanceof MachineFailed) return right(tagged(FAILED, Buffer.from(result.reason.slice(0, MAX_REASON_CHARACTERS))))
  const encoded = encodeValue(codec, result)
  return isLeft(encoded) ? encoded : right(tagged(OK, encoded.right))
}

const failedFrom = (reason: Uint8Array): MachineFailed => new MachineFailed(new TextDecoder().decode(reason).slice(0, MAX_REASON_CHARACTERS))

/** All results in one body, in the commands' order; one that cannot be encoded makes none. */
export const encodeResults = <R>(codec: t.Encoder<R, unknown>, results: readonly (R | MachineFailed)[]): Either<string, EntryBody> => {
  const entries: Uint8Array[] = []
  for (let i = 0; i < results.length; i++) {
    const result = results[i]!
    // Many commands come to the same null or true: the bytes of the one before are its own, too.
    if (i > 0 && result === results[i - 1] && Object(result) !== result) {
      entries.push(entries[i - 1]!)
      continue
    }
    const encoded = encodeResult(codec, result)
    if (isLeft(encoded)) return left(`result ${i}: ${encoded.left.join('; ')}`)
    entries.push(encoded.right)
  }
  return right(packEntries(entries))
}

/** The results in a body, as many as it has entries; one that cannot be decoded makes none. */
export const decodeResults = <R>(codec: t.Decoder<unknown, R>, body: EntryBody): Either<string, readonly (R | MachineFailed)[]> => {
  const results: (R | MachineFailed)[] = []
  const read = valuesOf(codec, body, 0, body.count)
  for (let i = 0; i < body.count; i++) {
    const from = placeOf(body, i)
    const to = placeOf(body, i + 1)
    const tag = from < to ? body.bytes[from] : undefined
    if (tag === FAILED) results.push(failedFrom(body.bytes.subarray(from + 1, to)))
    else if (tag !== OK) return left(`result ${i}: a result has an unknown tag`)
    else {
      const decoded = read(from + 1, to)
      if (isLeft(decoded)) return left(`result ${i}: ${decoded.left.join('; ')}`)
      results.push(decoded.right)
    }
  }
  return right(results)
}
