import { join, resolve } from 'node:path'
import test from 'ava'
import { fileStorage } from '../../../streams/storage/file.js'
import { memoryDisk } from '../../../testing/memory-disk.js'
import { openStore } from '../../../testing/open-store.js'

test('a path is that of the working folder in which it was given', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const { close } = await openStore(fileStorage(join('data', 'a'), { disk, segmentBytes: 4096 }))
  await close()
  t.true(disk.files().length > 0 && disk.files().every(path => path.startsWith(`${resolve('data', 'a')}/`)))
})
