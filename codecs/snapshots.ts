/**
 * What a snapshot stands for, as bytes: in its file, and in each message that carries a chunk of it. Little-endian:
 *
 *     index u64 | term u64 | time f64 | compression u32 | membership, JSON
 *
 * Whatever holds a place vouches for its bytes.
 */
import * as t from 'io-ts'
import { isTime } from '../lib/bounds.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type * as snapshots from '../lib/snapshot-id.js'
import type * as core from '../lib/types.js'
import { readFloat64, readPosition, readUint32, writeFloat64, writePosition, writeUint32 } from './bytes.js'
import { Membership, decodeMembership, encodeMembership } from './membership.js'
import { Checksum, Count, EntryIndex, EntryTerm, Millis, guard } from './primitives.js'

/** No chunk of a snapshot's contents is longer, on the disk, on the wire or where it is read. */
export const MAX_CHUNK_BYTES = 1024 * 1024
/** Above the place with the largest membership: three full lists of the longest ids, each with the longest address. */
export const MAX_PLACE_BYTES = 160 * 1024
const MEMBERSHIP_AT = 28
const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const satisfies readonly core.Compression[]

export const encodePlace = ({ index, term, time, compression, membership }: core.SnapshotPlace): Uint8Array => {
  if (!isTime(time)) throw new RangeError(`a snapshot of time ${time} could not be read again`)
  const json = encodeMembership(membership)
  const payload = new Uint8Array(MEMBERSHIP_AT + json.length)
  writePosition(payload, 0, index)
  writePosition(payload, 8, term)
  writeFloat64(payload, 16, time)
  writeUint32(payload, 24, COMPRESSIONS.indexOf(compression))
  payload.set(json, MEMBERSHIP_AT)
  return payload
}

export const decodePlace = (payload: Uint8Array): Either<string, core.SnapshotPlace> => {
  if (payload.length < MEMBERSHIP_AT) return left('the place is shorter than its fields')
  if (payload.length > MAX_PLACE_BYTES) return left('the place is longer than any')
  const place = { index: readPosition(payload, 0), term: readPosition(payload, 8), time: readFloat64(payload, 16) }
  if (!(place.index >= 0 && place.term >= 0 && isTime(place.time))) return left('the place is out of range')
  const compression = COMPRESSIONS[readUint32(payload, 24)]
  if (compression === undefined) return left('the contents are compressed in a way that this version does not know')
  const membership = decodeMembership(payload.subarray(MEMBERSHIP_AT))
  return isLeft(membership) ? membership : right({ ...place, compression, membership: membership.right })
}

/** A snapshot holds what an entry did, so its place is that of one. */
const id = { index: EntryIndex, term: EntryTerm }
const contents = { bytes: Count, checksum: Checksum }

export const Compression: t.Type<core.Compression, unknown> = t.keyof({ none: null, gzip: null, zstd: null } satisfies Record<core.Compression, null>, 'Compression')

export const Snapshot: t.Type<core.Snapshot, unknown> =
  t.strict({ ...id, time: Millis, compression: Compression, membership: Membership, ...contents }, 'Snapshot')

/** What tells one snapshot from every other. */
export const SnapshotId: t.Type<snapshots.SnapshotId, unknown> = t.strict({ ...id, ...contents }, 'SnapshotId')

/** A chunk's outside; its inside is checked once, where its bytes come in. */
export const Chunk: t.Type<Uint8Array, unknown> = guard<Uint8Array>('Chunk', value =>
  value instanceof Uint8Array && value.length <= MAX_CHUNK_BYTES ? undefined : `must be at most ${MAX_CHUNK_BYTES} bytes`)
