/**
 * Sessions as bytes, in front of the machine's own in a snapshot's contents, little-endian:
 *
 *     0x89 "rxraft" version u8 | bytes of what follows u32
 *     clock f64 | time f64 | forgotten up to u64 | runs u32 | (first u64 | last u64) × runs | sessions u32 | session × sessions
 *
 * A session: id u64 | last u64 | awaited u64 | used at f64 | kept u32 | (first u64 | bytes u32 | results, as replies carry them) × kept. Contents that
 * begin otherwise are of before there were sessions, and are the machine's alone.
 */
import type { Type } from 'io-ts'
import { readFloat64, readPosition, readUint32, writeFloat64, writePosition, writeUint32, checksumOf } from '../../codecs/bytes.js'
import { readBody } from '../../codecs/entries.js'
import { type Told, decodeResults, encodeResults } from '../../codecs/results.js'
import type { MachineFailed } from '../../lib/errors.js'
import { type Either, isLeft, isRight, left, right } from '../../lib/prelude.js'
import type { Kept, Run, Session, SessionTable } from './sessions.js'

const VERSION = 1
const MAGIC = Uint8Array.of(0x89, ...Buffer.from('rxraft', 'latin1'))
/** What says that sessions follow, and how many bytes of them. */
export const PREFACE_BYTES = 12

const position = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  writePosition(bytes, 0, value)
  return bytes
}
const number = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  writeFloat64(bytes, 0, value)
  return bytes
}
const count = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  writeUint32(bytes, 0, value)
  return bytes
}

/** What may still be asked for, cut only where a number is missing: the same on all members, however the machine was given its commands. */
const runsOf = <R>({ kept, awaited }: Session<R>): readonly Kept<R>[] => {
  const runs: { first: number; results: (R | MachineFailed)[] }[] = []
  for (const { first, results } of kept) {
    const from = Math.max(first, awaited)
    const before = runs.at(-1)
    if (before !== undefined && before.first + before.results.length === from) before.results.push(...results.slice(from - first))
    else runs.push({ first: from, results: results.slice(from - first) })
  }
  return runs
}

/** What cannot be encoded cannot be told either, and is not kept. */
const sessionBytes = <R>(id: number, session: Session<R>, codec: Type<R, unknown>): readonly Uint8Array[] => {
  const kept = runsOf(session).flatMap(({ first, results }) => {
    const body = encodeResults(codec, results)
    return isLeft(body) ? [] : [[position(first), count(body.right.bytes.length), body.right.bytes]]
  })
  return [position(id), position(session.last), position(session.awaited), number(session.usedAt), count(kept.length), ...kept.flat()]
}

export const encodeSessions = <R>({ sessions, clock, time, passed, forgottenUpTo }: SessionTable<R>, codec: Type<R, unknown>): Uint8Array => {
  const parts = [number(clock), number(time), position(forgottenUpTo), count(passed.length)]
  for (const { first, last } of passed) parts.push(position(first), position(last))
  parts.push(count(sessions.size))
  for (const [id, session] of sessions) parts.push(...sessionBytes(id, session, codec))
  const bytes = parts.reduce((sum, { length }) => sum + length, 0)
  return new Uint8Array(Buffer.concat([MAGIC, Uint8Array.of(VERSION), count(bytes), ...parts]))
}

/** How many bytes of sessions follow the first of a snapshot's contents, of which `PREFACE_BYTES` are here if there are as many; undefined where there are none. */
export const readPreface = (bytes: Uint8Array): Either<string, number | undefined> => {
  if (bytes.length < PREFACE_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) return right(undefined)
  const version = bytes[MAGIC.length]
  return version === VERSION ? right(readUint32(bytes, MAGIC.length + 1)) : left(`the sessions are of format ${version}, and this version reads ${VERSION}`)
}

/** Reads what was written in a row; once something is missing everything is. */
const createReader = (bytes: Uint8Array) => {
  let at = 0
  const take = (length: number): number => {
    const from = at
    at = length <= bytes.length - at ? at + length : Number.POSITIVE_INFINITY
    return from
  }
  const read = (length: number, of: (bytes: Uint8Array, offset: number) => number): number => {
    const from = take(length)
    return at <= bytes.length ? of(bytes, from) : Number.NaN
  }
  return {
    position: () => read(8, readPosition),
    number: () => read(8, readFloat64),
    count: () => read(4, readUint32),
    view: (length: number): Uint8Array => {
      const from = take(length)
      return at <= bytes.length ? bytes.subarray(from, at) : new Uint8Array(0)
    },
    /** So many of the same, as far as they are there. */
    list: <A>(length: number, one: () => A): readonly A[] => {
      const list: A[] = []
      for (let i = 0; i < length && at <= bytes.length; i++) list.push(one())
      return list
    },
    isWhole: () => at === bytes.length,
  }
}

const isResult = <R>(told: Told<R>): told is R | MachineFailed => typeof told !== 'symbol'

/** What the codec does not read, as one that was changed since, cannot be told, and is not kept: the machine's state matters more than old answers. */
const resultsIn = <R>(bytes: Uint8Array, codec: Type<R, unknown>): Either<string, readonly (R | MachineFailed)[]> => {
  // Its bytes are summed with those around them.
  const body = readBody(bytes, checksumOf(bytes))
  if (isLeft(body)) return body
  const results = decodeResults(codec, body.right)
  return right(isLeft(results) ? [] : results.right.filter(isResult))
}

/** What `encodeSessions` wrote behind the preface. */
export const decodeSessions = <R>(bytes: Uint8Array, codec: Type<R, unknown>): Either<string, SessionTable<R>> => {
  const reader = createReader(bytes)
  const faults: string[] = []
  const kept = (): Kept<R> => {
    const first = reader.position()
    const results = resultsIn(reader.view(reader.count()), codec)
    if (isRight(results)) return { first, results: results.right }
    faults.push(results.left)
    return { first, results: [] }
  }
  const session = (): [number, Session<R>] => [reader.position(), {
    last: reader.position(), awaited: reader.position(), usedAt: reader.number(), kept: reader.list(reader.count(), kept).filter(({ results }) => results.length > 0),
  }]
  const [clock, time, forgottenUpTo] = [reader.number(), reader.number(), reader.position()]
  const passed = reader.list(reader.count(), (): Run => ({ first: reader.position(), last: reader.position() }))
  const sessions = new Map(reader.list(reader.count(), session))
  if (!reader.isWhole()) return left('the sessions end elsewhere than they say')
  return faults[0] === undefined ? right({ clock, time, forgottenUpTo, passed, sessions }) : left(`what a session has kept cannot be read: ${faults[0]}`)
}
