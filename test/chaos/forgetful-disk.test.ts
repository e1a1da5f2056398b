/** A disk that forgets must be a disk first, and then forget exactly what was not synced. */
import test from 'ava'
import { orThrow } from '../../streams/index.js'
import type { Disk, DiskFile, Done } from '../../streams/storage/disk/disk.js'
import { fileStorage } from '../../streams/storage/file.js'
import { memoryDisk } from '../../testing/memory-disk.js'
import { storageSuite } from '../../testing/storage-suite.js'
import { faultyDisk } from './member/faulty-disk.js'
import { type ForgetfulDisk, forgetfulDisk } from './member/forgetful-disk.js'
import { HEALTHY } from './member/protocol.js'

/** Lives after each other on one disk, each with a limbo of its own. */
const lives = () => {
  const real = memoryDisk()
  let born = 0
  return { real, next: (): ForgetfulDisk => forgetfulDisk(real, `/limbo/${born++}`) }
}

for (const { name, run } of storageSuite(() => {
  const { next } = lives()
  return { storage: () => fileStorage('/data/a', { disk: faultyDisk(next()), segmentBytes: 64 * 1024 }) }
})) {
  test(`a store on it: ${name}`, async t => {
    await run()
    t.pass()
  })
}

const done = <A>(act: (end: Done<A>) => void): Promise<A> => new Promise((resolve, reject) => act(outcome => {
  try {
    resolve(orThrow(outcome))
  } catch (error) {
    reject(error as Error)
  }
}))
const create = (disk: Disk, path: string): Promise<DiskFile> => done(end => disk.open(path, 'create', end))
const write = (file: DiskFile, text: string, offset = 0): Promise<number> => done(end => file.write([Buffer.from(text)], offset, end))
const read = async (disk: Disk, path: string): Promise<string> => {
  const file = await done<DiskFile>(end => disk.open(path, 'read', end))
  const into = new Uint8Array(100)
  return Buffer.from(into.subarray(0, await done<number>(end => file.read(into, 0, end)))).toString()
}
const list = (disk: Disk): Promise<readonly string[]> => done(end => disk.list('/d', end))
const syncFolder = (disk: Disk): Promise<void> => done(end => disk.syncDirectory('/d', end))
const cut = (disk: ForgetfulDisk, keep = 0): Promise<void> => new Promise(resolve => disk.cutPower(keep, () => 0.5, resolve))

test('what is not synced is read by whoever lives, and gone with the power', async t => {
  const { next } = lives()
  const first = next()
  const file = await create(first, '/d/a')
  await write(file, 'durable')
  await done(end => file.datasync(end))
  await syncFolder(first)
  await write(file, 'LOST', 3)
  t.is(await read(first, '/d/a'), 'durLOST')
  await cut(first)
  t.is(await read(next(), '/d/a'), 'durable')
})

test('a folder that is synced twice at a time has the changes of both, in their order', async t => {
  const { real, next } = lives()
  const disk = next()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await create(disk, `/d/${name}`)
  const first = syncFolder(disk)
  await done(end => disk.rename('/d/e', '/d/f', end))
  await Promise.all([first, syncFolder(disk)])
  t.deepEqual(real.files().filter(path => path.startsWith('/d/')), ['/d/a', '/d/b', '/d/c', '/d/d', '/d/f'])
})

test('with some luck, sectors that were not synced survive', async t => {
  const { next } = lives()
  const first = next()
  const file = await create(first, '/d/a')
  await syncFolder(first)
  await write(file, 'lucky')
  await cut(first, 1)
  t.is(await read(next(), '/d/a'), 'lucky')
})

test('names follow their folder’s sync: new files, renames and removals', async t => {
  const { next } = lives()
  const first = next()
  for (const path of ['/d/old', '/d/gone']) {
    const file = await create(first, path)
    await write(file, path)
    await done(end => file.datasync(end))
  }
  await syncFolder(first)
  const fresh = await create(first, '/d/fresh')
  await write(fresh, 'fresh')
  await done(end => fresh.datasync(end))
  await done<void>(end => first.rename('/d/fresh', '/d/old', end))
  await done<void>(end => first.unlink('/d/gone', end))
  t.deepEqual(await list(first), ['old'])
  t.is(await read(first, '/d/old'), 'fresh')
  const second = next()
  await cut(first)
  t.deepEqual(await list(second), ['gone', 'old'])
  t.is(await read(second, '/d/old'), '/d/old', 'the rename was undone')
  await done<void>(end => second.rename('/d/old', '/d/new', end))
  await syncFolder(second)
  await cut(second)
  t.deepEqual(await list(next()), ['gone', 'new'])
})

test('a dead disk answers nothing', async t => {
  const disk = lives().next()
  const file = await create(disk, '/d/a')
  await cut(disk)
  let isAnswered = false
  file.write([Buffer.from('x')], 0, () => { isAnswered = true })
  file.datasync(() => { isAnswered = true })
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  t.false(isAnswered)
})

test('a faulty disk fills up after a short write, fails its syncs, and stalls until it is told not to', async t => {
  const disk = faultyDisk(memoryDisk())
  const file = await create(disk, '/d/a')
  disk.suffer({ ...HEALTHY, roomBytes: 1000 })
  t.is(await write(file, 'x'.repeat(2000)), 512)
  await t.throwsAsync(write(file, 'x'.repeat(1000), 512), { code: 'ENOSPC' })
  await t.throwsAsync(create(disk, '/d/b'), { code: 'ENOSPC' })
  disk.suffer({ ...HEALTHY, syncFails: true })
  await t.throwsAsync(done(end => file.datasync(end)), { code: 'EIO' })
  await t.throwsAsync(syncFolder(disk), { code: 'EIO' })
  disk.suffer({ ...HEALTHY, isStalled: true })
  let isAnswered = false
  const stalled = write(file, 'late').then(() => { isAnswered = true })
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  t.false(isAnswered)
  disk.suffer(HEALTHY)
  await stalled
  t.regex(await read(disk, '/d/a'), /^latex+$/)
})
