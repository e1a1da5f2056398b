/**
 * A segment of a flight recording, little-endian:
 *
 *     magic, 8 bytes | format u32 | checksum of these 12 bytes u32 | record | record | …
 *     record: checksum of the rest of the record u32 | payload bytes u24 | guard u8 | payload, of which the first byte is its kind
 *
 * The guard tells a length that was damaged from a record that was not written to its end. A segment can be replayed without its
 * neighbours: its first records are its `header` and the `state` from which its turns are folded; the entries of that state
 * follow in pieces, between the first turns.
 */
import * as t from 'io-ts'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { EntryBatch, MemberId as Id, Millis, Turn } from '../../lib/types.js'
import type { ByteSink } from '../byte-sink.js'
import { type ByteSource, byteSource } from '../byte-source.js'
import { checksumOf, readUint32, writeUint32 } from '../bytes.js'
import { decodeJson, encodeJson } from '../json.js'
import { ClusterId, Count, MemberId, integer, visible } from '../primitives.js'
import { readBatches, writeBatches } from './batches.js'
import { Time } from './events.js'
import { StateRecord } from './state.js'

/** The format that this version writes, and the newest that it reads. */
export const RECORDING_FORMAT = 1
const MAGIC = Buffer.from('rxflight', 'latin1')
const PREFIX_BYTES = 16
const PREFIX_CHECKED = 12
const RECORD_HEADER_BYTES = 8
/** The largest payload that a length of 24 bits can say. */
const MAX_PAYLOAD_BYTES = 2 ** 24 - 1
const MAX_REASON_CHARACTERS = 4096

/** Whose recording it is, and where in it this segment stands. */
export interface SegmentHeader {
  readonly clusterId: string
  readonly id: Id
  /** Drawn when the member started: turns are counted anew in each run. */
  readonly run: string
  /** Counts the segments of this run, from 1. */
  readonly segment: number
  /** The last turn that is part of the state with which the segment begins. */
  readonly turn: Turn
  /** The wall clock when the segment began. */
  readonly wall: Millis
  /** Turns before this segment that were left out because the disk did not keep up. */
  readonly dropped: number
}

/** How a run ended, when it had the time to say so. */
export interface RunEnd {
  readonly how: 'stopped' | 'failed'
  /** What the failure said, shortened; empty after a stop. */
  readonly reason: string
}

const Header: t.Type<SegmentHeader, unknown> = t.strict({
  clusterId: ClusterId, id: MemberId, run: visible('Run', 64), segment: integer('Segment', 1), turn: Count, wall: Time, dropped: Count,
}, 'Header')
const End: t.Type<RunEnd, unknown> = t.strict({ how: t.keyof({ stopped: null, failed: null }), reason: t.string }, 'End')

const KINDS = ['header', 'state', 'entries', 'turn', 'end'] as const
type Kind = (typeof KINDS)[number]

const guardOf = (length: number): number => (length ^ (length >>> 8) ^ (length >>> 16) ^ 0xa5) & 0xff

/** Appends one record, and returns the bytes added. */
export const writeRecord = (sink: ByteSink, kind: Kind, content: () => void): number => {
  const start = sink.length()
  sink.word(0)
  sink.word(0)
  sink.byte(KINDS.indexOf(kind))
  content()
  const length = sink.length() - start - RECORD_HEADER_BYTES
  if (length > MAX_PAYLOAD_BYTES) throw new RangeError(`a record of ${length} bytes is larger than ${MAX_PAYLOAD_BYTES}`)
  sink.patch(start + 4, (length | (guardOf(length) << 24)) >>> 0)
  sink.patch(start, checksumOf(sink.from(start + 4)))
  return sink.length() - start
}

/** Begins a segment; `state` is to be followed by the entries of its lists. */
export const writeSegmentStart = (sink: ByteSink, header: SegmentHeader, state: StateRecord): number => {
  const prefix = new Uint8Array(PREFIX_BYTES)
  prefix.set(MAGIC)
  writeUint32(prefix, 8, RECORDING_FORMAT)
  writeUint32(prefix, PREFIX_CHECKED, checksumOf(prefix.subarray(0, PREFIX_CHECKED)))
  for (const byte of prefix) sink.byte(byte)
  return PREFIX_BYTES
    + writeRecord(sink, 'header', () => sink.blob(encodeJson(Header, header)))
    + writeRecord(sink, 'state', () => sink.blob(encodeJson(StateRecord, state)))
}

/** A piece of the entries of one list of the state: those from `start` up to `end`, exclusive. */
export const writeEntries = (sink: ByteSink, list: number, batches: readonly EntryBatch[], start: number, end: number): number =>
  writeRecord(sink, 'entries', () => {
    sink.varint(list)
    writeBatches(sink, batches, start, end)
  })

export const writeEnd = (sink: ByteSink, { how, reason }: RunEnd): number =>
  writeRecord(sink, 'end', () => sink.blob(encodeJson(End, { how, reason: reason.slice(0, MAX_REASON_CHARACTERS) })))

/** What is wrong with a segment, and where. */
export interface SegmentFault {
  readonly offset: number
  readonly reason: string
  /** Nothing is wrong, but the file ends before there is anything to replay: its writer was not given the time. */
  readonly isUnfinished: boolean
}

export const faultAt = (offset: number, reason: string): Either<SegmentFault, never> => left({ offset, reason, isUnfinished: false })

export const unfinishedAt = (offset: number, reason: string): Either<SegmentFault, never> => left({ offset, reason: `it ends ${reason}`, isUnfinished: true })

/** One record, whole and with the right checksum. */
export interface RawRecord {
  readonly offset: number
  readonly kind: Kind
  /** What follows the kind. */
  readonly content: Uint8Array
}

/** The records that could be read one after the other, and what ended them, if it was not the end of the file. */
export interface RawRecords {
  readonly records: readonly RawRecord[]
  readonly damage: SegmentFault | undefined
}

/** Passes what begins as a segment that this version reads. */
const checkPrefix = (bytes: Uint8Array): Either<SegmentFault, void> => {
  if (!MAGIC.subarray(0, bytes.length).equals(bytes.subarray(0, MAGIC.length))) return faultAt(0, 'it does not begin as a flight recording')
  if (bytes.length < PREFIX_BYTES) return unfinishedAt(bytes.length, 'before anything was recorded')
  if (readUint32(bytes, PREFIX_CHECKED) !== checksumOf(bytes.subarray(0, PREFIX_CHECKED))) return faultAt(8, 'its format does not match its checksum')
  const format = readUint32(bytes, 8)
  return format === RECORDING_FORMAT ? right(undefined) : faultAt(8, `it is of format ${format}; this version reads format ${RECORDING_FORMAT}`)
}

/** The record at `offset`; undefined where the file was not written any further: it ends, or only zeros follow. */
const recordAt = (bytes: Uint8Array, offset: number): Either<SegmentFault, RawRecord> | undefined => {
  if (bytes.length - offset < RECORD_HEADER_BYTES) return undefined
  const word = readUint32(bytes, offset + 4)
  const length = word & MAX_PAYLOAD_BYTES
  if (word >>> 24 !== guardOf(length)) {
    return bytes.subarray(offset).every(byte => byte === 0) ? undefined : faultAt(offset, 'the length of a record is damaged')
  }
  const end = offset + RECORD_HEADER_BYTES + length
  if (end > bytes.length) return undefined
  if (readUint32(bytes, offset) !== checksumOf(bytes.subarray(offset + 4, end))) return faultAt(offset, 'a record does not match its checksum')
  const kind = KINDS[bytes[offset + RECORD_HEADER_BYTES] ?? KINDS.length]
  if (length === 0 || kind === undefined) return faultAt(offset, 'a record is of an unknown kind')
  return right({ offset, kind, content: bytes.subarray(offset + RECORD_HEADER_BYTES + 1, end) })
}

/** All records of a segment. A last one that was not written to its end does not count. */
export const readRecords = (bytes: Uint8Array): Either<SegmentFault, RawRecords> => {
  const checked = checkPrefix(bytes)
  if (isLeft(checked)) return checked
  const records: RawRecord[] = []
  for (let offset = PREFIX_BYTES; ;) {
    const record = recordAt(bytes, offset)
    if (record === undefined) return right({ records, damage: undefined })
    if (isLeft(record)) return right({ records, damage: record.left })
    records.push(record.right)
    offset += RECORD_HEADER_BYTES + 1 + record.right.content.length
  }
}

const readJson = <A>(codec: t.Decoder<unknown, A>, { offset, content, kind }: RawRecord): Either<SegmentFault, A> => {
  const source = byteSource(content)
  const json = source.blob()
  const decoded: Either<string, A> = source.fault() === undefined ? decodeJson(codec, json) : left(source.fault() ?? '')
  return isLeft(decoded) ? faultAt(offset, `the ${kind}: ${decoded.left}`) : decoded
}

export const readHeader = (record: RawRecord): Either<SegmentFault, SegmentHeader> => readJson(Header, record)
export const readState = (record: RawRecord): Either<SegmentFault, StateRecord> => readJson(StateRecord, record)
export const readEnd = (record: RawRecord): Either<SegmentFault, RunEnd> => readJson(End, record)

/** A piece of the state's entries, and to which list it belongs. */
export const readEntries = ({ offset, content }: RawRecord): Either<SegmentFault, { readonly list: number; readonly batches: readonly EntryBatch[] }> => {
  const source: ByteSource = byteSource(content)
  const list = source.varint()
  const batches = readBatches(source)
  if (source.left() > 0) source.fail('it has more bytes than its entries')
  const fault = source.fault()
  return fault === undefined ? right({ list, batches }) : faultAt(offset, `entries: ${fault}`)
}
