import test from 'ava'
import { checksumOf, writeUint32 } from '../../../codecs/bytes.js'
import { Damaged, WrongFolder } from '../../../lib/errors.js'
import { isLeft } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { SALT_BYTES } from '../../../streams/storage/files/file-header.js'
import { END_BYTES, RECORD_HEADER_BYTES, encodeEnd, encodeRecordHeader, snapshotName, snapshotNamed } from '../../../streams/storage/snapshots/snapshot-file.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { close, contentsOf, entriesTo, next, openNewest, placeAt, receiveSnapshot, snapshotOf, writeSnapshot } from '../../../testing/open-snapshot.js'
import { OWNER, type OpenedStore, openStore, tryOpen } from '../../../testing/open-store.js'
import { FOLDER, storageOn } from './store-script.js'

const CHUNKS = [Buffer.from('first '), Buffer.from('second'), Buffer.from(' third and last')]
const WHOLE = Buffer.concat(CHUNKS).toString()

const pathAt = (index: Index): string => `${FOLDER}/${snapshotName(placeAt(index))}`

/** A stopped store with these snapshots; removing what the last one replaced has failed. */
const written = async (places: readonly Index[], owner = OWNER): Promise<MemoryDisk> => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk), owner)
  await opened.write(1, entriesTo(10))
  for (const [i, index] of places.entries()) {
    // The first file that is removed is a temporary one that is not there.
    if (i > 0) disk.failNext('unlink', 'EIO', 1)
    await writeSnapshot(opened.store, placeAt(index), i === places.length - 1 ? CHUNKS : [Buffer.from('older')])
  }
  await opened.close()
  return disk
}

type Change = readonly [string, (bytes: Uint8Array) => Uint8Array]

function* damages(bytes: Uint8Array): Generator<Change> {
  for (const at of bytes.keys()) {
    yield [`flip at ${at}`, old => Uint8Array.from(old, (byte, i) => (i === at ? byte ^ 1 << (at % 8) : byte))]
    yield [`cut to ${at}`, old => old.subarray(0, at)]
  }
  for (const more of [1, 32, 600]) yield [`${more} bytes more`, old => Uint8Array.from([...old, ...new Uint8Array(more)])]
  yield ['its end twice', old => Uint8Array.from([...old, ...old.subarray(-32)])]
}

/** Reads to the first failure: what came before it must be the beginning of what was written. */
const faultOfReading = async (opened: OpenedStore, path: string): Promise<string | undefined> => {
  const reader = await openNewest(opened.store)
  let read = ''
  try {
    for (let chunk = await next(reader); chunk !== undefined; chunk = await next(reader)) {
      read += Buffer.from(chunk).toString()
      if (!WHOLE.startsWith(read)) return `it gave ${read}`
    }
    return 'it was read to its end'
  } catch (error) {
    return error instanceof Damaged && error.file === path && error.offset > 0 ? undefined : String(error)
  } finally {
    await close(reader)
  }
}

test('whatever is damaged in a snapshot is reported at the start or by its reader, and never deleted', async t => {
  const disk = await written([3, 9])
  t.is(disk.files().filter(path => path.includes('snapshot-')).length, 2)
  const path = pathAt(9)
  const seen = { start: 0, reader: 0 }
  for (const [what, change] of damages(disk.contents(path))) {
    const copy = disk.clone()
    copy.tamper(path, change)
    const before = copy.contents(path)
    const opened = await openStore(storageOn(copy))
    const newest = opened.store.snapshots.newest()?.index
    const isNoted = opened.store.recovered.notes.some(note => note.includes(`${path} is damaged at offset`))
    if (newest === 3) {
      seen.start++
      t.true(isNoted, what)
      t.is((await contentsOf(opened.store)).toString(), 'older', what)
    } else {
      seen.reader++
      t.deepEqual([newest, isNoted], [9, false], what)
      t.is(await faultOfReading(opened, path), undefined, what)
    }
    await opened.close()
    t.is(Buffer.compare(copy.contents(path), before), 0, what)
    t.is(copy.openFiles(), 0, what)
  }
  t.true(seen.start > 500 && seen.reader > 50, JSON.stringify(seen))
})

for (const index of [9, 10]) test(`a snapshot at ${index} counts, whatever is damaged at 9`, async t => {
  const disk = await written([9])
  disk.tamper(pathAt(9), bytes => bytes.subarray(1))
  const first = await openStore(storageOn(disk))
  t.is(first.store.snapshots.newest(), undefined)
  await writeSnapshot(first.store, placeAt(index), CHUNKS)
  await first.close()
  const second = await openStore(storageOn(disk))
  t.is(second.store.snapshots.newest()?.index, index)
  t.is(second.store.recovered.notes.length, index - 9)
  t.is((await contentsOf(second.store)).toString(), WHOLE)
  await second.close()
})

/** A way to put another snapshot into the place of a damaged one. */
const OTHERS: Readonly<Record<string, (opened: OpenedStore, index: Index) => Promise<unknown>>> = {
  taken: ({ store }, index) => writeSnapshot(store, placeAt(index), CHUNKS),
  received: ({ store }, index) => receiveSnapshot(store, snapshotOf(placeAt(index), CHUNKS), CHUNKS),
}

for (const [how, put] of Object.entries(OTHERS)) {
  for (const index of [8, 9, 10]) {
    test(`where reading finds damage at 9, one that is ${how} at ${index} takes its place`, async t => {
      const disk = await written([9])
      disk.tamper(pathAt(9), bytes => bytes.fill(0, bytes.length - END_BYTES - 10, bytes.length - END_BYTES))
      const damaged = disk.contents(pathAt(9))
      const first = await openStore(storageOn(disk))
      t.is(first.store.snapshots.newest()?.index, 9)
      t.is(await faultOfReading(first, pathAt(9)), undefined)
      t.is(first.store.snapshots.newest(), undefined)
      await t.throwsAsync(openNewest(first.store))
      t.is(Buffer.compare(disk.contents(pathAt(9)), damaged), 0, 'damage is never a reason to delete')
      await put(first, index)
      t.is(first.store.snapshots.newest()?.index, index)
      t.is((await contentsOf(first.store)).toString(), WHOLE)
      t.deepEqual(disk.files().filter(path => path.includes('snapshot-')), [pathAt(index)])
      await first.close()
      disk.crash({ keep: 0 })
      const second = await openStore(storageOn(disk))
      t.deepEqual([second.store.snapshots.newest()?.index, second.store.recovered.notes], [index, []])
      await second.close()
    })
  }
}

test('a damaged snapshot of a higher index that cannot be removed is not followed by one that the next start would not find', async t => {
  const disk = await written([9])
  disk.tamper(pathAt(9), bytes => bytes.fill(0, bytes.length - END_BYTES - 10, bytes.length - END_BYTES))
  const first = await openStore(storageOn(disk))
  t.is(await faultOfReading(first, pathAt(9)), undefined)
  disk.failNext('unlink', 'EIO', 1)
  await t.throwsAsync(writeSnapshot(first.store, placeAt(8), CHUNKS), { message: /EIO/ })
  t.deepEqual(disk.files().filter(path => path.includes('snapshot-')), [pathAt(9)])
  await first.close()
})

test('damage in a snapshot that was replaced says nothing about the newest', async t => {
  const disk = await written([9])
  disk.tamper(pathAt(9), bytes => bytes.fill(0, bytes.length - END_BYTES - 10, bytes.length - END_BYTES))
  const opened = await openStore(storageOn(disk))
  const reader = await openNewest(opened.store)
  await writeSnapshot(opened.store, placeAt(10), CHUNKS)
  await t.throwsAsync((async () => { while (await next(reader) !== undefined); })(), { instanceOf: Damaged })
  t.is(opened.store.snapshots.newest()?.index, 10)
  await close(reader)
  await opened.close()
})

test('a file that was damaged while the store was open is no snapshot any more', async t => {
  const disk = await written([9])
  const opened = await openStore(storageOn(disk))
  disk.tamper(pathAt(9), bytes => bytes.subarray(1))
  await t.throwsAsync(openNewest(opened.store), { instanceOf: Damaged })
  t.is(opened.store.snapshots.newest(), undefined)
  await opened.close()
})

test('chunks that are intact, and not where they were written, are no contents', async t => {
  const disk = await written([9])
  const length = RECORD_HEADER_BYTES + CHUNKS[0]!.length
  const from = disk.contents(pathAt(9)).length - END_BYTES - CHUNKS.length * RECORD_HEADER_BYTES - WHOLE.length
  const moves: readonly Change[] = [
    ['swapped', old => Buffer.concat([
      old.subarray(0, from), old.subarray(from + length, from + 2 * length), old.subarray(from, from + length), old.subarray(from + 2 * length),
    ])],
    ['followed by an end of its own', old => {
      const end = encodeEnd({ offset: from + length, bytes: WHOLE.length, checksum: checksumOf(Buffer.from(WHOLE)) })
      return Buffer.concat([old.subarray(0, from + length), encodeRecordHeader('end', end, checksumOf(old.subarray(40, 40 + SALT_BYTES))), end])
    }],
    ['doubled', old => Buffer.concat([old.subarray(0, from + length), old.subarray(from, from + length), old.subarray(from + 2 * length)])],
  ]
  for (const [what, change] of moves) {
    const copy = disk.clone()
    copy.tamper(pathAt(9), change)
    const opened = await openStore(storageOn(copy))
    t.is(await faultOfReading(opened, pathAt(9)), undefined, what)
    await opened.close()
  }
})

test('a snapshot of another cluster or of a later version is refused, and one under another name is damaged', async t => {
  const disk = await written([9])
  const stranger = await written([9], { ...OWNER, clusterId: 'd'.repeat(64) })
  const foreign = disk.clone()
  foreign.tamper(pathAt(9), () => stranger.contents(pathAt(9)))
  const later = disk.clone()
  later.tamper(pathAt(9), bytes => {
    writeUint32(bytes, 8, 3)
    writeUint32(bytes, 12, checksumOf(bytes.subarray(0, 12)))
    return bytes
  })
  for (const [copy, words] of [[foreign, /its snapshot file belongs to a cluster/], [later, /format 3 of a later version/]] as const) {
    const outcome = await tryOpen(storageOn(copy))
    t.true(isLeft(outcome) && outcome.left instanceof WrongFolder && words.test(outcome.left.message))
    t.is(copy.openFiles(), 0)
  }
  const earlier = await written([3])
  const renamed = disk.clone()
  renamed.tamper(pathAt(9), () => earlier.contents(pathAt(3)))
  const opened = await openStore(storageOn(renamed))
  t.is(opened.store.snapshots.newest(), undefined)
  t.true(opened.store.recovered.notes.some(note => note.includes('another place than its name says')))
  await opened.close()
})

test('a folder with a snapshot and without its identity is damaged', async t => {
  const disk = await written([9])
  for (const path of disk.files()) if (!path.includes('snapshot-')) disk.remove(path)
  const outcome = await tryOpen(storageOn(disk))
  t.true(isLeft(outcome) && outcome.left instanceof Damaged && outcome.left.message.includes('snapshot-'))
})

test('nothing but the one spelling of a name is a snapshot', t => {
  t.deepEqual(snapshotNamed('snapshot-0000000000000012-7'), { index: 12, term: 7 })
  const last = { index: Number.MAX_SAFE_INTEGER, term: Number.MAX_SAFE_INTEGER }
  t.deepEqual(snapshotNamed(snapshotName(last)), last)
  const others = [
    'snapshot-12-7', 'snapshot-0000000000000012', 'snapshot-0000000000000012-07', 'snapshot-0000000000000012-', 'snapshot-0000000000000012-7.tmp',
    'snapshot-00000000000000012-7', 'snapshot-000000000000001a-7', ' snapshot-0000000000000012-7', 'snapshot-0000000000000012-7~', 'Snapshot-0000000000000012-7',
    'snapshot-9999999999999999-7',
  ]
  t.deepEqual(others.filter(name => snapshotNamed(name) !== undefined), [])
})
