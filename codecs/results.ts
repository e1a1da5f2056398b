/**
 * What came of the commands of one request, packed as entries: each a tag, then the value of a result (tag 0) or, in UTF-8,
 * the reason why the machine failed (tag 1).
 */
import type * as t from 'io-ts'
import { MachineFailed } from '../lib/errors.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { EntryBody } from '../lib/types.js'
import { forEachEntry, packEntries } from './entries.js'
import { decodeValue, encodeValue } from './values.js'

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

const decodeResult = <R>(codec: t.Decoder<unknown, R>, entry: Uint8Array): Either<readonly string[], R | MachineFailed> => {
  switch (entry[0]) {
    case OK: return decodeValue(codec, entry.subarray(1))
    case FAILED: return right(new MachineFailed(new TextDecoder().decode(entry.subarray(1)).slice(0, MAX_REASON_CHARACTERS)))
    default: return left(['a result has an unknown tag'])
  }
}

/** All results in one body, in the commands' order; one that cannot be encoded makes none. */
export const encodeResults = <R>(codec: t.Encoder<R, unknown>, results: readonly (R | MachineFailed)[]): Either<string, EntryBody> => {
  const entries: Uint8Array[] = []
  for (const result of results) {
    const encoded = encodeResult(codec, result)
    if (isLeft(encoded)) return left(`result ${entries.length}: ${encoded.left.join('; ')}`)
    entries.push(encoded.right)
  }
  return right(packEntries(entries))
}

/** The results in a body, as many as it has entries; one that cannot be decoded makes none. */
export const decodeResults = <R>(codec: t.Decoder<unknown, R>, body: EntryBody): Either<string, readonly (R | MachineFailed)[]> => {
  const results: (R | MachineFailed)[] = []
  let fault: string | undefined
  forEachEntry(body, 0, body.count, (entry, position) => {
    if (fault !== undefined) return
    const decoded = decodeResult(codec, entry)
    if (isLeft(decoded)) fault = `result ${position}: ${decoded.left.join('; ')}`
    else results.push(decoded.right)
  })
  return fault === undefined ? right(results) : left(fault)
}
