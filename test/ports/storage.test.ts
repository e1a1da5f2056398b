import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { fileStorage } from '../../streams/storage/file.js'
import { memoryDisk } from '../../testing/memory-disk.js'
import { isLeft, right } from '../../lib/prelude.js'
import { memoryStorage } from '../../streams/storage/memory.js'
import type { Disk, DiskFile } from '../../streams/storage/disk/disk.js'
import type { StorageWorld } from '../../testing/open-store.js'
import { storageSuite } from '../../testing/storage-suite.js'

const temporaries: string[] = []
test.after.always(() => {
  for (const folder of temporaries) rmSync(folder, { recursive: true, force: true })
})

const worlds: Record<string, () => StorageWorld> = {
  memory: () => {
    const storage = memoryStorage()
    return { storage: () => storage }
  },
  'files on a memory disk': () => {
    const disk = memoryDisk()
    return { storage: () => fileStorage('/data/a', { disk, segmentBytes: 64 * 1024 }), crash: () => disk.crash({ keep: 0 }) }
  },
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
  files: disk => ({
    ...disk,
    open: (path, mode, done) => disk.open(path, mode, opened => {
      const unsynced = (file: DiskFile): DiskFile => ({ ...file, datasync: synced => void setImmediate(() => synced(right(undefined))) })
      done(isLeft(opened) ? opened : right(unsynced(opened.right)))
    }),
  }),
  folders: disk => ({ ...disk, syncDirectory: (_path, done) => void setImmediate(() => done(right(undefined))) }),
}

for (const [what, lazy] of Object.entries(NOT_SYNCED)) {
  test(`the suite notices a store that does not sync its ${what}`, async t => {
    const failed: string[] = []
    for (const { name, run } of storageSuite(() => {
      const disk = memoryDisk()
      return { storage: () => fileStorage('/data/a', { disk: lazy(disk), segmentBytes: 64 * 1024 }), crash: () => disk.crash({ keep: 0 }) }
    })) await run().catch(() => failed.push(name))
    t.true(failed.length > 0 && failed.every(name => /loss of power/.test(name)), failed.join('; '))
  })
}
