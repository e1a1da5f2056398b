/** What becomes of a store, and of the next start, where a sync of the folder fails. */
import test from 'ava'
import type { Write } from '../../../lib/events.js'
import { isLeft } from '../../../lib/prelude.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { entriesTo, placeAt, receiveSnapshot, snapshotOf, writeSnapshot } from '../../../testing/open-snapshot.js'
import { type OpenedStore, append, baseAt, commands, compact, openStore } from '../../../testing/open-store.js'
import { storageOn } from './store-script.js'

const newDisk = (): MemoryDisk => memoryDisk({ later: queueMicrotask })
const settled = async (): Promise<void> => { for (let i = 0; i < 4; i++) await new Promise(setImmediate) }
const CONTENTS = [Buffer.from('the state')]

const long = (index: number): Write => append(commands(index, 1, `${index}`.padEnd(900, 'x')))

/** A store of several segments, each entry of which was written by itself, and nothing that its disk still has to do. */
const filled = async (disk: MemoryDisk): Promise<OpenedStore> => {
  const opened = await openStore(storageOn(disk))
  for (let index = 1; index <= 12; index++) await opened.write(index, long(index))
  await settled()
  return opened
}
const remember = ({ store }: OpenedStore, peer: string, incarnation: string): Promise<void> =>
  new Promise((resolve, reject) => store.remember(peer, incarnation, outcome => (isLeft(outcome) ? reject(outcome.left) : resolve())))

const later = { ...placeAt(20), term: 2 }
const ACTS: Readonly<Record<string, (opened: OpenedStore) => Promise<unknown>>> = {
  'the next segment is prepared': async opened => { for (let index = 13; index < 16; index++) await opened.write(index, long(index)) },
  'segments are removed': opened => opened.write(20, compact(baseAt(9, 1))),
  'a snapshot is taken': ({ store }) => writeSnapshot(store, { ...placeAt(9), term: 1 }, CONTENTS),
  'a snapshot is received': ({ store }) => receiveSnapshot(store, snapshotOf(later, CONTENTS), CONTENTS),
  'a peer is remembered': opened => remember(opened, 'b', 'b-2'),
}

for (const [what, act] of Object.entries(ACTS)) {
  test(`a sync of the folder that fails is the last word of its store: ${what}`, async t => {
    const disk = newDisk()
    const opened = await filled(disk)
    disk.failNext('syncDirectory')
    await act(opened).catch(() => undefined)
    await settled()
    t.is(opened.events.at(-1)?.type, 'writeFailed')
    const before = disk.operations().length
    opened.store.write(30, [long(13)])
    await opened.close()
    t.is(disk.operations().slice(before).filter(operation => operation !== 'unlink').length, 0)
    t.is(disk.openFiles(), 0)
  })

  test(`what a failed sync of the folder left in the cache is made to last by the next start, before it is believed: ${what}`, async t => {
    for (const end of ['at once', 'closed'] as const) {
      const disk = newDisk()
      const first = await filled(disk)
      await writeSnapshot(first.store, { ...placeAt(8), term: 1 }, CONTENTS)
      disk.failNext('syncDirectory')
      if (end === 'closed') {
        await act(first).catch(() => undefined)
        await first.close()
      } else {
        const failed = new Promise<void>(resolve => first.store.events$.subscribe(event => { if (event.type === 'writeFailed') resolve() }))
        void act(first).catch(() => undefined)
        await failed
      }
      disk.kill()
      const second = await openStore(storageOn(disk))
      const { lastIndex, peers } = second.store.recovered
      const newest = second.store.snapshots.newest()?.index
      disk.crash({ keep: 0 })
      const third = await openStore(storageOn(disk))
      t.deepEqual([third.store.recovered.lastIndex, third.store.recovered.peers, third.store.snapshots.newest()?.index], [lastIndex, peers, newest])
    }
  })
}

test('a sync of the folder that has not begun, for want of files, ends nothing but what asked for it', async t => {
  for (const code of ['EMFILE', 'ENFILE']) {
    const disk = newDisk()
    const opened = await filled(disk)
    disk.failNext('syncDirectory', code)
    await t.throwsAsync(writeSnapshot(opened.store, { ...placeAt(9), term: 1 }, CONTENTS), { message: new RegExp(code) })
    await opened.write(20, long(13))
    await writeSnapshot(opened.store, { ...placeAt(9), term: 1 }, CONTENTS)
    await opened.close()
  }
})

test('a store whose next segment could not be prepared, for want of files, goes on and loses nothing', async t => {
  for (const code of ['EMFILE', 'ENFILE']) for (const operation of ['create', 'syncDirectory'] as const) {
    const disk = newDisk()
    const opened = await filled(disk)
    disk.failNext(operation, code)
    for (let index = 13; index <= 20; index++) {
      await opened.write(index, long(index))
      await settled()
    }
    disk.crash({ keep: 0 })
    const again = await openStore(storageOn(disk))
    t.is(again.store.recovered.lastIndex, 20)
    await again.close()
    t.is(disk.openFiles(), 0)
  }
})

test('a disk on which not even an empty file finds room is started from', async t => {
  const disk = newDisk()
  const first = await openStore(storageOn(disk))
  await first.write(1, entriesTo(3))
  await first.close()
  for (const code of ['ENOSPC', 'EDQUOT']) {
    disk.failNext('create', code)
    const again = await openStore(storageOn(disk))
    t.is(again.store.recovered.lastIndex, 3)
    await again.close()
  }
})
