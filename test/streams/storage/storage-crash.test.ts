import test from 'ava'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { append, commands, openStore } from '../../../testing/open-store.js'
import { type Progress, faultOf, heldBy, runThrough, runUntil, storageOn } from './store-script.js'

const newDisk = (seed: number): MemoryDisk => memoryDisk({ seed, later: queueMicrotask })

/** What a power cut leaves of the unsynced sectors and names; undefined is the end of the process alone. */
const CUTS: readonly (number | undefined)[] = [undefined, 0, 0.2, 0.5, 0.8, 1]

const crash = (disk: MemoryDisk, keep: number | undefined): void => (keep === undefined ? disk.kill() : disk.crash({ keep }))

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

test('after a crash at any act on the disk, everything acknowledged is there and nothing is invented', async t => {
  const whole = newDisk(1)
  await runThrough(whole, 'clean')
  const total = whole.operations().length
  t.true(total > 100, `the script acts ${total} times on the disk`)
  for (let operations = 1; operations <= total; operations++) {
    for (const [i, keep] of CUTS.entries()) {
      const disk = newDisk(operations * CUTS.length + i)
      const progress = await runUntil(disk, operations)
      crash(disk, keep)
      const fault = await check(disk, progress).catch((error: Error) => error.message)
      if (fault !== undefined) return t.fail(`act ${operations} (${disk.operations()[operations - 1]}), kept ${keep}: ${fault}`)
    }
  }
})

test('a crash while a crashed store is opened loses nothing more', async t => {
  const whole = newDisk(1)
  await runThrough(whole, 'clean')
  const total = whole.operations().length
  for (let operations = 1; operations <= total; operations += 7) {
    for (let acts = 1; acts <= 8; acts++) {
      const disk = newDisk(operations + acts)
      const progress = await runUntil(disk, operations)
      disk.crash({ keep: 0.5 })
      const death = new Promise<void>(resolve => disk.dieAfter(acts, resolve))
      await Promise.race([openStore(storageOn(disk)).then(({ close }) => close()), death])
      disk.crash({ keep: acts % 2 === 0 ? 0.5 : 0 })
      const fault = await check(disk, progress).catch((error: Error) => error.message)
      if (fault !== undefined) return t.fail(`act ${operations}, then ${acts} while opening: ${fault}`)
    }
  }
  t.pass()
})
