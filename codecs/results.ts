/**
 * What came of the commands of one request, packed as entries: each a tag, then the value of a result (tag 0) or, in UTF-8,
 * the reason why the machine failed (tag 1), or nothing where there is no result to tell (tags from 2 on).
 */
import type * as t from 'io-ts'
import { MachineFailed } from '../lib/errors.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { EntryBody } from '../lib/types.js'
import { BODY_HEADER_BYTES, ENTRY_OVERHEAD_BYTES, packEntries, placeOf } from './entries.js'
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

/** Results in one body, each in the place of its command. */
export interface CarriedResults {
  readonly body: EntryBody
  /** Why the first of those is not carried that are FORGOTTEN in their places. */
  readonly fault: string | undefined
}

/**
 * Each result stands for itself: one that cannot be encoded, or finds no room in `maxBytes`, is FORGOTTEN. Twice as much is encoded at most, and one more: so one that is
 * too large takes nothing from its neighbours, and however many there are, nobody waits for it long.
 */
export const encodeResults = <R>(codec: t.Encoder<R, unknown>, results: readonly Told<R>[], maxBytes = Number.POSITIVE_INFINITY): CarriedResults => {
  const encode = resultEncoder(codec)
  const forgotten = encodeMark(FORGOTTEN)
  let room = maxBytes - BODY_HEADER_BYTES - results.length * (ENTRY_OVERHEAD_BYTES + forgotten.length)
  let budget = 2 * maxBytes
  let fault: string | undefined
  const carry = (result: Told<R>): Either<string, Uint8Array> => {
    if (budget <= 0) return left('too much came before it')
    const encoded = encode(result)
    if (isLeft(encoded)) return left(encoded.left.join('; '))
    const { length } = encoded.right
    const added = length - forgotten.length
    budget -= length
    if (added > room) return left(`has ${length} bytes, which do not fit into a frame of maxFrameBytes with those before it`)
    room -= added
    return encoded
  }
  const entries = results.map((result, i) => {
    const carried = carry(result)
    if (!isLeft(carried)) return carried.right
    fault ??= `result ${i}: ${carried.left}`
    return forgotten
  })
  return { body: packEntries(entries), fault }
}

/** The results in a body, as many as it has entries; FORGOTTEN in the place of one that cannot be read. */
export const decodeResults = <R>(codec: t.Decoder<unknown, R>, body: EntryBody): readonly Told<R>[] => {
  const read = valuesOf(codec, body, 0, body.count)
  const resultAt = (i: number): Told<R> => {
    const from = placeOf(body, i)
    const to = placeOf(body, i + 1)
    const tag = from < to ? body.bytes[from] : undefined
    if (tag === FAILED) return failedFrom(body.bytes.subarray(from + 1, to))
    const decoded = tag === OK ? read(from + 1, to) : undefined
    if (decoded !== undefined) return isLeft(decoded) ? FORGOTTEN : decoded.right
    return (tag === undefined || to - from > 1 ? undefined : MARKS[tag - FIRST_MARK]) ?? FORGOTTEN
  }
  return Array.from({ length: body.count }, (_, i) => resultAt(i))
}
