/**
 * Sessions as bytes, in front of the machine's own in a snapshot's contents, little-endian, as a `ByteSink` writes them:
 *
 *     0x89 "rxraft" version u8 | bytes of what follows u32
 *     clock f64 | time f64 | forgotten up to | voids | (first | last) × voids | sessions | session × sessions
 *
 * A session: id | last | awaited | used at f64 | kept | (first | results, as replies carry them) × kept. Contents that begin otherwise are of before there
 * were sessions, and are the machine's alone.
 */
import type { Type } from 'io-ts'
import { type ByteSink, byteSink } from '../../codecs/byte-sink.js'
import { type ByteSource, byteSource } from '../../codecs/byte-source.js'
import { checksumOf, readUint32 } from '../../codecs/bytes.js'
import { readBody } from '../../codecs/entries.js'
import { type Told, decodeResults, encodeResults } from '../../codecs/results.js'
import type { MachineFailed } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Kept, Run, Session, SessionTable } from './sessions.js'

const VERSION = 1
const MAGIC = Uint8Array.of(0x89, ...Buffer.from('rxraft', 'latin1'))
/** What says that sessions follow, and how many bytes of them. */
export const PREFACE_BYTES = 12
/** What most tables have room in. */
const USUAL_BYTES = 4096

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

const writeList = <A>(sink: ByteSink, items: readonly A[], write: (item: A) => void): void => {
  sink.varint(items.length)
  items.forEach(write)
}

/** What cannot be encoded cannot be told either, and is not kept. */
const writeSession = <R>(sink: ByteSink, id: number, session: Session<R>, codec: Type<R, unknown>): void => {
  const kept = runsOf(session).flatMap(({ first, results }) => {
    const body = encodeResults(codec, results)
    return isLeft(body) ? [] : [{ first, bytes: body.right.bytes }]
  })
  sink.varint(id)
  sink.varint(session.last)
  sink.varint(session.awaited)
  sink.double(session.usedAt)
  writeList(sink, kept, ({ first, bytes }) => {
    sink.varint(first)
    sink.blob(bytes)
  })
}

export const encodeSessions = <R>({ sessions, clock, time, voids, forgottenUpTo }: SessionTable<R>, codec: Type<R, unknown>): Uint8Array => {
  const sink = byteSink(USUAL_BYTES)
  MAGIC.forEach(sink.byte)
  sink.byte(VERSION)
  sink.word(0)
  sink.double(clock)
  sink.double(time)
  sink.varint(forgottenUpTo)
  writeList(sink, voids, ({ first, last }) => {
    sink.varint(first)
    sink.varint(last)
  })
  writeList(sink, [...sessions], ([id, session]) => writeSession(sink, id, session, codec))
  sink.patch(PREFACE_BYTES - 4, sink.length() - PREFACE_BYTES)
  return sink.take()
}

/** How many bytes of sessions follow the first of a snapshot's contents, of which `PREFACE_BYTES` are here if there are as many; undefined where there are none. */
export const readPreface = (bytes: Uint8Array): Either<string, number | undefined> => {
  if (bytes.length < PREFACE_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) return right(undefined)
  const version = bytes[MAGIC.length]
  return version === VERSION ? right(readUint32(bytes, MAGIC.length + 1)) : left(`the sessions are of format ${version}, and this version reads ${VERSION}`)
}

const isResult = <R>(told: Told<R>): told is R | MachineFailed => typeof told !== 'symbol'

/** What the codec does not read, as one that was changed since, cannot be told, and is not kept: the machine's state matters more than old answers. */
const readResults = <R>(source: ByteSource, codec: Type<R, unknown>): readonly (R | MachineFailed)[] => {
  const bytes = source.blob()
  if (source.fault() !== undefined) return []
  // Its bytes are summed with those around them.
  const body = readBody(bytes, checksumOf(bytes))
  if (isLeft(body)) {
    source.fail(`what a session has kept: ${body.left}`)
    return []
  }
  const results = decodeResults(codec, body.right)
  return isLeft(results) ? [] : results.right.filter(isResult)
}

const readSession = <R>(source: ByteSource, codec: Type<R, unknown>): [number, Session<R>] => [source.varint(), {
  last: source.varint(), awaited: source.varint(), usedAt: source.double(),
  kept: source.list((): Kept<R> => ({ first: source.varint(), results: readResults(source, codec) })).filter(({ results }) => results.length > 0),
}]

/** What `encodeSessions` wrote behind the preface. */
export const decodeSessions = <R>(bytes: Uint8Array, codec: Type<R, unknown>): Either<string, SessionTable<R>> => {
  const source = byteSource(bytes)
  const table: SessionTable<R> = {
    clock: source.double(), time: source.double(), forgottenUpTo: source.varint(),
    voids: source.list((): Run => ({ first: source.varint(), last: source.varint() })),
    sessions: new Map(source.list(() => readSession(source, codec))),
  }
  if (source.left() > 0) source.fail('something follows them')
  const fault = source.fault()
  return fault === undefined ? right(table) : left(`the sessions cannot be read: ${fault}`)
}
