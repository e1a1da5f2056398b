import test from 'ava'
import { type Either, isLeft, isRight, right } from '../../../lib/prelude.js'
import type { Disk } from '../../../streams/storage/disk/disk.js'
import { type Segment, type SegmentSupply, createSegmentSupply } from '../../../streams/storage/log/segment-files.js'
import { memoryDisk } from '../../../testing/memory-disk.js'

const FIRST = { kind: 'segment', clusterId: 'c', number: 1, capacity: 4096, salt: new Uint8Array(16) } as const

const supplyOn = (disk: Disk): SegmentSupply =>
  createSegmentSupply({ disk, folder: '', segmentBytes: 4096, random: bytes => new Uint8Array(bytes), spare: undefined, makeRoom: done => done(right(undefined)) })
const nextOf = (supply: SegmentSupply): Promise<Either<NodeJS.ErrnoException, Segment>> => new Promise(resolve => supply.next(FIRST, 100)(resolve))

test('an attempt to prepare a segment is over when its file is swept: the next one has a file of the same name', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  let unlinks = 0
  let held: (() => void) | undefined
  const goOn = (): void => {
    held?.()
    held = undefined
  }
  const supply = supplyOn({
    ...disk,
    unlink: (path, done) => {
      unlinks++
      if (unlinks === 2) held = () => disk.unlink(path, done)
      else disk.unlink(path, done)
    },
    open: (path, mode, done) => disk.open(path, mode, outcome => {
      goOn()
      done(outcome)
    }),
  })
  disk.failNext('write', 'ENOSPC')
  supply.prepare(FIRST, 100)
  await new Promise(setImmediate)
  const next = nextOf(supply)
  await new Promise(setImmediate)
  goOn()
  t.true(isRight(await next))
  t.deepEqual(disk.files(), ['/segment-0000000002'])
})

for (const code of ['EMFILE', 'ENFILE']) {
  for (const operation of ['create', 'syncDirectory'] as const) {
    test(`an attempt to prepare a segment that lacked a file is made again when the segment is needed: ${code} of ${operation}`, async t => {
      for (const asked of ['meanwhile', 'later', 'and not prepared']) {
        const disk = memoryDisk({ later: queueMicrotask })
        const supply = supplyOn(disk)
        disk.failNext(operation, code)
        if (asked !== 'and not prepared') supply.prepare(FIRST, 100)
        if (asked === 'later') await new Promise(setImmediate)
        const outcome = await nextOf(supply)
        t.true(isRight(outcome), asked)
        t.is(disk.openFiles(), 1, 'what was not handed out is closed')
        disk.crash({ keep: 0 })
        t.deepEqual(disk.files(), ['/segment-0000000002'], 'its name was synced')
        t.is(disk.contents('/segment-0000000002').length, 4096)
      }
    })
  }
}

test('who needs a segment that cannot be had for want of files time and again is told so, and may ask again', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const supply = supplyOn(disk)
  disk.failNext('create', 'EMFILE')
  disk.failNext('create', 'EMFILE')
  const outcome = await nextOf(supply)
  t.is(isLeft(outcome) && outcome.left.code, 'EMFILE')
  t.true(isRight(await nextOf(supply)))
})

test('who waits for a segment that cannot be prepared on a broken disk is told so, and nothing is tried again', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const supply = supplyOn(disk)
  disk.failNext('write', 'EIO')
  supply.prepare(FIRST, 100)
  const outcome = await nextOf(supply)
  t.is(isLeft(outcome) && outcome.left.code, 'EIO')
  t.is(disk.operations().filter(operation => operation === 'create').length, 1)
})
