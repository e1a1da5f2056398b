import test from 'ava'
import type { Index } from '../../../lib/types.js'
import { fileSnapshots } from '../../../streams/storage/file-snapshots.js'
import { incomingName, incomingNamed } from '../../../streams/storage/snapshots/snapshot-file.js'
import { type DiskOperation, type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import {
  answered, contentsOf, entriesTo, finish, letGo, placeAt, receive, receiveSnapshot, snapshotOf, write, writeSnapshot,
} from '../../../testing/open-snapshot.js'
import { OWNER, type OpenedStore, openStore } from '../../../testing/open-store.js'
import { FOLDER, storageOn } from './store-script.js'

const newDisk = (seed = 1): MemoryDisk => memoryDisk({ seed, later: queueMicrotask })
const MEBIBYTE = 1024 * 1024

const CHUNKS = [20, 1, 33, 700].map((length, i) => Uint8Array.from({ length }, (_, at) => (at * 7 + i * 41) % 256))
const WHOLE = Buffer.concat(CHUNKS)
const SNAPSHOT = snapshotOf(placeAt(9), CHUNKS)
const INCOMING = `${FOLDER}/${incomingName(SNAPSHOT)}`
/** Where a next chunk may go: nothing but whole chunks is kept. */
const BOUNDS = CHUNKS.map((_, i) => Buffer.concat(CHUNKS.slice(0, i)).length).concat(WHOLE.length)

const filesOn = (disk: MemoryDisk): readonly string[] =>
  disk.files().map(path => path.slice(FOLDER.length + 1)).filter(name => /^(snapshot|incoming)-/.test(name))
const nameAt = (index: Index): string => `snapshot-${String(index).padStart(16, '0')}-${1 + index}`

/** A store with an older snapshot. */
const withOld = async (disk: MemoryDisk): Promise<OpenedStore> => {
  const opened = await openStore(storageOn(disk))
  await opened.write(1, entriesTo(3))
  await writeSnapshot(opened.store, placeAt(3), [Buffer.alloc(100, 'old')])
  return opened
}

/** A disk on which a process that received all of these chunks was killed before it could end the snapshot. */
const left = async (chunks: readonly Uint8Array[]): Promise<MemoryDisk> => {
  const disk = newDisk()
  const { store } = await withOld(disk)
  const receiver = await receive(store, SNAPSHOT)
  for (const chunk of chunks) await write(receiver, chunk)
  disk.kill()
  return disk
}

/** What is wrong with receiving the rest and reading it back, if anything. */
const faultOfRest = async (disk: MemoryDisk, allowed: readonly number[] = BOUNDS): Promise<string | undefined> => {
  const opened = await openStore(storageOn(disk))
  if (opened.store.snapshots.newest()?.index !== 3) return 'the older snapshot is gone'
  const receiver = await receive(opened.store, SNAPSHOT)
  if (!allowed.includes(receiver.received)) return `it goes on at ${receiver.received}`
  if (receiver.received < WHOLE.length) await write(receiver, WHOLE.subarray(receiver.received))
  await finish(receiver)
  await opened.close()
  disk.crash({ keep: 0 })
  const again = await openStore(storageOn(disk))
  if (!WHOLE.equals(await contentsOf(again.store))) return 'its contents are others'
  await again.close()
  if (filesOn(disk).join() !== nameAt(9)) return `there are ${filesOn(disk).join()}`
  return disk.openFiles() === 0 ? undefined : `${disk.openFiles()} files stayed open`
}

test('whatever became of what was received, only what is whole is taken up, and the rest makes the snapshot', async t => {
  const disk = await left(CHUNKS)
  const { length } = disk.contents(INCOMING)
  const places = Array.from({ length }, (_, at) => at).filter(at => at % 31 === 0 || (at >= 512 && at % 8 === 0))
  const seen = new Set<number>()
  for (const at of places) {
    for (const change of [
      (bytes: Uint8Array) => bytes.subarray(0, at),
      (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 << (at % 8) : byte)),
    ]) {
      const copy = disk.clone()
      copy.tamper(INCOMING, change)
      t.is(await faultOfRest(copy), undefined, `${at}`)
      seen.add(at)
    }
  }
  t.true(seen.size > 100)
})

test('what stood behind a gap is gone, also where it reaches farther than what comes instead', async t => {
  const single = Array.from(WHOLE, byte => Uint8Array.of(byte))
  const disk = await left(single)
  // Each chunk of one byte has a header of twelve: more than the one chunk that will come.
  const from = disk.contents(INCOMING).length - 13 * single.length
  disk.tamper(INCOMING, bytes => bytes.fill(0, from + 13, from + 26))
  t.is(await faultOfRest(disk, [1]), undefined)
})

test('what was let go of lasts, and where it cannot be made to last nothing of it is left', async t => {
  for (const fails of [false, true]) {
    const disk = newDisk()
    const opened = await withOld(disk)
    const receiver = await receive(opened.store, SNAPSHOT)
    for (const chunk of CHUNKS.slice(0, 3)) await write(receiver, chunk)
    if (fails) disk.failNext('datasync')
    await letGo(receiver)
    disk.crash({ keep: 0 })
    t.is(await faultOfRest(disk, [fails ? 0 : BOUNDS[3]!]), undefined)
  }
})

/** Lets go of what was received on a disk whose sync fails then. */
const letGoInVain = async (disk: MemoryDisk, ending: (receiver: Awaited<ReturnType<typeof receive>>) => Promise<void>): Promise<OpenedStore> => {
  const opened = await withOld(disk)
  const receiver = await receive(opened.store, SNAPSHOT)
  for (const chunk of CHUNKS.slice(0, 3)) await write(receiver, chunk)
  disk.failNext('datasync')
  await ending(receiver)
  return opened
}

test('what a failed sync left in the cache of a snapshot is written once more before it is believed', async t => {
  const disk = newDisk()
  await letGoInVain(disk, receiver => new Promise(resolve => {
    disk.dieAfter(1, resolve)
    receiver.close(() => undefined)
  }))
  disk.kill()
  t.is(disk.contents(INCOMING).length, (await left(CHUNKS.slice(0, 3))).contents(INCOMING).length)
  t.is(await faultOfRest(disk, [BOUNDS[3]!]), undefined)
})

test('what a failed sync left is not taken up again by the same process, also where it could not be removed', async t => {
  const disk = newDisk()
  const { store } = await letGoInVain(disk, receiver => {
    disk.failNext('unlink')
    return letGo(receiver)
  })
  t.true(filesOn(disk).includes(incomingName(SNAPSHOT)))
  disk.failNext('unlink')
  await t.throwsAsync(receive(store, SNAPSHOT), { message: /EEXIST/ })
  const receiver = await receive(store, SNAPSHOT)
  t.is(receiver.received, 0)
  await write(receiver, WHOLE)
  await finish(receiver)
  disk.crash({ keep: 0 })
  const again = await openStore(storageOn(disk))
  t.true(WHOLE.equals(await contentsOf(again.store)))
  await again.close()
})

test('nothing is received under a name that is still being removed', async t => {
  const disk = newDisk()
  await (await withOld(disk)).close()
  let goOn: (() => void) | undefined
  const held: MemoryDisk = { ...disk, unlink: (path, done) => {
    if (path === INCOMING && goOn === undefined) goOn = () => disk.unlink(path, done)
    else disk.unlink(path, done)
  } }
  const shelf = fileSnapshots({ disk: held, folder: FOLDER, clusterId: OWNER.clusterId, random: bytes => new Uint8Array(bytes) }, () => undefined,
    { newest: undefined, incoming: incomingName(SNAPSHOT), replaced: [], notes: [] })
  const forgotten = answered(shelf.forget(Number.POSITIVE_INFINITY))
  const receiving = answered(shelf.receive(SNAPSHOT))
  await new Promise(setImmediate)
  goOn?.()
  await forgotten
  await answered((await receiving).write(WHOLE))
  t.true(filesOn(disk).includes(incomingName(SNAPSHOT)))
})

test('what was let go of and lasts is not written again', async t => {
  const disk = newDisk()
  const { store, close } = await withOld(disk)
  const first = await receive(store, SNAPSHOT)
  await write(first, CHUNKS[0]!)
  await letGo(first)
  const before = disk.operations().length
  const second = await receive(store, SNAPSHOT)
  t.is(second.received, CHUNKS[0]!.length)
  t.deepEqual(disk.operations().slice(before), ['truncate', 'datasync'])
  await letGo(second)
  await close()
})

test('a file of another snapshot under this name is begun anew', async t => {
  const disk = newDisk()
  const opened = await withOld(disk)
  await letGo(await receive(opened.store, { ...SNAPSHOT, time: 7 }))
  await opened.close()
  t.is(await faultOfRest(disk, [0]), undefined)
})

test('a crash at any act of receiving leaves what can be taken up again', async t => {
  const perform = async (disk: MemoryDisk): Promise<void> => {
    const { store, close } = await openStore(storageOn(disk))
    const receiver = await receive(store, SNAPSHOT)
    for (const chunk of CHUNKS.slice(0, 2)) await write(receiver, chunk)
    await letGo(receiver)
    await receiveSnapshot(store, SNAPSHOT, CHUNKS)
    await close()
  }
  // What is received the second time comes in pieces of the longest length.
  const cutElsewhere = BOUNDS[2]! + Math.max(...CHUNKS.map(({ length }) => length))
  const seed = newDisk()
  await (await withOld(seed)).close()
  const whole = seed.clone()
  await perform(whole)
  const total = whole.operations().length
  t.true(total > 15)
  for (let operations = 1; operations < total; operations++) {
    for (const keep of [undefined, 0, 0.5, 1]) {
      const disk = seed.clone()
      const death = new Promise<void>(resolve => disk.dieAfter(operations, resolve))
      await Promise.race([perform(disk), death])
      if (keep === undefined) disk.kill()
      else disk.crash({ keep })
      const opened = await openStore(storageOn(disk))
      const isDone = opened.store.snapshots.newest()?.index === 9
      if (isDone) t.true(WHOLE.equals(await contentsOf(opened.store)))
      await opened.close()
      if (!isDone) t.is(await faultOfRest(disk, [...BOUNDS, cutElsewhere]), undefined, `act ${operations}, kept ${keep}`)
    }
  }
})

test('at a start the newest of what was being received stays, if it is newer than the newest', async t => {
  const disk = newDisk()
  await (await withOld(disk)).close()
  const others = [2, 3, 7, 8].map(index => incomingName(snapshotOf(placeAt(index), CHUNKS)))
  for (const name of [...others, incomingName(SNAPSHOT), 'incoming-9']) {
    await new Promise<void>(resolve => disk.open(`${FOLDER}/${name}`, 'create', () => resolve()))
  }
  const opened = await openStore(storageOn(disk))
  t.deepEqual(opened.store.recovered.notes.length, others.length)
  t.deepEqual(filesOn(disk), ['incoming-9', nameAt(3), incomingName(SNAPSHOT)].sort())
  await receiveSnapshot(opened.store, snapshotOf(placeAt(10), CHUNKS), CHUNKS)
  t.deepEqual(filesOn(disk), ['incoming-9', nameAt(10)])
  await opened.close()
})

const FAILURES: readonly (readonly [DiskOperation, string])[] = [
  ['create', 'EIO'], ['write', 'EIO'], ['datasync', 'EIO'], ['close', 'EIO'], ['rename', 'EIO'], ['syncDirectory', 'EMFILE'],
]
for (const [operation, code] of FAILURES) {
  test(`a ${operation} that fails with ${code} ends what is being received, and nothing else`, async t => {
    let failures = 0
    for (let skip = 0; ; skip++) {
      const disk = newDisk()
      await (await withOld(disk)).close()
      const opened = await openStore(storageOn(disk))
      disk.failNext(operation, code, skip)
      const isReceived = await receiveSnapshot(opened.store, SNAPSHOT, CHUNKS).then(() => true, () => false)
      disk.forgetFailures()
      if (isReceived) break
      failures++
      t.deepEqual(filesOn(disk), [nameAt(3)], `${skip}`)
      t.is(opened.store.snapshots.newest()?.index, 3)
      await opened.write(1, entriesTo(4, 4))
      await receiveSnapshot(opened.store, SNAPSHOT, CHUNKS)
      t.true(WHOLE.equals(await contentsOf(opened.store)))
      t.deepEqual(filesOn(disk), [nameAt(9)])
      await opened.close()
    }
    t.true(failures > 0)
  })
}

test('what is received is synced on the way', async t => {
  const disk = newDisk()
  const { store, close } = await openStore(storageOn(disk))
  await new Promise(setImmediate)
  const contents = Array.from({ length: 9 }, (_, i) => Buffer.alloc(MEBIBYTE, i))
  const before = disk.operations().length
  await receiveSnapshot(store, snapshotOf(placeAt(9), contents), contents)
  t.is(disk.operations().slice(before).filter(operation => operation === 'datasync').length, 3)
  await close()
})

test('nothing but the one spelling of a name is something that is received', t => {
  const id = { index: 12, term: 7, bytes: 1048576, checksum: 0xa1b2c3 }
  t.is(incomingName(id), 'incoming-0000000000000012-7-1048576-00a1b2c3')
  t.deepEqual(incomingNamed(incomingName(id)), id)
  const others = [
    'incoming-12-7-1048576-00a1b2c3', 'incoming-0000000000000012-07-1048576-00a1b2c3', 'incoming-0000000000000012-7-1048576-a1b2c3',
    'incoming-0000000000000012-7-1048576-00A1B2C3', 'incoming-0000000000000012-7-1048576', 'incoming-0000000000000012-7-1048576-00a1b2c3.tmp',
    'snapshot-0000000000000012-7', ' incoming-0000000000000012-7-1048576-00a1b2c3', 'incoming-0000000000000012-7-01-00a1b2c3',
  ]
  t.deepEqual(others.filter(name => incomingNamed(name) !== undefined), [])
})
