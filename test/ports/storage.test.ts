import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { fileStorage } from '../../streams/storage/file.js'
import { memoryDisk } from '../../testing/memory-disk.js'
import { memoryStorage } from '../../streams/storage/memory.js'
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
    return { storage: () => fileStorage('/data/a', { disk, segmentBytes: 64 * 1024 }) }
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
