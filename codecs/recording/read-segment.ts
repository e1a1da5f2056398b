import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { EntryBatch, Turn } from '../../lib/types.js'
import {
  type RawRecord, type RunEnd, type SegmentFault, type SegmentHeader, faultAt, readEnd, readEntries, readHeader, readRecords, readState, unfinishedAt,
} from './segment.js'
import { byteSource } from '../byte-source.js'
import { type StateRecord, stateOf } from './state.js'
import { type RecordedTurn, readTurn } from './turns.js'

/** A segment whose state could be read; its turns are decoded one by one, as they are asked for. */
export interface Segment {
  readonly header: SegmentHeader
  /** The state from which the first turn is folded. */
  readonly first: RaftState
  /** The number of the last turn; `header.turn` where there is none. */
  readonly lastTurn: Turn
  /** In order and without gaps; ends with the first that cannot be read. */
  turns(): Generator<Either<SegmentFault, RecordedTurn>, void>
  /** How the run ended, if that is part of this segment. */
  readonly end: RunEnd | undefined
  /** What ended the reading before the end of the file: everything before it can be replayed. */
  readonly damage: SegmentFault | undefined
}

/** Puts the pieces of the state's entries together. */
const gather = ({ lists: counts }: StateRecord, records: readonly RawRecord[], size: number): Either<SegmentFault, readonly (readonly EntryBatch[])[]> => {
  const lists = counts.map((): EntryBatch[] => [])
  for (const record of records) {
    if (record.kind !== 'entries') continue
    const piece = readEntries(record)
    if (isLeft(piece)) return piece
    const { list, batches } = piece.right
    const target = lists[list]
    if (target === undefined) return faultAt(record.offset, `entries: there is no list ${list}`)
    for (const batch of batches) target.push(batch)
    if (target.length > counts[list]!) return faultAt(record.offset, `entries: list ${list} has more batches than its state`)
  }
  const short = lists.findIndex((batches, i) => batches.length !== counts[i])
  return short < 0 ? right(lists) : unfinishedAt(size, `before all of its state was written: list ${short} has ${lists[short]!.length} of ${counts[short]} batches`)
}

function* turnsOf(records: readonly RawRecord[], first: Turn): Generator<Either<SegmentFault, RecordedTurn>, void> {
  let expected = first + 1
  for (const { offset, content } of records) {
    const turn = readTurn(byteSource(content))
    if (isLeft(turn)) return yield faultAt(offset, `turn ${expected}: ${turn.left}`)
    if (turn.right.turn !== expected) return yield faultAt(offset, `turn ${turn.right.turn} stands where turn ${expected} follows`)
    expected++
    yield turn
  }
}

/** Reads a whole segment. Left when there is no state to begin with; never throws, whatever the bytes are. */
export const readSegment = (bytes: Uint8Array): Either<SegmentFault, Segment> => {
  const found = readRecords(bytes)
  if (isLeft(found)) return found
  const { records, damage } = found.right
  const [headerRecord, stateRecord, ...rest] = records
  if (damage !== undefined && stateRecord === undefined) return left(damage)
  if (headerRecord === undefined || stateRecord === undefined) return unfinishedAt(bytes.length, 'before its state was written')
  if (headerRecord.kind !== 'header' || stateRecord.kind !== 'state') return faultAt(headerRecord.offset, 'it does not begin with a header and a state')
  const header = readHeader(headerRecord)
  if (isLeft(header)) return header
  const record = readState(stateRecord)
  if (isLeft(record)) return record
  const lists = gather(record.right, rest, bytes.length)
  if (isLeft(lists)) return left(damage ?? lists.left)
  const first = stateOf(record.right, lists.right)
  if (isLeft(first)) return faultAt(stateRecord.offset, `the state: ${first.left}`)
  if (first.right.turn !== header.right.turn || first.right.settings.id !== header.right.id) return faultAt(stateRecord.offset, 'the state is not the one of which the header tells')
  const turns = rest.filter(({ kind }) => kind === 'turn')
  const last = rest.at(-1)
  const end = last?.kind === 'end' ? readEnd(last) : undefined
  if (end !== undefined && isLeft(end)) return end
  return right({
    header: header.right, first: first.right, lastTurn: header.right.turn + turns.length, turns: () => turnsOf(turns, header.right.turn),
    end: end?.right, damage,
  })
}
