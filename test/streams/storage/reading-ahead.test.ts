/** The disk reads one step ahead of whoever reads a snapshot, into two buffers, and no file is closed beneath it. */
import test from 'ava'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import { type Act, readingAhead } from '../../../streams/act/act.js'
import { memoryDisk } from '../../../testing/memory-disk.js'
import { close, entriesTo, next, openNewest, placeAt, writeSnapshot } from '../../../testing/open-snapshot.js'
import { openStore } from '../../../testing/open-store.js'
import { storageOn } from './store-script.js'

/** An act that answers when it is told to. */
const held = () => {
  const asked: ((outcome: Either<string, number>) => void)[] = []
  const act: Act<number, string> = done => void asked.push(done)
  return { asked, act, answer: (outcome: Either<string, number>) => asked.at(-1)!(outcome) }
}

test('the next answer is on its way once there is one, and no other', t => {
  const { asked, act, answer } = held()
  const ahead = readingAhead(act)
  const told: Either<string, number>[] = []
  t.is(asked.length, 0)
  ahead.next(outcome => {
    t.is(asked.length, 2)
    told.push(outcome)
  })
  answer(right(1))
  answer(right(2))
  t.deepEqual([told, asked.length], [[right(1)], 2])
  ahead.next(outcome => told.push(outcome))
  t.deepEqual([told, asked.length], [[right(1), right(2)], 3])
  ahead.next(outcome => told.push(outcome))
  t.is(told.length, 2)
  answer(right(3))
  t.deepEqual([told.at(-1), asked.length], [right(3), 4])
})

test('a failure is told in its turn, and what failed is begun anew only when it is asked for', t => {
  const { asked, act, answer } = held()
  const ahead = readingAhead(act)
  const told: Either<string, number>[] = []
  const tell = (outcome: Either<string, number>): void => void told.push(outcome)
  ahead.next(tell)
  answer(right(1))
  answer(left('EIO'))
  t.deepEqual(told, [right(1)])
  ahead.next(tell)
  t.deepEqual([told.at(-1), asked.length], [left('EIO'), 2])
  ahead.next(tell)
  t.is(asked.length, 3)
  answer(right(2))
  t.deepEqual(told, [right(1), left('EIO'), right(2)])
})

test('who rests waits for what is on its way, and for nothing else', t => {
  const { act, answer } = held()
  const ahead = readingAhead(act)
  let rested = 0
  ahead.rest(() => rested++)
  t.is(rested, 1)
  ahead.next(() => undefined)
  answer(right(1))
  ahead.rest(() => rested++)
  t.is(rested, 1)
  answer(left('EIO'))
  t.is(rested, 2)
})

const CHUNKS = Array.from({ length: 9 }, (_, i) => Buffer.alloc(70_000, i))

/** A snapshot of many chunks, on a disk whose reads wait from `hold` to `release`; `reading` tells how many do. */
const openSlow = async () => {
  const disk = memoryDisk({ later: queueMicrotask })
  const first = await openStore(storageOn(disk))
  await first.write(1, entriesTo(3))
  await writeSnapshot(first.store, placeAt(3), CHUNKS)
  await first.close()
  const waiting: (() => void)[] = []
  let isHolding = false
  const opened = await openStore(storageOn({
    ...disk, open: (path, mode, done) => disk.open(path, mode, outcome => done(isLeft(outcome) ? outcome : right({
      ...outcome.right, read: (into, offset, told) => {
        const read = (): void => outcome.right.read(into, offset, told)
        if (isHolding) waiting.push(read)
        else read()
      },
    }))),
  }))
  return {
    disk, opened, reading: () => waiting.length,
    hold: () => { isHolding = true },
    release: () => {
      isHolding = false
      for (const read of waiting.splice(0)) read()
    },
  }
}
const turns = async (count: number): Promise<void> => { for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve)) }

test('a chunk stays what it is while the next one is read, and two buffers are enough for all', async t => {
  const { opened } = await openSlow()
  const reader = await openNewest(opened.store)
  const memory = new Set<ArrayBufferLike>()
  for (const expected of CHUNKS) {
    const chunk = (await next(reader))!
    await turns(2)
    t.deepEqual(Buffer.from(chunk), expected)
    memory.add(chunk.buffer)
  }
  t.is(await next(reader), undefined)
  t.is(memory.size, 2)
  await close(reader)
  await opened.close()
})

test('a file from which something is being read is closed when that has ended', async t => {
  const { disk, opened, hold, release, reading } = await openSlow()
  const open = disk.openFiles()
  const reader = await openNewest(opened.store)
  hold()
  const first = next(reader)
  await turns(3)
  t.is(reading(), 1)
  release()
  await first
  hold()
  await next(reader)
  t.is(reading(), 1, 'the third is being read, the second is in use')
  let isClosed = false
  void close(reader).then(() => { isClosed = true })
  await turns(5)
  t.deepEqual([isClosed, disk.openFiles()], [false, open + 1])
  release()
  await turns(5)
  t.deepEqual([isClosed, disk.openFiles()], [true, open])
  await opened.close()
})
