import test, { type ExecutionContext } from 'ava'
import { isLeft, right } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { type DiskOperation, type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { abort, close, contentsOf, entriesTo, finish, letGo, next, openNewest, placeAt, receive, restOf, write, writeSnapshot } from '../../../testing/open-snapshot.js'
import { append, commands, openStore } from '../../../testing/open-store.js'
import { FOLDER, storageOn } from './store-script.js'

const newDisk = (): MemoryDisk => memoryDisk({ later: queueMicrotask })
const entry = (index: Index) => entriesTo(index, index)

const OLD = [Buffer.alloc(900, 'old')]
const NEW = [Buffer.alloc(700, 'new'), Buffer.alloc(70_000, 'newer'), Buffer.alloc(3, 'x')]
const MEBIBYTE = 1024 * 1024

const snapshotsOn = (disk: MemoryDisk): readonly string[] =>
  disk.files().filter(path => path.startsWith(`${FOLDER}/snapshot-`)).map(path => path.slice(FOLDER.length + 1))
const nameAt = (index: Index): string => `snapshot-${String(index).padStart(16, '0')}-${1 + index}`

/** A store with an entry and a snapshot, and nothing that its disk still has to do. */
const withOld = async (disk: MemoryDisk): Promise<Awaited<ReturnType<typeof openStore>>> => {
  const first = await openStore(storageOn(disk))
  await first.write(1, entriesTo(9))
  await writeSnapshot(first.store, placeAt(3), OLD)
  await first.close()
  return openStore(storageOn(disk))
}

/** The same on a disk that makes some of its acts wait, from `hold` to `release`. */
const openHolding = async (acts: (disk: MemoryDisk, whenFree: (act: () => void) => void) => Partial<MemoryDisk>) => {
  const disk = newDisk()
  await (await withOld(disk)).close()
  const held: (() => void)[] = []
  let isHolding = false
  const opened = await openStore(storageOn({ ...disk, ...acts(disk, act => { isHolding ? held.push(act) : act() }) }))
  return {
    disk, opened, held: () => held.length,
    hold: () => { isHolding = true },
    release: () => {
      isHolding = false
      for (const act of held.splice(0)) act()
    },
  }
}
const turns = async (count: number): Promise<void> => { for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve)) }

const isWritten = (opened: Awaited<ReturnType<typeof openStore>>): Promise<boolean> =>
  writeSnapshot(opened.store, placeAt(9), NEW).then(() => true, () => false)

/** In each run one more act of this kind goes well before one fails, until none is left to fail. */
const failures = async (t: ExecutionContext, operation: DiskOperation, code: string): Promise<number> => {
  for (let skip = 0; ; skip++) {
    const disk = newDisk()
    const opened = await withOld(disk)
    disk.failNext(operation, code, skip)
    const why = `${operation}, ${skip} before`
    if (await isWritten(opened)) {
      await opened.close()
      return skip
    }
    disk.forgetFailures()
    t.deepEqual(snapshotsOn(disk), [nameAt(3)], why)
    t.deepEqual(opened.store.snapshots.newest()?.index, 3, why)
    await opened.write(2, entry(10))
    t.is(Buffer.compare(await contentsOf(opened.store), OLD[0]!), 0, why)
    t.is(await isWritten(opened), true, why)
    t.deepEqual(snapshotsOn(disk), [nameAt(9)], why)
    await opened.close()
    t.deepEqual(opened.events.map(({ type }) => type), ['persisted'], why)
    const again = await openStore(storageOn(disk))
    t.is(again.store.recovered.lastIndex, 10)
    t.is(Buffer.compare(await contentsOf(again.store), Buffer.concat(NEW)), 0, why)
    await again.close()
  }
}

for (const { operation, code, least } of [
  { operation: 'create', code: 'EIO', least: 1 }, { operation: 'create', code: 'ENOSPC', least: 1 },
  { operation: 'write', code: 'EIO', least: 5 }, { operation: 'write', code: 'ENOSPC', least: 5 },
  { operation: 'datasync', code: 'EIO', least: 1 }, { operation: 'close', code: 'EIO', least: 1 },
  { operation: 'rename', code: 'EIO', least: 1 }, { operation: 'rename', code: 'ENOSPC', least: 1 }, { operation: 'syncDirectory', code: 'EMFILE', least: 1 },
] as const) {
  test(`a ${operation} that fails with ${code} ends a snapshot and nothing else`, async t => {
    t.true(await failures(t, operation, code) >= least)
  })
}

test('a replaced snapshot that cannot be removed goes at the next start', async t => {
  const disk = newDisk()
  const first = await withOld(disk)
  // What is removed first is a temporary file that is not there.
  disk.failNext('unlink', 'EIO', 1)
  t.true(await isWritten(first))
  await first.close()
  t.deepEqual(snapshotsOn(disk), [nameAt(3), nameAt(9)])
  const second = await openStore(storageOn(disk))
  t.deepEqual(second.store.recovered.notes, [`${FOLDER}/${nameAt(3)}: an older snapshot was removed`])
  t.deepEqual(snapshotsOn(disk), [nameAt(9)])
  await second.close()
})

test('a disk that is full, wherever the space ends, keeps the old snapshot and its space, and the log goes on', async t => {
  const total = Buffer.concat(NEW).length + 1000
  for (let room = 0; room < total; room = room < 2500 ? room + 100 : room + 9000) {
    const disk = newDisk()
    const opened = await withOld(disk)
    const used = disk.usedBytes()
    disk.setCapacity(used + room)
    t.false(await isWritten(opened))
    t.is(disk.usedBytes(), used)
    await opened.write(2, entry(10))
    disk.setCapacity(Number.POSITIVE_INFINITY)
    t.true(await isWritten(opened))
    await opened.close()
    t.is(disk.openFiles(), 0)
  }
})

test('the writer is told why it failed, again and again, and makes room for the next one', async t => {
  const disk = newDisk()
  const opened = await withOld(disk)
  const writer = opened.store.snapshots.write(placeAt(9))
  await write(writer, NEW[0]!)
  disk.failNext('write', 'ENOSPC')
  await t.throwsAsync(write(writer, NEW[1]!), { message: /ENOSPC/ })
  await t.throwsAsync(write(writer, NEW[1]!), { message: /ENOSPC/ })
  await t.throwsAsync(finish(writer), { message: /ENOSPC/ })
  t.true(await isWritten(opened))
  await abort(writer)
  t.is(opened.store.snapshots.newest()?.index, 9)
  await opened.close()
})

test('a disk that cannot be read ends the reading, and its file is closed; the next start reads it again', async t => {
  for (let skip = 0; skip < 6; skip++) {
    const disk = newDisk()
    const opened = await withOld(disk)
    const open = disk.openFiles()
    disk.failNext('read', 'EIO', skip)
    await t.throwsAsync(contentsOf(opened.store), { message: /EIO/ }, `${skip}`)
    disk.forgetFailures()
    t.is(disk.openFiles(), open)
    t.is(opened.store.snapshots.newest(), undefined)
    await opened.close()
    const again = await openStore(storageOn(disk))
    t.is(Buffer.compare(await contentsOf(again.store), OLD[0]!), 0)
    await again.close()
  }
})

for (const index of [2, 3, 4]) {
  test(`where 3 cannot be read, one at ${index} takes its place`, async t => {
    for (const [operation, code] of [['open', 'EIO'], ['open', 'EACCES'], ['read', 'EIO']] as const) {
      const disk = newDisk()
      const first = await withOld(disk)
      disk.failNext(operation, code)
      await t.throwsAsync(contentsOf(first.store), { message: new RegExp(code) })
      await writeSnapshot(first.store, placeAt(index), NEW)
      t.is(first.store.snapshots.newest()?.index, index)
      await first.close()
      t.deepEqual(snapshotsOn(disk), [nameAt(index)])
    }
  })
}

test('a snapshot that is being opened is not removed before it is open', async t => {
  const { opened, hold, held, release } = await openHolding((disk, whenFree) => ({
    open: (path, mode, done) => path.endsWith(nameAt(3)) ? whenFree(() => disk.open(path, mode, done)) : disk.open(path, mode, done),
  }))
  const writer = opened.store.snapshots.write(placeAt(9))
  await write(writer, NEW[0]!)
  hold()
  const reading = openNewest(opened.store)
  const finishing = finish(writer)
  await turns(20)
  t.is(held(), 1)
  release()
  const reader = await reading
  t.is(Buffer.concat(await restOf(reader)).toString(), OLD[0]!.toString())
  t.is((await finishing).index, 9)
  await opened.close()
})

test('a long snapshot is synced on the way, and the old one goes after everything else', async t => {
  const disk = newDisk()
  const opened = await withOld(disk)
  const reader = await openNewest(opened.store)
  const before = disk.operations().length
  await writeSnapshot(opened.store, placeAt(9), Array.from({ length: 9 }, (_, i) => Buffer.alloc(MEBIBYTE, i)))
  t.deepEqual(disk.operations().slice(before), [
    'unlink', 'create', 'write', ...Array.from({ length: 4 }, () => 'write'), 'datasync', ...Array.from({ length: 4 }, () => 'write'), 'datasync',
    'write', 'write', 'datasync', 'rename', 'syncDirectory', 'unlink', 'syncDirectory',
  ])
  t.is(Buffer.concat(await restOf(reader)).toString(), OLD[0]!.toString())
  await close(reader)
  const next9 = await openNewest(opened.store)
  t.deepEqual((await next(next9))?.length, MEBIBYTE)
  await opened.close()
  t.is(disk.openFiles(), 0)
})

/** A store whose disk holds back its syncs. */
const slowlySynced = async () => {
  const slow = await openHolding((disk, whenFree) => ({
    open: (path, mode, done) => disk.open(path, mode, outcome => done(isLeft(outcome) ? outcome : right({
      ...outcome.right, datasync: synced => whenFree(() => outcome.right.datasync(synced)),
    }))),
  }))
  slow.hold()
  return slow
}

test('the writing goes on while what came before is synced, as long as no second sync is due', async t => {
  const { opened, held, release } = await slowlySynced()
  const writer = opened.store.snapshots.write(placeAt(9))
  const chunk = Buffer.alloc(MEBIBYTE, 'new')
  for (let n = 0; n < 7; n++) await write(writer, chunk)
  t.is(held(), 1)
  let isWritten = false
  const eighth = write(writer, chunk).then(() => { isWritten = true })
  await turns(20)
  t.deepEqual([isWritten, held()], [false, 1])
  release()
  await eighth
  t.is((await finish(writer)).bytes, 8 * MEBIBYTE)
  await opened.close()
})

for (const chunks of [5, 8]) {
  test(`a sync that fails after the ${chunks}th chunk came, while it was under way, fails what follows: no later one makes up for it`, async t => {
    const { disk, opened, release } = await slowlySynced()
    const writer = opened.store.snapshots.write(placeAt(9))
    const chunk = Buffer.alloc(MEBIBYTE, 'new')
    const written = Array.from({ length: chunks }, () => write(writer, chunk))
    await Promise.all(written.slice(0, 7))
    disk.failNext('datasync')
    const last = chunks < 8 ? finish(writer) : written.at(-1)!
    release()
    await t.throwsAsync(last, { message: /EIO/ })
    await t.throwsAsync(finish(writer), { message: /EIO/ })
    t.deepEqual(snapshotsOn(disk), [nameAt(3)])
    t.is(Buffer.compare(await contentsOf(opened.store), OLD[0]!), 0)
    await opened.close()
    t.is(disk.openFiles(), 0)
  })
}

for (const doing of ['taken', 'received'] as const) {
  test(`a snapshot that is being ${doing} gives its space to the log, which needs it more`, async t => {
    const disk = newDisk()
    const opened = await openStore(storageOn(disk))
    await opened.write(1, entriesTo(9))
    const snapshot = { ...placeAt(20), bytes: 4 * MEBIBYTE, checksum: 1 }
    const writer = doing === 'taken' ? opened.store.snapshots.write(placeAt(9)) : await receive(opened.store, snapshot)
    const write = (): Promise<void> => new Promise((resolve, reject) =>
      writer.write(new Uint8Array(300_000), outcome => (outcome._tag === 'Left' ? reject(outcome.left) : resolve())))
    await write()
    disk.setCapacity(disk.usedBytes() + 1000)
    for (let turn = 2; turn < 20; turn++) await opened.write(turn, append(commands(8 + turn, 8 + turn, 'x'.repeat(10_000))))
    await t.throwsAsync(write(), { message: /the log needed the space/ })
    await opened.close()
    const again = await openStore(storageOn(disk))
    t.deepEqual([again.store.recovered.lastIndex, snapshotsOn(disk), disk.files().filter(path => /incoming|snapshot/.test(path))], [27, [], []])
    await again.close()
  })
}

test('what was received of a snapshot that nobody sends any more gives its space to the log, too', async t => {
  const disk = newDisk()
  const opened = await openStore(storageOn(disk))
  await opened.write(1, entriesTo(9))
  const receiver = await receive(opened.store, { ...placeAt(20), bytes: 4 * MEBIBYTE, checksum: 1 })
  for (let i = 0; i < 4; i++) await write(receiver, new Uint8Array(300_000))
  await letGo(receiver)
  disk.setCapacity(disk.usedBytes() + 1000)
  for (let turn = 2; turn < 20; turn++) await opened.write(turn, append(commands(8 + turn, 8 + turn, 'x'.repeat(10_000))))
  t.deepEqual(disk.files().filter(path => path.includes('incoming')), [])
  const later = await receive(opened.store, { ...placeAt(30), bytes: 3, checksum: 1 })
  t.is(later.received, 0)
  await letGo(later)
  await opened.close()
  t.is(disk.openFiles(), 0)
})
