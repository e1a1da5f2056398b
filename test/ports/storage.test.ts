import { AssertionError } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { fileStorage } from '../../streams/storage/file.js'
import { memoryDisk } from '../../testing/memory-disk.js'
import { Damaged } from '../../lib/errors.js'
import { right } from '../../lib/prelude.js'
import { memoryStorage } from '../../streams/storage/memory.js'
import type { Disk } from '../../streams/storage/disk/disk.js'
import type { Storage } from '../../streams/storage/port.js'
import type { StorageWorld } from '../../testing/open-store.js'
import { storageSuite } from '../../testing/storage-suite.js'
import { MISTAKES, onFiles, unsynced } from './mistakes.js'

const temporaries: string[] = []
test.after.always(() => {
  for (const folder of temporaries) rmSync(folder, { recursive: true, force: true })
})

const onMemoryDisk = (storageOn: (disk: Disk) => Storage) => (): StorageWorld => {
  const disk = memoryDisk()
  return { storage: () => storageOn(disk), crash: () => disk.crash({ keep: 0 }) }
}

const worlds: Record<string, () => StorageWorld> = {
  memory: () => {
    const storage = memoryStorage()
    return { storage: () => storage }
  },
  'files on a memory disk': onMemoryDisk(onFiles),
  'files on the disk': () => {
    const folder = mkdtempSync(join(tmpdir(), 'rxraft-storage-'))
    temporaries.push(folder)
    return { storage: () => fileStorage(join(folder, 'data', 'a'), { segmentBytes: 64 * 1024 }) }
  },
}

for (const [world, make] of Object.entries(worlds)) {
  for (const { name, run } of storageSuite(make)) {
    test(`${world}: ${name}`, async t => {
      await run()
      t.pass()
    })
  }
}

const NOT_SYNCED: Readonly<Record<string, (disk: Disk) => Disk>> = {
  files: unsynced(() => true),
  folders: disk => ({ ...disk, syncDirectory: (_path, done) => void setImmediate(() => done(right(undefined))) }),
}

for (const [what, lazy] of Object.entries(NOT_SYNCED)) {
  test(`the suite notices a store that does not sync its ${what}`, async t => {
    const failed: string[] = []
    for (const { name, run } of storageSuite(onMemoryDisk(disk => onFiles(lazy(disk))))) await run().catch(() => failed.push(name))
    t.true(failed.length > 0 && failed.every(name => /loss of power/.test(name)), failed.join('; '))
  })
}

for (const [what, { storageOn, caughtBy }] of Object.entries(MISTAKES)) {
  test(`the suite notices that ${what}`, async t => {
    const rule = storageSuite(onMemoryDisk(storageOn)).find(({ name }) => name === caughtBy)
    const failure = await t.throwsAsync(rule!.run())
    t.true(failure instanceof AssertionError || failure instanceof Damaged, String(failure))
  })
}
