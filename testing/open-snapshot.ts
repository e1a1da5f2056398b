import { checksumOf } from '../codecs/bytes.js'
import type { Recycled } from '../codecs/recycled.js'
import type { Write } from '../lib/events.js'
import { type Either, isLeft } from '../lib/prelude.js'
import type { Index, Snapshot, SnapshotPlace } from '../lib/types.js'
import type { SnapshotReader, SnapshotReceiver, SnapshotWriter, Store } from '../streams/storage/port.js'
import { MEMBERSHIP, append, commands } from './open-store.js'

/** Resolves with what `act` answers, rejects with its failure. */
export const answered = <A>(act: (done: (outcome: Either<Error, A>) => void) => void): Promise<A> =>
  new Promise((resolve, reject) => act(outcome => (isLeft(outcome) ? reject(outcome.left) : resolve(outcome.right))))

export const placeAt = (index: Index): SnapshotPlace => ({ index, term: 1 + index, time: 1_700_000_000_000.5 + index, compression: 'none', membership: MEMBERSHIP })

/** Entries of which the last one stands at `placeAt(last)`, each in a term of its own. */
export const entriesTo = (last: Index, from: Index = 1): Write =>
  append(...Array.from({ length: last - from + 1 }, (_, i) => commands(from + i, placeAt(from + i).term, `e${from + i}`)))

export const write = (writer: Pick<SnapshotWriter, 'write'>, chunk: Uint8Array): Promise<void> => answered(done => writer.write(chunk, done))
export const finish = (writer: Pick<SnapshotWriter, 'finish'>): Promise<Snapshot> => answered(done => writer.finish(done))
export const abort = (writer: SnapshotWriter): Promise<void> => new Promise(resolve => writer.abort(resolve))

export const openNewest = ({ snapshots }: Store, buffers?: Recycled): Promise<SnapshotReader> => answered(done => snapshots.read(done, buffers))
export const next = (reader: SnapshotReader): Promise<Uint8Array | undefined> => answered(done => reader.next(done))
export const rewind = (reader: SnapshotReader): Promise<void> => answered(done => reader.rewind(done))
export const close = (reader: SnapshotReader): Promise<void> => new Promise(resolve => reader.close(resolve))

export const receive = ({ snapshots }: Store, snapshot: Snapshot): Promise<SnapshotReceiver> => answered(done => snapshots.receive(snapshot, done))
export const letGo = (receiver: SnapshotReceiver): Promise<void> => new Promise(resolve => receiver.close(resolve))

/** What these chunks make of a place. */
export const snapshotOf = (place: SnapshotPlace, chunks: readonly Uint8Array[]): Snapshot => {
  const contents = Buffer.concat(chunks)
  return { ...place, bytes: contents.length, checksum: checksumOf(contents) }
}

/** Receives a whole snapshot in these chunks, or what is missing of it. */
export const receiveSnapshot = async (store: Store, snapshot: Snapshot, chunks: readonly Uint8Array[]): Promise<Snapshot> => {
  const receiver = await receive(store, snapshot)
  const rest = Buffer.concat(chunks).subarray(receiver.received)
  const bytes = Math.max(1, ...chunks.map(({ length }) => length))
  for (let at = 0; at < rest.length; at += bytes) await write(receiver, rest.subarray(at, at + bytes))
  return finish(receiver)
}

/** Writes a whole snapshot in these chunks. */
export const writeSnapshot = async ({ snapshots }: Store, place: SnapshotPlace, chunks: readonly Uint8Array[]): Promise<Snapshot> => {
  const writer = snapshots.write(place)
  for (const chunk of chunks) await write(writer, chunk)
  return finish(writer)
}

/** What is left of a snapshot, chunk by chunk. */
export const restOf = async (reader: SnapshotReader): Promise<readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  for (let chunk = await next(reader); chunk !== undefined; chunk = await next(reader)) chunks.push(new Uint8Array(chunk))
  return chunks
}

/** The contents of the newest snapshot. */
export const contentsOf = async (store: Store): Promise<Buffer> => {
  const reader = await openNewest(store)
  try {
    return Buffer.concat(await restOf(reader))
  } finally {
    await close(reader)
  }
}
