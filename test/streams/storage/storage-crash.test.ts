import test from 'ava'
import type { MemoryDisk } from '../../../testing/memory-disk.js'
import { append, commands, openStore } from '../../../testing/open-store.js'
import { type Cut, type Run, lengthOf, sweepCrashes, sweepSecondCrashes } from './crash-sweep.js'
import { type Progress, begin, faultOf, heldBy, perform, storageOn } from './store-script.js'

/** Opens what is left, checks it, writes to it, and finds that too after the next crash. */
const check = async (disk: MemoryDisk, progress: Progress): Promise<string | undefined> => {
  const opened = await openStore(storageOn(disk))
  const held = await heldBy(opened)
  const fault = faultOf(progress, held, opened.store)
  if (fault !== undefined) return fault
  const next = held.lines.length + 1
  await opened.write(1, append(commands(next, 9, 'after')))
  disk.crash({ keep: 0 })
  const again = await openStore(storageOn(disk))
  const { lines } = await heldBy(again)
  await again.close()
  if (disk.openFiles() !== 0) return `${disk.openFiles()} files stayed open`
  return lines.join() === [...held.lines, `${next}@9 after`].join() ? undefined : `what was recovered did not last: ${lines.slice(-3).join()}`
}

const RUN: Run<Progress> = {
  begin, faultOf: check,
  perform: async (disk, progress) => (await perform(disk, progress)).close(),
}

const WAYS: Readonly<Record<string, Cut>> = {
  'the end of the process': undefined, 'a power cut that leaves nothing unsynced': 0, 'a power cut that leaves a fifth of it': 0.2, 'a power cut that leaves half of it': 0.5,
  'a power cut that leaves most of it': 0.8, 'a power cut that leaves all of it': 1,
}
for (const [way, cut] of Object.entries(WAYS)) {
  test(`after ${way} at any act on the disk, everything acknowledged is there and nothing is invented`, async t => {
    t.is(await sweepCrashes(RUN, () => [cut]), undefined)
  })
}

test('the script acts often enough', async t => {
  const total = await lengthOf(RUN)
  t.true(total > 100, `${total} times on the disk`)
})

test('a crash while a crashed store is opened loses nothing more', async t => {
  t.is(await sweepSecondCrashes(RUN, {
    from: 1, step: 7, acts: [1, 2, 3, 4, 5, 6, 7, 8], first: () => 0.5, second: acts => acts % 2 === 0 ? 0.5 : 0,
  }), undefined)
})
