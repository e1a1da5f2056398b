import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { InvalidOptions, StorageFailed } from '../../../lib/errors.js'
import { type Either, isLeft, isRight, right } from '../../../lib/prelude.js'
import { fileStorage } from '../../../streams/storage/file.js'
import { type DiskOperation, type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { type Segment, createSegmentSupply } from '../../../streams/storage/log/segment-files.js'
import type { DiskFile } from '../../../streams/storage/disk/disk.js'
import { nodeDisk } from '../../../streams/storage/disk/node-disk.js'
import type { Store } from '../../../streams/storage/port.js'
import { append, commands, hardState, openStore, tryOpen } from '../../../testing/open-store.js'
import { FOLDER, restless, runThrough, storageOn } from './store-script.js'

const newDisk = (): MemoryDisk => memoryDisk({ later: queueMicrotask })
const entry = (index: number, term = 1, text = `e${index}`) => append(commands(index, term, text))

/** A store that holds one entry, and whose next segment is there. */
const preparedStore = async (disk: MemoryDisk) => {
  const opened = await openStore(storageOn(disk))
  await opened.write(1, entry(1))
  await new Promise(setImmediate)
  return opened
}

const remember = (store: Store, peer: string): Promise<Either<Error, void>> => new Promise(resolve => store.remember(peer, `${peer}-1`, resolve))

const temporaries: string[] = []
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-store-'))
  temporaries.push(folder)
  return folder
}
test.after.always(() => {
  for (const folder of temporaries) rmSync(folder, { recursive: true, force: true })
})

const FAILURES: readonly { readonly operation: DiskOperation; readonly act: 'append' | 'vote' | 'remember' }[] = [
  { operation: 'write', act: 'append' }, { operation: 'datasync', act: 'append' },
  { operation: 'write', act: 'vote' }, { operation: 'datasync', act: 'vote' },
  { operation: 'rename', act: 'remember' }, { operation: 'syncDirectory', act: 'remember' },
]

for (const { operation, act } of FAILURES) {
  test(`a failed ${operation} of ${act === 'append' ? 'an' : 'a'} ${act} is the store's last word`, async t => {
    const disk = newDisk()
    const { store, events, write, read, close } = await openStore(storageOn(disk))
    await write(1, entry(1))
    await remember(store, 'z')
    disk.failNext(operation)
    if (act === 'remember') t.true(isLeft(await remember(store, 'b')))
    else await t.throwsAsync(write(2, act === 'vote' ? hardState(3, 'b') : entry(2)), { message: /EIO/ })
    const before = disk.operations().length
    store.write(3, [entry(2)])
    t.true(isLeft(await remember(store, 'c')))
    t.is((await read(1, 1)).length, 1, 'what is durable is still read')
    await close()
    t.is(disk.operations().length, before, 'nothing is written after it, not even a mark')
    t.deepEqual(events.map(({ type }) => type), ['persisted', 'writeFailed', 'entriesRead'])
    const failed = events[1]
    t.is(failed?.type === 'writeFailed' ? failed.turn : undefined, act === 'remember' ? 1 : 2)
    const again = await openStore(storageOn(disk))
    t.is((await again.lines())[0], '1@1 e1')
  })
}

test('the next segment is prepared once there is something in the present one, and not while a member starts', async t => {
  const disk = newDisk()
  const { write } = await openStore(storageOn(disk))
  const segments = async (): Promise<number> => {
    await new Promise(setImmediate)
    return disk.files().filter(path => path.includes('segment')).length
  }
  t.is(await segments(), 1)
  await write(1, entry(1))
  t.is(await segments(), 2)
})

test('a segment that is written to is never prepared anew: what follows the first group at once may be in the one that was found', async t => {
  const disk = newDisk()
  const first = await preparedStore(disk)
  await first.close()
  const second = await openStore(storageOn(disk))
  for (let turn = 2; turn <= 6; turn++) second.store.write(turn, [entry(turn, 1, 'y'.repeat(900))])
  await second.persisted(6)
  await new Promise(setImmediate)
  disk.crash({ keep: 0 })
  t.is((await openStore(storageOn(disk))).store.recovered.lastIndex, 6)
})

test('a segment that was handed out is not prepared again, whoever asks for what follows an earlier one', async t => {
  const disk = newDisk()
  const supply = createSegmentSupply({ disk, folder: '', segmentBytes: 4096, random: bytes => new Uint8Array(bytes), spare: undefined, makeRoom: done => done(right(undefined)) })
  const first = { kind: 'segment', clusterId: 'c', number: 1, capacity: 4096, salt: new Uint8Array(16) } as const
  const second = await new Promise<Either<Error, Segment>>(resolve => supply.next(first, 100)(resolve))
  if (isLeft(second)) return t.fail(second.left.message)
  const before = disk.operations().length
  supply.prepare(first, 100)
  await new Promise(setImmediate)
  t.is(disk.operations().length, before)
  supply.prepare(second.right.header, 100)
  await new Promise(setImmediate)
  t.is(disk.files().length, 2)
})

/** More than two segments hold. */
const many = (from: number) => append(...Array.from({ length: 12 }, (_, i) => commands(from + i, 1, 'z'.repeat(900))))

test('where no segment could be prepared, what was written before is told first, and the failure is the last word', async t => {
  const disk = newDisk()
  const { store, events, write, close } = await openStore(storageOn(disk))
  disk.failNext('create')
  await write(1, entry(1))
  await new Promise(setImmediate)
  store.write(2, [entry(2)])
  store.write(3, [many(3)])
  store.write(4, [entry(15)])
  await close()
  t.deepEqual(events.map(event => [event.type, 'turn' in event && event.turn]), [['persisted', 1], ['persisted', 2], ['writeFailed', 3]])

  const other = newDisk()
  const second = await openStore(storageOn(other))
  other.failNext('create')
  await second.write(1, entry(1))
  await new Promise(setImmediate)
  second.store.write(2, [many(2)])
  t.is(second.events.length, 1, 'not during the call')
  await second.close()
  t.deepEqual(second.events.map(({ type }) => type), ['persisted', 'writeFailed'])
})

test('a store that fails on its way to the next segment leaves no file open', async t => {
  for (const operation of ['write', 'datasync'] as const) {
    for (let skip = 0, failed = true; failed; skip++) {
      const disk = newDisk()
      const { store, events, close } = await preparedStore(disk)
      disk.failNext(operation, 'EIO', skip)
      store.write(2, [many(2)])
      await close()
      await new Promise(setImmediate)
      failed = events.some(({ type }) => type === 'writeFailed')
      t.is(disk.openFiles(), 0, `${operation} ${skip}`)
      t.true(failed || skip > 3)
    }
  }
  const disk = newDisk()
  const { store, close } = await preparedStore(disk)
  disk.failNext('rename')
  store.write(2, [many(2)])
  t.true(isLeft(await remember(store, 'b')), 'which fails the store while it writes')
  await close()
  await new Promise(setImmediate)
  t.is(disk.openFiles(), 0)
})

test('what a failed sync left in the cache is written once more before it is believed', async t => {
  for (const write of [entry(2), hardState(5, 'b')]) {
    const disk = newDisk()
    const first = await openStore(storageOn(disk))
    await first.write(1, entry(1))
    disk.failNext('datasync')
    await t.throwsAsync(first.write(2, write))
    disk.kill()
    const second = await openStore(storageOn(disk))
    const { lastIndex, hardState: found } = second.store.recovered
    disk.crash({ keep: 0 })
    const third = await openStore(storageOn(disk))
    t.deepEqual([third.store.recovered.lastIndex, third.store.recovered.hardState], [lastIndex, found])
  }
})

test('a disk that is full, wherever the space ends, loses nothing that was acknowledged', async t => {
  const roomy = newDisk()
  await runThrough(roomy, 'clean')
  const total = roomy.files().reduce((sum, path) => sum + roomy.contents(path).length, 0)
  let failedAtOpen = 0
  let failedLater = 0
  for (let capacityBytes = 100; capacityBytes < total; capacityBytes += 1500) {
    const disk = memoryDisk({ later: queueMicrotask, capacityBytes })
    const outcome = await tryOpen(storageOn(disk))
    if (isLeft(outcome)) {
      t.true(outcome.left instanceof StorageFailed && /ENOSPC/.test(outcome.left.message), `${capacityBytes}`)
      failedAtOpen++
      disk.setCapacity(total)
      const retried = await openStore(storageOn(disk))
      await retried.write(1, entry(1))
      continue
    }
    const { write, close } = outcome.right
    let index = 0
    const next = (): Promise<void> => write(index + 1, entry(index + 1, 1, 'x'.repeat(1200)))
    try {
      for (; index < 60; index++) await next()
    } catch (error) {
      t.regex((error as Error).message, /ENOSPC/)
      failedLater++
    }
    await close()
    disk.setCapacity(10 * total)
    const again = await openStore(storageOn(disk))
    const lines = await again.lines()
    t.true(lines.length >= index && lines.length <= index + 1, `${capacityBytes}: ${lines.length} of ${index}`)
  }
  t.true(failedAtOpen > 5 && failedLater > 5, `${failedAtOpen} ${failedLater}`)
})

test('space that is made in time ends no store', async t => {
  const disk = newDisk()
  const { write, close } = await preparedStore(disk)
  const segments = (): number => disk.files().filter(path => /segment-\d+$/.test(path)).length
  t.is(segments(), 2)
  disk.setCapacity(disk.files().reduce((sum, path) => sum + disk.contents(path).length, 0))
  for (let turn = 2; turn <= 4; turn++) await write(turn, entry(turn, 1, 'y'.repeat(900)))
  await new Promise(setImmediate)
  t.is(segments(), 2, 'the third found no space')
  disk.setCapacity(Number.POSITIVE_INFINITY)
  for (let turn = 5; turn <= 40; turn++) await write(turn, entry(turn, 1, 'y'.repeat(900)))
  await close()
  t.is((await openStore(storageOn(disk))).store.recovered.lastIndex, 40)
})

test('an act that starting needs and that the disk refuses is named', async t => {
  const acts: readonly (readonly [DiskOperation, string])[] = [
    ['makeDirectory', 'EACCES'], ['list', 'EIO'], ['create', 'EROFS'], ['write', 'ENOSPC'], ['datasync', 'EIO'], ['rename', 'EACCES'],
    ['syncDirectory', 'EIO'], ['read', 'EIO'], ['open', 'EACCES'], ['lock', 'EACCES'],
  ]
  for (const [operation, code] of acts) {
    const disk = newDisk()
    disk.failNext(operation, code)
    const outcome = await tryOpen(storageOn(disk))
    t.true(isLeft(outcome) && outcome.left instanceof StorageFailed && outcome.left.message.includes(code), operation)
    t.is(disk.openFiles(), 0)
    const second = await tryOpen(storageOn(disk))
    t.true(isRight(second), `after a failed ${operation} the folder is free again`)
  }
})

test('a folder with an identity needs nothing more of the one above it', async t => {
  const disk = newDisk()
  await (await openStore(storageOn(disk))).close()
  disk.failNext('makeDirectory', 'EACCES')
  t.true(isRight(await tryOpen(storageOn(disk))))
})

test('wherever opening fails, nothing stays open and the next attempt succeeds', async t => {
  const seed = newDisk()
  const first = await openStore(storageOn(seed))
  for (let turn = 1; turn <= 6; turn++) await first.write(turn, entry(turn, 1, 'y'.repeat(900)))
  seed.kill()
  const operations: readonly DiskOperation[] = ['open', 'read', 'write', 'datasync', 'close', 'syncDirectory', 'list']
  for (const operation of operations) {
    let failures = 0
    for (let skip = 0, opened = false; !opened; skip++) {
      const disk = seed.clone()
      disk.failNext(operation, 'EIO', skip)
      const outcome = await tryOpen(storageOn(disk))
      opened = isRight(outcome)
      if (opened) continue
      failures++
      const open = disk.openFiles() - (operation === 'close' ? 1 : 0)
      t.is(open, 0, `${operation} ${skip}`)
      const again = await openStore(storageOn(disk))
      t.is(again.store.recovered.lastIndex, 6)
    }
    t.true(failures > 0, operation)
  }
})

test('entries that were damaged while the store was open are not served', async t => {
  const disk = newDisk()
  const { write, read } = await openStore(storageOn(disk))
  await write(1, entry(1), entry(2))
  disk.tamper(`${FOLDER}/segment-0000000001`, bytes => {
    bytes[1024 + 48 + 48 + 12]! ^= 1
    return bytes
  })
  await t.throwsAsync(read(1, 2), { name: 'Damaged' })
})

test('after a while without writes one mark vouches for what was written', async t => {
  const disk = newDisk()
  const due: (() => void)[] = []
  const clock = { ...restless, after: (_: number, work: () => void) => (due.push(work), () => undefined) }
  const { write } = await openStore(fileStorage(FOLDER, { disk, clock, segmentBytes: 4096 }))
  const quiet = async (): Promise<number> => {
    const before = disk.operations().length
    due.splice(0).forEach(work => work())
    await new Promise(setImmediate)
    return disk.operations().length - before
  }
  await new Promise(setImmediate)
  t.is(await quiet(), 0, 'an empty store has nothing to vouch for')
  await write(1, entry(1))
  await write(2, entry(2))
  await new Promise(setImmediate)
  t.is(due.length, 1)
  t.is(await quiet(), 0, 'something was written since')
  t.is(await quiet(), 2, 'a write and a sync')
  t.is(await quiet(), 0, 'once is enough')
  disk.kill()
  disk.tamper(`${FOLDER}/segment-0000000001`, bytes => bytes.fill(0, 3 * 512, 4 * 512))
  t.true(isLeft(await tryOpen(storageOn(disk))), 'what was vouched for is missed')
})

test('turns that arrive during a sync share the next one', async t => {
  const disk = newDisk()
  const { store, persisted, events } = await preparedStore(disk)
  const before = disk.operations().length
  for (let turn = 2; turn <= 20; turn++) store.write(turn, [entry(turn)])
  await persisted(20)
  t.deepEqual(disk.operations().slice(before), ['write', 'datasync', 'write', 'datasync'])
  t.deepEqual(events, [{ type: 'persisted', turn: 1 }, { type: 'persisted', turn: 2 }, { type: 'persisted', turn: 20 }])
})

test('a commitIndex costs no write of its own beside entries', async t => {
  const disk = newDisk()
  const { store, persisted } = await preparedStore(disk)
  store.write(2, [entry(2)])
  store.write(3, [hardState(0, undefined, 2), entry(3)])
  store.write(4, [hardState(0, undefined, 3), entry(4)])
  const before = disk.operations().length
  await persisted(4)
  t.is(disk.operations().length - before, 3, 'the rest of the first group and the second')
  disk.crash({ keep: 0 })
  t.is((await openStore(storageOn(disk))).store.recovered.hardState.commitIndex, 3)
})

test('options that make no sense are refused by name, and nothing is opened', async t => {
  const options = [{ segmentBytes: Number.NaN }, { segmentBytes: 12 }, { segmentBytes: 1e12 }, { segmentBytes: 5000.5 }, { idleMs: -1 }, { idleMs: Number.NaN }, { segmentByte: 4096 }]
  for (const option of options) {
    const disk = newDisk()
    const outcome = await tryOpen(fileStorage(FOLDER, { disk, ...option }))
    t.true(isLeft(outcome) && outcome.left instanceof InvalidOptions && outcome.left.message.includes(Object.keys(option)[0]!), JSON.stringify(option))
    t.deepEqual(disk.files(), [])
  }
})

test('a write that fails is told after the call: whoever writes is not told of an end in the middle of a step', async t => {
  const folder = temporary()
  const disk = nodeDisk()
  writeFileSync(join(folder, 'read-only'), 'x')
  const file = await new Promise<DiskFile>((resolve, reject) => disk.open(join(folder, 'read-only'), 'read', outcome =>
    isRight(outcome) ? resolve(outcome.right) : reject(outcome.left)))
  for (const bytes of [1, 200_000]) {
    let isDuringTheCall = true
    const outcome = await new Promise<Either<NodeJS.ErrnoException, number>>(resolve => {
      file.write([new Uint8Array(bytes)], 0, said => {
        t.false(isDuringTheCall)
        resolve(said)
      })
      isDuringTheCall = false
    })
    t.true(isLeft(outcome) && outcome.left.code === 'EBADF')
  }
  await new Promise<void>(resolve => file.close(() => resolve()))
})

test('files are for their owner alone', async t => {
  const folder = join(temporary(), 'one', 'two')
  const { write, close } = await openStore(fileStorage(folder, { segmentBytes: 4096 }))
  await write(1, entry(1))
  for (const path of [folder, join(folder, '..')]) t.is(statSync(path).mode & 0o777, 0o700)
  for (const name of ['identity', 'hard-state', 'segment-0000000001']) t.is(statSync(join(folder, name)).mode & 0o777, 0o600)
  await close()
})

test('a path that cannot be a folder is named', async t => {
  const file = join(temporary(), 'file')
  writeFileSync(file, '')
  for (const path of [file, join(file, 'below'), '/proc/none']) {
    const outcome = await tryOpen(fileStorage(path))
    t.true(isLeft(outcome) && outcome.left instanceof StorageFailed && outcome.left.message.includes(path), path)
  }
  t.true(existsSync(file))
})

test('a disk reports a write by what was written', async t => {
  const path = join(temporary(), 'file')
  const file = await new Promise<Parameters<Parameters<ReturnType<typeof nodeDisk>['open']>[2]>[0]>(resolve => nodeDisk().open(path, 'create', resolve))
  if (isLeft(file)) throw file.left
  const written = await new Promise(resolve => file.right.write([Buffer.alloc(10), Buffer.alloc(20)], 5, resolve))
  t.deepEqual(written, { _tag: 'Right', right: 30 })
  t.is(statSync(path).size, 35)
  const read = await new Promise(resolve => file.right.read(new Uint8Array(100), 30, resolve))
  t.deepEqual(read, { _tag: 'Right', right: 5 })
  await new Promise<void>(resolve => file.right.close(() => resolve()))
  t.true(isLeft(await new Promise<Either<Error, unknown>>(resolve => nodeDisk().open(path, 'create', resolve))))
})
