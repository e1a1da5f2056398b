/**
 * Snapshots in a recording: where they stand and what tells them apart. The bytes of chunks stay out of it; in their place stands their
 * number, and when they are read zeros: the core never looks inside.
 */
import { isLeft } from '../../lib/prelude.js'
import type { SnapshotId } from '../../lib/snapshot-id.js'
import type { Snapshot } from '../../lib/types.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { MAX_CHUNK_BYTES, decodePlace, encodePlace } from '../snapshots.js'
import { zerosOf } from './zeros.js'

export const writeSnapshot = (sink: ByteSink, snapshot: Snapshot): void => {
  sink.blob(encodePlace(snapshot))
  sink.varint(snapshot.bytes)
  sink.word(snapshot.checksum)
}

export const readSnapshot = (source: ByteSource): Snapshot | undefined => {
  const place = decodePlace(source.blob())
  if (isLeft(place)) return void source.fail(`a snapshot: ${place.left}`)
  return { ...place.right, bytes: source.varint(), checksum: source.word() }
}

export const writeSnapshotId = (sink: ByteSink, { index, term, bytes, checksum }: SnapshotId): void => {
  sink.varint(index)
  sink.varint(term)
  sink.varint(bytes)
  sink.word(checksum)
}

export const readSnapshotId = (source: ByteSource): SnapshotId =>
  ({ index: source.varint(), term: source.varint(), bytes: source.varint(), checksum: source.word() })

/** Its length and one; 0 where there is none. */
export const writeChunk = (sink: ByteSink, chunk: Uint8Array | undefined): void => sink.varint(chunk === undefined ? 0 : chunk.length + 1)

export const readChunk = (source: ByteSource): Uint8Array | undefined => {
  const length = source.varint() - 1
  if (length > MAX_CHUNK_BYTES) return void source.fail(`a chunk of ${length} bytes is longer than any that is sent`)
  return length < 0 ? undefined : zerosOf(length)
}
