/**
 * Sessions as bytes, in front of the machine's own in a snapshot's contents, little-endian, as a `ByteSink` writes them:
 *
 *     0x89 "rxraft" version u8 | piece × pieces | 0 u32
 *
 *     piece       bytes of what follows u32 | table, in the first of them, or part of a session
 *     table       clock f64 | time f64 | forgotten up to | voids | (first | last) × voids
 *     part        id | name | last | awaited | used at f64 | first | results, as replies carry them
 *
 * Who was used last comes first, and of each session what came last: of the results goes what `MAX_KEPT_BYTES` have room for. A session whose results do
 * not fit into a piece goes on in the next; one without any ends with a `first` of 0. So nothing is ever as large as all sessions together. Contents that
 * begin otherwise are of before there were sessions, and are the machine's alone.
 */
import type { Type } from 'io-ts'
import { type ByteSink, byteSink } from '../../codecs/byte-sink.js'
import { type ByteSource, byteSource } from '../../codecs/byte-source.js'
import { checksumOf } from '../../codecs/bytes.js'
import { ENTRY_OVERHEAD_BYTES, packEntries, readBody } from '../../codecs/entries.js'
import { FORGOTTEN, type Told, decodeResults, encodeMark, resultEncoder } from '../../codecs/results.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Index } from '../../lib/types.js'
import { type Kept, MAX_KEPT_BYTES, type Run, type Session, type SessionTable, noSessions } from './sessions.js'

const VERSION = 1
const MAGIC = Uint8Array.of(0x89, ...Buffer.from('rxraft', 'latin1'))
/** What says that sessions follow. */
export const PREFACE_BYTES = MAGIC.length + 1
/** What says how long a piece is. */
export const PIECE_HEADER_BYTES = 4
/** Results in a piece, unless a single one is longer. */
const PIECE_BYTES = 16 * 1024
/** So much is encoded at once, or a piece more, and goes as one chunk. */
const CHUNK_BYTES = 64 * 1024
/** What most tables have room in. */
const USUAL_BYTES = 4096

/** Results in a row, as entries. */
interface EncodedRun {
  readonly first: number
  readonly entries: readonly Uint8Array[]
}

/** Encodes results for as long as there is room. */
interface Carrier<R> {
  encode(result: Told<R>): Uint8Array
  room: number
}

/** What cannot be encoded cannot be told either. */
const createCarrier = <R>(codec: Type<R, unknown>): Carrier<R> => {
  const encode = resultEncoder(codec)
  return {
    room: MAX_KEPT_BYTES,
    encode: result => {
      const encoded = encode(result)
      return isLeft(encoded) ? encodeMark(FORGOTTEN) : encoded.right
    },
  }
}

/** What may still be asked for, from the last on: the same on all members, however the machine was given its commands. */
function* numbersOf<R>({ kept, awaited }: Session<R>): Generator<readonly [number, Told<R>]> {
  for (const { first, results } of kept.toReversed()) {
    for (let number = first + results.length - 1; number >= Math.max(first, awaited); number--) yield [number, results[number - first]!]
  }
}

/** The same in runs, each of one piece at most, for as long as there is room. */
function* runsOf<R>(session: Session<R>, carrier: Carrier<R>): Generator<EncodedRun> {
  let entries: Uint8Array[] = []
  let [first, bytes] = [0, 0]
  if (carrier.room > 0) for (const [number, result] of numbersOf(session)) {
    const entry = carrier.encode(result)
    const added = entry.length + ENTRY_OVERHEAD_BYTES
    carrier.room -= added
    if (carrier.room < 0) break
    if (entries.length > 0 && (number !== first - 1 || bytes + added > PIECE_BYTES)) {
      yield { first, entries: entries.reverse() }
      entries = []
      bytes = 0
    }
    entries.push(entry)
    first = number
    bytes += added
  }
  if (entries.length > 0) yield { first, entries: entries.reverse() }
}

const writePiece = (sink: ByteSink, write: () => void): void => {
  const at = sink.length()
  sink.word(0)
  write()
  sink.patch(at, sink.length() - at - PIECE_HEADER_BYTES)
}

const writeTable = (sink: ByteSink, { clock, time, voids, forgottenUpTo }: SessionTable<unknown>): void => {
  sink.double(clock)
  sink.double(time)
  sink.varint(forgottenUpTo)
  sink.varint(voids.length)
  for (const { first, last } of voids) {
    sink.varint(first)
    sink.varint(last)
  }
}

const writePart = (sink: ByteSink, id: Index, { name, last, awaited, usedAt }: Session<unknown>, run: EncodedRun | undefined): void => {
  sink.varint(id)
  sink.varint(name)
  sink.varint(last)
  sink.varint(awaited)
  sink.double(usedAt)
  sink.varint(run?.first ?? 0)
  if (run !== undefined) sink.blob(packEntries(run.entries).bytes)
}

function* chunksOf<R>(table: SessionTable<R>, sessions: readonly (readonly [Index, Session<R>])[], codec: Type<R, unknown>): Generator<Uint8Array, void> {
  const sink = byteSink(USUAL_BYTES)
  const carrier = createCarrier(codec)
  MAGIC.forEach(sink.byte)
  sink.byte(VERSION)
  writePiece(sink, () => writeTable(sink, table))
  for (const [id, session] of sessions) {
    let isWritten = false
    for (const run of runsOf(session, carrier)) {
      writePiece(sink, () => writePart(sink, id, session, run))
      isWritten = true
      if (sink.length() >= CHUNK_BYTES) yield sink.take()
    }
    if (!isWritten) writePiece(sink, () => writePart(sink, id, session, undefined))
    if (sink.length() >= CHUNK_BYTES) yield sink.take()
  }
  sink.word(0)
  yield sink.take()
}

/** The table as it is now, encoded one chunk after another as they are asked for. */
export const encodeSessions = <R>({ sessions, voids, ...others }: SessionTable<R>, codec: Type<R, unknown>): Generator<Uint8Array, void> =>
  chunksOf({ ...others, sessions, voids: [...voids] }, [...sessions].reverse().map(([id, session]) => [id, { ...session, kept: [...session.kept] }]), codec)

/** Whether sessions stand at the front of a snapshot's contents, of which `PREFACE_BYTES` are here if there are as many. */
export const readPreface = (bytes: Uint8Array): Either<string, boolean> => {
  if (bytes.length < PREFACE_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) return right(false)
  const version = bytes[MAGIC.length]
  return version === VERSION ? right(true) : left(`the sessions are of format ${version}, and this version reads ${VERSION}`)
}

type Result<R> = Kept<R>['results'][number]

/** What the codec does not read, as one that was changed since, cannot be told: the machine's state matters more than old answers. */
const readResults = <R>(source: ByteSource, codec: Type<R, unknown>): readonly Result<R>[] => {
  const bytes = source.blob()
  if (source.fault() !== undefined) return []
  // Its bytes are summed with those around them.
  const body = readBody(bytes, checksumOf(bytes))
  if (isLeft(body)) {
    source.fail(`what a session has kept: ${body.left}`)
    return []
  }
  return decodeResults(codec, body.right).map((told): Result<R> => typeof told === 'symbol' ? FORGOTTEN : told)
}

/** Takes the pieces of `encodeSessions` in their order. */
export interface SessionReader<R> {
  /** The next piece, without its length; the reason, where it cannot be read. */
  take(piece: Uint8Array): string | undefined
  /** All that was read. */
  readonly table: SessionTable<R>
}

export const createSessionReader = <R>(codec: Type<R, unknown>): SessionReader<R> => {
  let table: SessionTable<R> | undefined
  const newestFirst: (readonly [Index, Session<R>])[] = []

  const readPart = (source: ByteSource): void => {
    const [id, name, last, awaited, usedAt, first] = [source.varint(), source.varint(), source.varint(), source.varint(), source.double(), source.varint()]
    const run = first === 0 ? undefined : { first, results: readResults(source, codec) }
    if (newestFirst.at(-1)?.[0] !== id) newestFirst.push([id, { name, last, awaited, usedAt, kept: [] }])
    if (run !== undefined && run.results.length > 0) newestFirst.at(-1)![1].kept.push(run)
  }
  const readTable = (source: ByteSource): SessionTable<R> => ({
    clock: source.double(), time: source.double(), forgottenUpTo: source.varint(),
    voids: source.list((): Run => ({ first: source.varint(), last: source.varint() })), sessions: new Map(),
  })
  return {
    take: piece => {
      const source = byteSource(piece)
      if (table === undefined) table = readTable(source)
      else readPart(source)
      if (source.left() > 0) source.fail('something follows them')
      const fault = source.fault()
      return fault === undefined ? undefined : `the sessions cannot be read: ${fault}`
    },
    get table() {
      const sessions = new Map(newestFirst.toReversed().map(([id, session]) => [id, { ...session, kept: session.kept.toReversed() }]))
      return { ...(table ?? noSessions<R>()), sessions }
    },
  }
}
