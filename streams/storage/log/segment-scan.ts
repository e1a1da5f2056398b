import { decodeBatch } from '../../../codecs/batches.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryBatch, LogBase } from '../../../lib/types.js'
import type { Act } from '../../act/act.js'
import { type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { type FileHeader } from '../files/file-header.js'
import { type FileWindow, createFileWindow } from '../disk/file-window.js'
import {
  FIRST_RECORD, RECORD_HEADER_BYTES, type RecordHeader, type SegmentKey, decodeBase, decodeRecordHeader, isFill, recordBytes, segmentKey,
} from './segment.js'

const CHUNK_BYTES = 1024 * 1024

/** A record as it was read. Its bodies are views that the next record overwrites. */
export interface ScannedRecord {
  readonly header: RecordHeader
  readonly batches: readonly EntryBatch[]
  readonly base: LogBase | undefined
}

/** Where a segment's valid records end, and what stands there. */
export interface SegmentEnd {
  readonly isSealed: boolean
  readonly records: number
  /** Whether the last record is a mark. */
  readonly isMarked: boolean
  /** The end of the last valid record: everything before it is whole. */
  readonly tail: number
  /** The highest offset that any record of the segment, before or after the tail, proves to have been durable. */
  readonly syncedTo: number
  /** What is wrong with the sectors at the tail; undefined where they show the fill pattern. */
  readonly fault: { readonly reason: string; readonly isTorn: boolean } | undefined
  /** The end of the last sector after the tail that does not show the fill pattern; the tail if there is none. */
  readonly dirtyTo: number
}

const decodePayload = (header: RecordHeader, payload: Buffer): Either<string, Pick<ScannedRecord, 'batches' | 'base'>> => {
  if (header.type === 'base' || header.type === 'install') {
    const base = decodeBase(payload)
    return isLeft(base) ? base : right({ batches: [], base: base.right })
  }
  const batches: EntryBatch[] = []
  let at = 0
  let next = header.firstIndex
  while (at < payload.length) {
    const decoded = decodeBatch(payload, at)
    if (isLeft(decoded)) return decoded
    const { batch, end } = decoded.right
    if (batch.firstIndex !== next) return left(`index ${batch.firstIndex} follows where ${next} was expected`)
    batches.push(batch)
    next += batch.count
    at = end
  }
  return right({ batches, base: undefined })
}

/** The record at `at` of `bytes`, whose header has been read and whose payload is in memory. */
export const decodeRecord = (header: RecordHeader, bytes: Buffer, at: number): Either<string, ScannedRecord> => {
  const start = at + RECORD_HEADER_BYTES
  const payload = decodePayload(header, bytes.subarray(start, start + header.payloadBytes))
  return isLeft(payload) ? payload : right({ header, ...payload.right })
}

const hasFillSector = (key: SegmentKey, bytes: Buffer, from: number, to: number): boolean => {
  for (let at = from; at < to; at += SECTOR_BYTES) if (isFill(key, bytes, at, at + SECTOR_BYTES)) return true
  return false
}

/**
 * Whether the sector at `at` shows what a write left there that stopped within the header of a record. Behind a header that was written whole stands its payload, or
 * zeros, whatever became of the header.
 */
const isCutHeader = ({ fill }: SegmentKey, bytes: Buffer, at: number): boolean =>
  bytes.compare(fill, RECORD_HEADER_BYTES - 1, SECTOR_BYTES, at + RECORD_HEADER_BYTES - 1, at + SECTOR_BYTES) === 0

/** Looks beyond the tail: for proof that what stood there was durable, and for remains of what was being written. */
const scanRest = (window: FileWindow, key: SegmentKey, capacity: number, end: SegmentEnd): Act<SegmentEnd> => done => {
  let { dirtyTo, syncedTo } = end
  let at = end.tail
  const look = (): void => {
    const bytes = window.bytes()
    const stop = window.end()
    if (!isFill(key, bytes, window.position(at), window.position(stop))) {
      for (let offset = at; offset < stop; offset += SECTOR_BYTES) {
        const position = window.position(offset)
        if (isFill(key, bytes, position, position + SECTOR_BYTES)) continue
        dirtyTo = offset + SECTOR_BYTES
        syncedTo = Math.max(syncedTo, decodeRecordHeader(bytes, position, key.seed, offset)?.syncedTo ?? 0)
      }
    }
    at = stop
    more()
  }
  const more = (): void => {
    if (at >= capacity) return done(right({ ...end, dirtyTo, syncedTo }))
    window.load(at, SECTOR_BYTES)(outcome => (isLeft(outcome) ? done(outcome) : look()))
  }
  more()
}

/**
 * Reads a segment from its first record to its end in bounded memory; `each` sees the valid records in order and may name
 * a contradiction. Judges nothing: what a fault means depends on the segments that follow.
 */
export const scanSegment = (
  file: DiskFile, { capacity, salt }: FileHeader, each: (record: ScannedRecord) => string | undefined,
): Act<SegmentEnd> => done => {
  const key = segmentKey(salt)
  const window = createFileWindow(file, capacity, CHUNK_BYTES, true)
  let at = FIRST_RECORD
  let syncedTo = FIRST_RECORD
  let records = 0
  let isMarked = false

  const finish = (isSealed: boolean, fault: SegmentEnd['fault']): void => {
    const end: SegmentEnd = { isSealed, records, isMarked, tail: at, syncedTo, fault, dirtyTo: at }
    if (isSealed) done(right(end))
    else scanRest(window, key, capacity, end)(done)
  }
  const load = (bytes: number): void => window.load(at, bytes)(outcome => (isLeft(outcome) ? done(outcome) : advance()))

  const advance = (): void => {
    for (;;) {
      if (at >= capacity) return finish(false, { reason: 'the segment is full and does not say what follows', isTorn: false })
      if (!window.covers(at, SECTOR_BYTES)) return load(SECTOR_BYTES)
      const position = window.position(at)
      const header = decodeRecordHeader(window.bytes(), position, key.seed, at)
      if (header === undefined) {
        const unused = isFill(key, window.bytes(), position, position + SECTOR_BYTES)
        return finish(false, unused ? undefined : { reason: 'a record header does not match its checksum', isTorn: isCutHeader(key, window.bytes(), position) })
      }
      const length = recordBytes(header.payloadBytes)
      if (at + length > capacity) return finish(false, { reason: 'a record is longer than its segment', isTorn: false })
      if (!window.covers(at, length)) return load(length)
      const record = decodeRecord(header, window.bytes(), position)
      const fault = isLeft(record) ? record.left : each(record.right)
      if (fault !== undefined) return finish(false, { reason: fault, isTorn: hasFillSector(key, window.bytes(), position, position + length) })
      syncedTo = Math.max(syncedTo, header.syncedTo)
      records++
      isMarked = header.type === 'mark'
      at += length
      if (header.type === 'seal') return finish(true, undefined)
    }
  }
  advance()
}
