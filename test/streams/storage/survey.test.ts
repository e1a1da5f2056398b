/** Whoever looks at a folder says of it what a start would make of it. */
import test from 'ava'
import { checksumOf, writeUint32 } from '../../../codecs/bytes.js'
import { type Either, isLeft, left } from '../../../lib/prelude.js'
import type { Disk, DiskFile } from '../../../streams/storage/disk/disk.js'
import type { Failure } from '../../../streams/storage/files/store-file.js'
import { fileStorage } from '../../../streams/storage/file.js'
import { type Survey, surveyFolder } from '../../../streams/storage/survey.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { OWNER, append, commands, openStore, tryOpen } from '../../../testing/open-store.js'
import { FOLDER, restless, storageOn } from './store-script.js'

const SPARE = `${FOLDER}/segment-0000000002`

/** A store with an entry, of whose second segment nothing is used. */
const stopped = async (clusterId = OWNER.clusterId): Promise<MemoryDisk> => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk), { clusterId })
  await opened.write(1, append(commands(1, 1, 'one')))
  await new Promise(setImmediate)
  await opened.close()
  return disk
}

const surveyOf = async (disk: Disk): Promise<Survey> => {
  const found = await new Promise<Either<Failure, Survey>>(resolve => surveyFolder({ disk, folder: FOLDER, withContents: true, looked: () => undefined })(resolve))
  if (isLeft(found)) throw found.left
  return found.right
}

const later = (bytes: Uint8Array): Uint8Array => {
  writeUint32(bytes, 8, 3)
  writeUint32(bytes, 12, checksumOf(bytes.subarray(0, 12)))
  return bytes
}

/** The same disk, but for a part of the unused segment that cannot be read. */
const unreadable = (disk: MemoryDisk): Disk => ({
  ...disk,
  open: (path, mode, done) => disk.open(path, mode, outcome => done(isLeft(outcome) || path !== SPARE ? outcome : { ...outcome, right: {
    ...outcome.right, read: (_into: Uint8Array, _offset: number, read: Parameters<DiskFile['read']>[2]) => queueMicrotask(() => read(left(Object.assign(new Error('EIO'), { code: 'EIO' })))),
  } })),
})

/** What the segment behind the last one is, and whether a start takes the folder. */
const SPARES: readonly (readonly [what: string, isTaken: boolean, change: (disk: MemoryDisk) => Disk | Promise<Disk>])[] = [
  ['as it was prepared', true, disk => disk],
  ['still being prepared', true, disk => (disk.tamper(SPARE, bytes => bytes.fill(0, 1024)), disk)],
  ['without a header', true, disk => (disk.tamper(SPARE, bytes => bytes.fill(0, 0, 512)), disk)],
  ['shorter than it says', true, disk => (disk.tamper(SPARE, bytes => bytes.slice(0, 2048)), disk)],
  ['of a later version', false, disk => (disk.tamper(SPARE, later), disk)],
  ['of another cluster', false, async disk => {
    const other = await stopped('d'.repeat(64))
    disk.tamper(SPARE, () => other.contents(SPARE))
    return disk
  }],
  ['unreadable', false, unreadable],
]

for (const [what, isTaken, change] of SPARES) {
  test(`a survey finds a fault where a start is refused, and none where it is not: an unused segment ${what}`, async t => {
    const disk = await change(await stopped())
    const { faults, log } = await surveyOf(disk)
    const outcome = await tryOpen(fileStorage(FOLDER, { disk, segmentBytes: 4096, clock: restless }))
    t.is(!isLeft(outcome), isTaken)
    t.is(faults.length, isTaken ? 0 : 1)
    t.is(log?.lastIndex, 1)
    if (isLeft(outcome)) t.is(faults[0]!._tag, outcome.left._tag)
  })
}
