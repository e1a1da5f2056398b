/** What becomes of a part of a snapshot that nobody receives any more. */
import test from 'ava'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { entriesTo, letGo, placeAt, receive, snapshotOf, write, writeSnapshot } from '../../../testing/open-snapshot.js'
import { type OpenedStore, openStore } from '../../../testing/open-store.js'
import { storageOn } from './store-script.js'

const STATE = Buffer.alloc(1_000_000, 's')
const parts = (disk: MemoryDisk): readonly string[] => disk.files().filter(name => name.includes('/incoming-'))

/** A store that has received most of a snapshot at 20, and let go of it. */
const left = async (disk: MemoryDisk): Promise<OpenedStore> => {
  const opened = await openStore(storageOn(disk))
  await opened.write(1, entriesTo(60))
  const receiver = await receive(opened.store, snapshotOf(placeAt(20), [STATE]))
  await write(receiver, STATE.subarray(0, 900_000))
  await letGo(receiver)
  return opened
}

test('it goes once a snapshot at or after it is the newest, and stays before', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const { store } = await left(disk)
  await writeSnapshot(store, placeAt(19), [STATE])
  t.is(parts(disk).length, 1)
  await writeSnapshot(store, placeAt(20), [STATE])
  t.deepEqual(parts(disk), [])
})

test('it stays while it is received', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const { store } = await left(disk)
  const receiver = await receive(store, snapshotOf(placeAt(20), [STATE]))
  await writeSnapshot(store, placeAt(30), [STATE])
  t.is(parts(disk).length, 1)
  await letGo(receiver)
})

test('it gives up its room for one that is taken, at the next attempt', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const { store } = await left(disk)
  disk.setCapacity(disk.usedBytes() + 500_000)
  await t.throwsAsync(writeSnapshot(store, placeAt(50), [STATE]), { message: /ENOSPC/ })
  t.deepEqual(parts(disk), [])
  t.is((await writeSnapshot(store, placeAt(50), [STATE])).index, 50)
})
