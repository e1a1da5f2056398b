import { bytesOf, dropAfter, dropBefore, lastIndexOf } from '../../../lib/batch.js'
import { Damaged } from '../../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { EntryBatch } from '../../../lib/types.js'
import { type Act, ensure } from '../../act/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { decodeFileHeader } from '../files/file-header.js'
import { readFully } from '../disk/file-access.js'
import { createFileWindow } from '../disk/file-window.js'
import type { Place, Span } from './log-index.js'
import { decodeRecordHeader, recordBytes, segmentName, segmentSeed } from './segment.js'
import { decodeRecord } from './segment-scan.js'

const MIN_CHUNK_BYTES = 64 * 1024
const MAX_CHUNK_BYTES = 1024 * 1024

/** What has been read so far of what was asked for. */
interface Reading {
  readonly batches: EntryBatch[]
  readonly maxBytes: number
  bytes: number
  bufferBytes: number
  isFull: boolean
}

const take = (reading: Reading, span: Span, batches: readonly EntryBatch[]): void => {
  for (const batch of batches) {
    if (lastIndexOf(batch) < span.from) continue
    if (batch.firstIndex > span.to) return
    const bytes = bytesOf(batch)
    if (reading.batches.length > 0 && reading.bytes + bytes > reading.maxBytes) {
      reading.isFull = true
      return
    }
    reading.batches.push(dropAfter(dropBefore(batch, span.from), span.to))
    reading.bytes += bytes
  }
}

/** Whether `reading` has all that it wants of `span`. */
const isDone = (reading: Reading, span: Span): boolean => {
  const last = reading.batches.at(-1)
  return reading.isFull || (last !== undefined && lastIndexOf(last) >= span.to)
}

/** Reads on from `place` to the end of its segment at most; answers where to go on, or undefined when the span is done. */
const readSegment = (file: DiskFile, path: string, place: Place, span: Span, reading: Reading): Act<Place | undefined, Error> => done => {
  const headerBytes = Buffer.alloc(SECTOR_BYTES)
  readFully(file, headerBytes, 0)(opened => {
    if (isLeft(opened)) return done(opened)
    const header = decodeFileHeader(headerBytes, 'segment')
    if (isLeft(header)) return done(left(new Damaged(path, 0, span.from, header.left.reason)))
    const { capacity, salt } = header.right
    const seed = segmentSeed(salt)
    const chunk = Math.min(Math.max(reading.maxBytes, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES)
    const window = createFileWindow(file, capacity, chunk, false)
    let at = place.offset
    const load = (bytes: number): void => window.load(at, bytes)(outcome => {
      if (isLeft(outcome)) return done(outcome)
      reading.bufferBytes += window.bytes().length
      advance()
    })
    const advance = (): void => {
      while (!isDone(reading, span)) {
        if (at >= capacity) return done(left(new Damaged(path, at, span.from, 'the segment ends without naming its successor')))
        if (!window.covers(at, SECTOR_BYTES)) return load(SECTOR_BYTES)
        const record = decodeRecordHeader(window.bytes(), window.position(at), seed, at)
        if (record === undefined) return done(left(new Damaged(path, at, span.from, 'a record header does not match its checksum')))
        if (record.type === 'seal') return done(right({ segment: place.segment + 1, offset: SECTOR_BYTES }))
        const length = recordBytes(record.payloadBytes)
        if (!window.covers(at, length)) return load(length)
        const decoded = decodeRecord(record, window.bytes(), window.position(at))
        if (isLeft(decoded)) return done(left(new Damaged(path, at, record.firstIndex, decoded.left)))
        take(reading, span, decoded.right.batches)
        at += length
      }
      done(right(undefined))
    }
    advance()
  })
}

/** A copy of the batch that shares nothing, where a small rest would keep a large buffer alive. */
const detached = (batch: EntryBatch): EntryBatch =>
  batch.kind === 'command' ? { ...batch, body: { ...batch.body, bytes: Uint8Array.prototype.slice.call(batch.body.bytes) } } : batch

/** Reads what stands in `spans`, in order: whole batches, at least one, then up to about `maxBytes`. Verifies every checksum on the way. */
export const readSpans = (disk: Disk, folder: string, spans: readonly Span[], maxBytes: number): Act<readonly EntryBatch[], Error> => done => {
  const reading: Reading = { batches: [], maxBytes, bytes: 0, bufferBytes: 0, isFull: false }
  const finish = (): void => {
    const wasteful = reading.bufferBytes > 2 * reading.bytes
    done(right(wasteful ? reading.batches.map(detached) : reading.batches))
  }
  const nextSpan = (i: number): void => {
    const span = spans[i]
    if (span === undefined || reading.isFull) finish()
    else goOn(span, span.place, i)
  }
  const goOn = (span: Span, place: Place, i: number): void => {
    const path = `${folder}/${segmentName(place.segment)}`
    disk.open(path, 'read', opened => {
      if (isLeft(opened)) return done(opened)
      const file = opened.right
      ensure(readSegment(file, path, place, span, reading), file.close)((outcome: Either<Error, Place | undefined>) => {
        if (isLeft(outcome)) done(outcome)
        else if (outcome.right === undefined) nextSpan(i + 1)
        else goOn(span, outcome.right, i)
      })
    })
  }
  nextSpan(0)
}
