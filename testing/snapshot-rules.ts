import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { checksumOf } from '../codecs/bytes.js'
import { recycled } from '../codecs/recycled.js'
import { abort, close, contentsOf, entriesTo, finish, next, openNewest, placeAt, restOf, rewind, write, writeSnapshot } from './open-snapshot.js'
import { type StorageWorld, openStore } from './open-store.js'

/** Bytes that differ from place to place and from snapshot to snapshot. */
const bytesOf = (length: number, salt: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8) * 7 + salt) % 256)

const same = (a: Uint8Array, b: Uint8Array): void => equal(Buffer.compare(a, b), 0)

const MEBIBYTE = 1024 * 1024

/** What every storage must keep of snapshots. */
export const snapshotRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'where no snapshot was written there is none to read': async world => {
    const { store, close: end } = await openStore(world.storage())
    equal(store.snapshots.newest(), undefined)
    await rejects(openNewest(store))
    await end()
  },
  'a snapshot is read back as it was written, also by the next who opens the store': async world => {
    const first = await openStore(world.storage())
    await first.write(1, entriesTo(9))
    const chunks = [1, 60, 70_000, 3].map((length, i) => bytesOf(length, i))
    const written = await writeSnapshot(first.store, placeAt(7), chunks)
    deepEqual(written, { ...placeAt(7), bytes: 70_064, checksum: checksumOf(Buffer.concat(chunks)) })
    deepEqual(first.store.snapshots.newest(), written)
    same(await contentsOf(first.store), Buffer.concat(chunks))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.snapshots.newest(), second.store.recovered.notes], [written, []])
    const reader = await openNewest(second.store)
    deepEqual(reader.snapshot, written)
    same(Buffer.concat(await restOf(reader)), Buffer.concat(chunks))
    equal(await next(reader), undefined)
    await close(reader)
    await second.close()
  },
  'it does not matter how contents are cut: no chunk that is read is empty or above a mebibyte': async world => {
    const { store, close: end } = await openStore(world.storage())
    const contents = bytesOf(5 * MEBIBYTE + 17, 3)
    const [nothing, long, rest] = [contents.subarray(0, 0), contents.subarray(0, 3 * MEBIBYTE + 1), contents.subarray(3 * MEBIBYTE + 1)]
    await writeSnapshot(store, placeAt(1), [nothing, long, rest, nothing])
    const reader = await openNewest(store)
    const chunks = await restOf(reader)
    await close(reader)
    ok(chunks.every(({ length }) => length > 0 && length <= MEBIBYTE))
    same(Buffer.concat(chunks), contents)
    await end()
  },
  'one buffer may be used for all chunks, whatever their lengths: nothing is needed of it once the next one is asked for': async world => {
    const { store, close: end } = await openStore(world.storage())
    const pieces = [70_000, 3, 60, 1, 500, 2, 9_000].map((length, i) => bytesOf(length, i))
    await writeSnapshot(store, placeAt(1), pieces)
    const reader = await openNewest(store, recycled(1))
    const read: Uint8Array[] = []
    for (let chunk = await next(reader); chunk !== undefined; chunk = await next(reader)) read.push(new Uint8Array(chunk))
    same(Buffer.concat(read), Buffer.concat(pieces))
    await close(reader)
    await end()
  },
  'whoever gives buffers to be used again finds the same in them, and the last chunks untouched': async world => {
    const { store, close: end } = await openStore(world.storage())
    const pieces = [1, 60, 70_000, 3, 70_001, 9].map((length, i) => bytesOf(length, i))
    await writeSnapshot(store, placeAt(1), pieces)
    const buffers = recycled(3)
    const reader = await openNewest(store, buffers)
    const read: Uint8Array[] = []
    const copies: Uint8Array[] = []
    for (let chunk = await next(reader); chunk !== undefined; chunk = await next(reader)) {
      buffers.pass()
      read.push(chunk)
      copies.push(new Uint8Array(chunk))
      for (let i = Math.max(0, read.length - 3); i < read.length; i++) same(read[i]!, copies[i]!)
    }
    same(Buffer.concat(copies), Buffer.concat(pieces))
    await close(reader)
    await end()
  },
  'a snapshot may be empty': async world => {
    const first = await openStore(world.storage())
    equal((await writeSnapshot(first.store, placeAt(2), [])).bytes, 0)
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(second.store.snapshots.newest(), { ...placeAt(2), bytes: 0, checksum: 0 })
    equal((await contentsOf(second.store)).length, 0)
    await second.close()
  },
  'what was written and read belongs to whoever gave and took it': async world => {
    const { store, close: end } = await openStore(world.storage())
    for (const [index, own] of [bytesOf(100, 1), Buffer.from(bytesOf(100, 1))].entries()) {
      const writer = store.snapshots.write(placeAt(index + 1))
      await write(writer, own)
      own.fill(0)
      await finish(writer)
      const reader = await openNewest(store)
      ;(await next(reader))?.fill(0)
      await close(reader)
      same(await contentsOf(store), bytesOf(100, 1))
    }
    await end()
  },
  'the newest replaces the one before, and who reads that one reads on': async world => {
    const first = await openStore(world.storage())
    await first.write(1, entriesTo(9))
    const old = [bytesOf(50_000, 1), bytesOf(50_000, 2)]
    const written = await writeSnapshot(first.store, placeAt(3), old)
    const reader = await openNewest(first.store)
    const begun = await next(reader)
    const newer = await writeSnapshot(first.store, placeAt(9), [bytesOf(10, 9)])
    deepEqual(first.store.snapshots.newest(), newer)
    deepEqual(reader.snapshot, written)
    same(Buffer.concat([begun!, ...await restOf(reader)]), Buffer.concat(old))
    same(await contentsOf(first.store), bytesOf(10, 9))
    await close(reader)
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.snapshots.newest(), second.store.recovered.notes], [newer, []])
    await second.close()
  },
  'who reads may begin again, at any chunk, also of one that has been replaced': async world => {
    const { store, close: end } = await openStore(world.storage())
    const pieces = [50_000, 3, 70_000].map((length, i) => bytesOf(length, i))
    await writeSnapshot(store, placeAt(3), pieces)
    for (const [begun, buffers] of [[0, undefined], [1, undefined], [2, recycled(3)], [9, undefined], [9, recycled(3)]] as const) {
      const reader = await openNewest(store, buffers)
      for (let i = 0; i < begun; i++) await next(reader)
      await writeSnapshot(store, placeAt(store.snapshots.newest()!.index + 1), pieces)
      await rewind(reader)
      same(Buffer.concat(await restOf(reader)), Buffer.concat(pieces))
      await close(reader)
      await rejects(rewind(reader))
    }
    await end()
  },
  'one that is given up leaves the newest, and its place to the next one': async world => {
    const first = await openStore(world.storage())
    await first.write(1, entriesTo(9))
    const written = await writeSnapshot(first.store, placeAt(3), [bytesOf(10, 3)])
    const given = first.store.snapshots.write(placeAt(9))
    await write(given, bytesOf(100, 9))
    await abort(given)
    await abort(given)
    await rejects(write(given, bytesOf(1, 1)))
    await rejects(finish(given))
    deepEqual(first.store.snapshots.newest(), written)
    const next = await writeSnapshot(first.store, placeAt(9), [bytesOf(20, 4)])
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.snapshots.newest(), second.store.recovered.notes], [next, []])
    same(await contentsOf(second.store), bytesOf(20, 4))
    await second.close()
  },
  'one at a time is written, and each is newer than the last': async world => {
    const { store, close: end } = await openStore(world.storage())
    const one = store.snapshots.write(placeAt(5))
    const other = store.snapshots.write(placeAt(6))
    await rejects(write(other, bytesOf(1, 1)))
    await abort(other)
    await write(one, bytesOf(5, 5))
    const written = await finish(one)
    await rejects(finish(one))
    await abort(one)
    for (const index of [4, 5]) await rejects(writeSnapshot(store, placeAt(index), []))
    deepEqual(store.snapshots.newest(), written)
    same(await contentsOf(store), bytesOf(5, 5))
    await end()
  },
  'no answer comes during the call that asks for it': async world => {
    const { store, close: end } = await openStore(world.storage())
    const later = (ask: (done: () => void) => void): Promise<void> => new Promise((resolve, reject) => {
      let isAsking = true
      ask(() => (isAsking ? reject(new Error('the answer came during the call')) : resolve()))
      isAsking = false
    })
    const writer = store.snapshots.write(placeAt(1))
    await later(done => writer.write(bytesOf(10, 1), done))
    await later(done => writer.finish(done))
    await later(done => writer.write(bytesOf(10, 1), done))
    await later(done => writer.abort(done))
    await later(done => store.snapshots.read(done))
    const reader = await openNewest(store)
    for (let i = 0; i < 3; i++) await later(done => reader.next(done))
    await later(done => reader.close(done))
    await later(done => reader.next(done))
    await end()
  },
  'closing the store gives up what is being written and ends what is being read': async world => {
    const first = await openStore(world.storage())
    await first.write(1, entriesTo(9))
    const { store } = first
    const written = await writeSnapshot(store, placeAt(3), [bytesOf(10, 3)])
    const writer = store.snapshots.write(placeAt(9))
    await write(writer, bytesOf(100, 9))
    const reader = await openNewest(store)
    await Promise.allSettled([write(writer, bytesOf(100, 9)), openNewest(store).then(next), next(reader), first.close()])
    await rejects(finish(writer))
    await rejects(next(reader))
    await rejects(openNewest(store))
    await rejects(writeSnapshot(store, placeAt(20), []))
    await Promise.all([abort(writer), close(reader)])
    const second = await openStore(world.storage())
    deepEqual([second.store.snapshots.newest(), second.store.recovered.notes], [written, []])
    same(await contentsOf(second.store), bytesOf(10, 3))
    await second.close()
  },
  'a snapshot that is being finished when the store is closed is finished': async world => {
    const first = await openStore(world.storage())
    const writer = first.store.snapshots.write(placeAt(3))
    await write(writer, bytesOf(100, 3))
    const [written] = await Promise.all([finish(writer), first.close()])
    const second = await openStore(world.storage())
    deepEqual(second.store.snapshots.newest(), written)
    await second.close()
  },
}
