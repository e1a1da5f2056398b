import test from 'ava'
import type { Index } from '../../../lib/types.js'
import type { MemoryDisk } from '../../../testing/memory-disk.js'
import { contentsOf, entriesTo, placeAt, writeSnapshot } from '../../../testing/open-snapshot.js'
import { openStore } from '../../../testing/open-store.js'
import { type Run, lengthOf, sweepCrashes, sweepSecondCrashes } from './crash-sweep.js'
import { FOLDER, storageOn } from './store-script.js'

/** Several sectors in every snapshot, and other bytes in each. */
const chunksAt = (index: Index): readonly Uint8Array[] =>
  [700, 1, 1500, 40 * index].map((length, i) => Uint8Array.from({ length }, (_, at) => (at * 13 + index * 50 + i) % 256))

const PLACES: readonly Index[] = [2, 5, 9]

/** How far a run came, as seen from outside: the snapshots and entries that were begun, and those that were told to be durable. */
interface Progress {
  begun: Index
  finished: Index
  entries: Index
}

/** Entries and snapshots in turn, and a second life before the last of them. */
const perform = async (disk: MemoryDisk, progress: Progress): Promise<void> => {
  let opened = await openStore(storageOn(disk))
  for (const index of PLACES) {
    await opened.write(index, entriesTo(index, progress.entries + 1))
    progress.entries = index
    if (index === PLACES.at(-1)) {
      await opened.close()
      opened = await openStore(storageOn(disk))
    }
    progress.begun = index
    await writeSnapshot(opened.store, placeAt(index), chunksAt(index))
    progress.finished = index
  }
  await opened.close()
}

const snapshotFiles = (disk: MemoryDisk): readonly string[] => disk.files().filter(path => path.startsWith(`${FOLDER}/snapshot-`))

/** What is wrong with what is left of a run, if anything; another snapshot is put on top of it, and must last. */
const faultOf = async (disk: MemoryDisk, { begun, finished, entries }: Progress): Promise<string | undefined> => {
  const opened = await openStore(storageOn(disk))
  const found = opened.store.snapshots.newest()
  if (![begun, finished].includes(found?.index ?? 0)) return `${found?.index} is the newest after ${finished} was finished and ${begun} begun`
  if (found !== undefined && !Buffer.concat(chunksAt(found.index)).equals(await contentsOf(opened.store))) return `other contents at ${found.index}`
  if (opened.store.recovered.lastIndex < entries) return `the log ends at ${opened.store.recovered.lastIndex} instead of ${entries}`
  const damage = opened.store.recovered.notes.find(note => note.includes('damaged'))
  if (damage !== undefined) return damage
  if (snapshotFiles(disk).length !== (found === undefined ? 0 : 1)) return `there are ${snapshotFiles(disk).join()}`
  await opened.write(1, entriesTo(12, opened.store.recovered.lastIndex + 1))
  await writeSnapshot(opened.store, placeAt(12), chunksAt(12))
  disk.crash({ keep: 0 })
  const again = await openStore(storageOn(disk))
  if (again.store.snapshots.newest()?.index !== 12) return 'what was written after the crash did not last'
  if (!Buffer.concat(chunksAt(12)).equals(await contentsOf(again.store))) return 'what was written after the crash has other contents'
  await again.close()
  return disk.openFiles() === 0 ? undefined : `${disk.openFiles()} files stayed open`
}

const RUN: Run<Progress> = { begin: () => ({ begun: 0, finished: 0, entries: 0 }), perform, faultOf }

test('after a crash at any act on the disk, the old snapshot is there or the new one, whole', async t => {
  const total = await lengthOf(RUN)
  t.true(total > 60, `the run acts ${total} times on the disk`)
  t.is(await sweepCrashes(RUN, () => [undefined, 0, 0.5, 1]), undefined)
})

test('a crash while what a crash left is swept loses no snapshot', async t => {
  t.is(await sweepSecondCrashes(RUN, { from: 20, step: 3, acts: [1, 2, 3, 4, 5, 6], first: acts => acts % 2, second: () => 0.5 }), undefined)
})
