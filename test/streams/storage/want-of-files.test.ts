/** What becomes of those who read where the process or the machine has no file left. */
import test from 'ava'
import { OPENINGS } from '../../../streams/storage/disk/guarded-disk.js'
import { fileStorage } from '../../../streams/storage/file.js'
import type { StoreReadPurpose } from '../../../streams/storage/port.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { answered, contentsOf, entriesTo, placeAt, writeSnapshot } from '../../../testing/open-snapshot.js'
import { type OpenedStore, append, commands, openStore } from '../../../testing/open-store.js'
import { FOLDER, restless } from './store-script.js'

const CONTENTS = [Buffer.from('the state')]
const settled = async (): Promise<void> => { for (let i = 0; i < 4; i++) await new Promise(setImmediate) }

/** A store with a few entries and a snapshot, on a clock whose waits are over at once and kept. */
const filled = async (disk: MemoryDisk): Promise<OpenedStore & { readonly waits: number[] }> => {
  const waits: number[] = []
  const after = (ms: number, work: () => void): (() => void) => {
    // Half a second is the wait of an idle log.
    if (ms !== 500) queueMicrotask(() => (waits.push(ms), work()))
    return () => undefined
  }
  const opened = await openStore(fileStorage(FOLDER, { disk, segmentBytes: 4096, clock: { ...restless, after } }))
  await opened.write(1, entriesTo(9))
  await writeSnapshot(opened.store, placeAt(3), CONTENTS)
  await settled()
  return { ...opened, waits }
}

const WAITS = [100, 200, 400, 800, 1600, 3200]

for (const code of ['EMFILE', 'ENFILE'] as const) {
  test(`what cannot be opened to be read is opened after a wait: ${code}`, async t => {
    const disk = memoryDisk({ later: queueMicrotask })
    const opened = await filled(disk)
    for (let i = 1; i < OPENINGS; i++) disk.failNext('open', code)
    t.is((await opened.read(1, 9)).length, 9)
    t.deepEqual(opened.waits, WAITS)
    for (let i = 1; i < OPENINGS; i++) disk.failNext('open', code)
    t.deepEqual(await contentsOf(opened.store), Buffer.concat(CONTENTS))
    t.deepEqual(opened.waits, [...WAITS, ...WAITS])
  })

  test(`where it stays so the read fails, and says whose it was: ${code}`, async t => {
    for (const purpose of [{ type: 'apply' }, { type: 'follow', id: 7 }] satisfies readonly StoreReadPurpose[]) {
      const disk = memoryDisk({ later: queueMicrotask })
      const opened = await filled(disk)
      for (let i = 1; i <= OPENINGS; i++) disk.failNext('open', code)
      opened.store.read({ purpose, from: 1, to: 9, maxBytes: 100 })
      await settled()
      t.like(opened.events.at(-1), { type: 'readFailed', purpose, error: { code } })
    }
  })

  test(`a snapshot that could not be opened so is the newest all the same: ${code}`, async t => {
    const disk = memoryDisk({ later: queueMicrotask })
    const { store } = await filled(disk)
    for (let i = 1; i <= OPENINGS; i++) disk.failNext('open', code)
    await t.throwsAsync(answered(done => store.snapshots.read(done)), { code })
    t.is(store.snapshots.newest()?.index, 3)
    t.deepEqual(await contentsOf(store), Buffer.concat(CONTENTS))
  })
}

test('a disk that was asked is not asked again', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await filled(disk)
  disk.failNext('open', 'EIO')
  await t.throwsAsync(opened.read(1, 9), { message: /EIO/ })
  disk.failNext('open', 'EIO')
  await t.throwsAsync(answered(done => opened.store.snapshots.read(done)), { code: 'EIO' })
  t.is(opened.store.snapshots.newest(), undefined)
  t.deepEqual(opened.waits, [])
})

/** A store on a clock on which no wait is ever over, with a read and a snapshot that wait for a file. */
const waiting = async (disk: MemoryDisk) => {
  const due = new Set<number>()
  const after = (ms: number): (() => void) => {
    due.add(ms)
    return () => void due.delete(ms)
  }
  const opened = await openStore(fileStorage(FOLDER, { disk, segmentBytes: 4096, clock: { ...restless, after } }))
  await opened.write(1, entriesTo(9))
  await writeSnapshot(opened.store, placeAt(3), CONTENTS)
  await settled()
  disk.failNext('open', 'EMFILE')
  disk.failNext('open', 'EMFILE')
  opened.store.read({ purpose: { type: 'follow', id: 7 }, from: 1, to: 9, maxBytes: 100 })
  const snapshot = answered(done => opened.store.snapshots.read(done))
  await settled()
  return { ...opened, isPatient: () => due.has(WAITS[0]!), snapshot }
}

test('a store that closes waits for no file', async t => {
  const { isPatient, snapshot, close, events } = await waiting(memoryDisk({ later: queueMicrotask }))
  t.true(isPatient())
  const closed = close()
  await t.throwsAsync(Promise.race([snapshot, settled().then(settled)]), { code: 'EMFILE' })
  await closed
  t.false(isPatient())
  t.like(events.find(({ type }) => type === 'readFailed'), { error: { code: 'EMFILE' } })
})

test('a store that has failed waits for no file, and opens none a second time', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const { store, isPatient, snapshot, events } = await waiting(disk)
  disk.failNext('datasync', 'EIO')
  store.write(2, [append(commands(10, 1, 'x'))])
  await t.throwsAsync(Promise.race([snapshot, settled().then(settled)]), { code: 'EMFILE' })
  t.false(isPatient())
  t.deepEqual(events.map(({ type }) => type).slice(-2), ['writeFailed', 'readFailed'])
  disk.failNext('open', 'EMFILE')
  await t.throwsAsync(Promise.race([answered(done => store.snapshots.read(done)), settled().then(settled)]), { code: 'EMFILE' })
  t.false(isPatient())
})
