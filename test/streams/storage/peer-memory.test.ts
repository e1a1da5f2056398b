/** Who is remembered and forgotten where the disk or the process has no room for it. */
import test from 'ava'
import { type Either, isLeft, isRight } from '../../../lib/prelude.js'
import { fileStorage } from '../../../streams/storage/file.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { type OpenedStore, append, commands, openStore } from '../../../testing/open-store.js'
import { FOLDER, restless, storageOn } from './store-script.js'

const newDisk = (): MemoryDisk => memoryDisk({ later: queueMicrotask })
const settled = async (): Promise<void> => { for (let i = 0; i < 4; i++) await new Promise(setImmediate) }

type Outcome = Either<Error, void>
const remember = ({ store }: OpenedStore, peer: string, incarnation: string): Promise<Outcome> => new Promise(resolve => store.remember(peer, incarnation, resolve))
const forget = ({ store }: OpenedStore, ...peers: readonly string[]): Promise<Outcome> => new Promise(resolve => store.forget(peers, resolve))

/** A store that has met `old`, on a clock whose waits are over when `pass` is called. */
const met = async (disk: MemoryDisk): Promise<OpenedStore & { readonly pass: () => Promise<void>; readonly waits: () => number }> => {
  const due = new Set<() => void>()
  const clock = { ...restless, after: (ms: number, work: () => void) => (ms < 10_000 ? () => undefined : (due.add(work), () => void due.delete(work))) }
  const opened = await openStore(fileStorage(FOLDER, { disk, segmentBytes: 4096, clock }))
  await opened.write(1, append(commands(1, 1, 'x')))
  await remember(opened, 'old', 'old-1')
  await settled()
  const pass = async (): Promise<void> => {
    const works = [...due]
    due.clear()
    works.forEach(work => work())
    await settled()
  }
  return { ...opened, pass, waits: () => due.size }
}

/** Whom the store knows after all that was not synced is gone, or only the process. */
const peersAfterCrash = async (disk: MemoryDisk, crash = (): void => disk.crash({ keep: 0 })): Promise<object> => {
  crash()
  const again = await openStore(storageOn(disk))
  await again.close()
  return again.store.recovered.peers
}

/** How many attempts fail before the act does. */
const ATTEMPTS = 2

for (const [operation, code] of [['create', 'EMFILE'], ['create', 'ENFILE'], ['create', 'ENOSPC'], ['create', 'EDQUOT'], ['write', 'ENOSPC'], ['datasync', 'EIO']] as const) {
  test(`a peer for which there is no room is not remembered, and nothing else comes of it: ${operation} ${code}`, async t => {
    const disk = newDisk()
    const opened = await met(disk)
    for (let i = 0; i < ATTEMPTS; i++) disk.failNext(operation, code)
    t.true(isLeft(await remember(opened, 'b', 'b-1')))
    disk.forgetFailures()
    await opened.write(2, append(commands(2, 1, 'y')))
    t.deepEqual(disk.files().filter(path => path.endsWith('.tmp')), [])
    t.true(isRight(await remember(opened, 'b', 'b-2')))
    t.deepEqual(await peersAfterCrash(disk), { old: 'old-1', b: 'b-2' })
  })

  test(`a peer that could not be struck out is struck out later: ${operation} ${code}`, async t => {
    const disk = newDisk()
    const opened = await met(disk)
    disk.failNext(operation, code)
    t.true(isLeft(await forget(opened, 'old')))
    await opened.write(2, append(commands(2, 1, 'y')))
    disk.failNext(operation, code)
    await opened.pass()
    t.is(opened.waits(), 1)
    await opened.pass()
    t.is(opened.waits(), 0)
    t.deepEqual(opened.events.filter(({ type }) => type === 'writeFailed'), [])
    t.deepEqual(await peersAfterCrash(disk), {})
  })
}

test('whoever could not be struck out is struck out with whom is met next, and stays where it is met again', async t => {
  const disk = newDisk()
  const opened = await met(disk)
  await remember(opened, 'other', 'other-1')
  disk.failNext('create', 'ENOSPC')
  await forget(opened, 'old', 'other')
  t.true(isRight(await remember(opened, 'old', 'old-1')))
  t.true(isRight(await remember(opened, 'b', 'b-1')))
  t.deepEqual(await peersAfterCrash(disk), { old: 'old-1', b: 'b-1' })
})

test('a peer is let in where a snapshot that is being written gives up its room', async t => {
  const disk = newDisk()
  const opened = await met(disk)
  const writer = opened.store.snapshots.write({ index: 1, term: 1, time: 1, compression: 'none', membership: opened.store.recovered.base.membership })
  await new Promise(resolve => writer.write(Buffer.alloc(100_000), resolve))
  disk.setCapacity(disk.usedBytes())
  t.true(isRight(await remember(opened, 'b', 'b-1')))
})

test('a name of which nobody knows whether it lasts is the last word of the store', async t => {
  for (const operation of ['rename', 'syncDirectory'] as const) {
    const disk = newDisk()
    const opened = await met(disk)
    disk.failNext(operation, 'ENOSPC')
    t.true(isLeft(await forget(opened, 'old')))
    await settled()
    t.is(opened.events.at(-1)?.type, 'writeFailed')
    t.is(opened.waits(), 0)
    await opened.close()
  }
})

const DOUBTS = ['syncDirectory', 'rename'] as const

for (const operation of DOUBTS) {
  test(`nobody is taken for remembered while it is in doubt what the file says: ${operation}`, async t => {
    const disk = newDisk()
    const opened = await met(disk)
    disk.failNext(operation, 'EMFILE')
    t.true(isLeft(await forget(opened, 'old')))
    t.true(isRight(await remember(opened, 'old', 'old-1')))
    t.deepEqual(await peersAfterCrash(disk, disk.kill), { old: 'old-1' })
  })

  test(`an incarnation of which it is in doubt whether it was remembered gives way to the one before: ${operation}`, async t => {
    const disk = newDisk()
    const opened = await met(disk)
    for (let i = 0; i < ATTEMPTS; i++) disk.failNext(operation, 'EMFILE')
    t.true(isLeft(await remember(opened, 'old', 'old-2')))
    t.true(isRight(await remember(opened, 'old', 'old-1')))
    t.deepEqual(await peersAfterCrash(disk, disk.kill), { old: 'old-1' })
  })

  test(`one of whom it is in doubt whether he was remembered is struck out, and what stays in doubt is written after a while: ${operation}`, async t => {
    const disk = newDisk()
    const opened = await met(disk)
    for (let i = 0; i < ATTEMPTS + 1; i++) disk.failNext(operation, 'EMFILE')
    t.true(isLeft(await remember(opened, 'b', 'b-1')))
    t.is(opened.waits(), 1)
    t.true(isLeft(await forget(opened, 'b')))
    await opened.pass()
    t.is(opened.waits(), 0)
    t.deepEqual(await peersAfterCrash(disk, disk.kill), { old: 'old-1' })
  })
}

test('what waits for room does not outlast its store', async t => {
  const disk = newDisk()
  const opened = await met(disk)
  disk.failNext('create', 'EMFILE')
  await forget(opened, 'old')
  t.is(opened.waits(), 1)
  await opened.close()
  t.is(opened.waits(), 0)
})

test('a member that has to forget somebody starts on a full disk', async t => {
  const disk = newDisk()
  const first = await met(disk)
  await first.close()
  disk.setCapacity(disk.usedBytes())
  const again = await openStore(storageOn(disk))
  t.true(isLeft(await forget(again, 'old')))
  await again.close()
  t.deepEqual(again.events.filter(({ type }) => type === 'writeFailed'), [])
  t.deepEqual(await peersAfterCrash(disk), { old: 'old-1' })
})
