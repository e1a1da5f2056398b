/** The leader's snapshot on its way to the disk, with a store in hand. */
import test from 'ava'
import { type Either, left, right } from '../../../lib/prelude.js'
import type { RaftState } from '../../../lib/state.js'
import type { Compression, Snapshot } from '../../../lib/types.js'
import { createChunkReceiver } from '../../../streams/snapshots/receive-chunks.js'
import type { SnapshotReceiver } from '../../../streams/storage/port.js'
import { placeAt, virtualClock } from './fakes.js'

const snapshotAt = (index: number, bytes = 4): Snapshot => ({ ...placeAt(index), bytes, checksum: 9 })

type Done<A> = (outcome: Either<Error, A>) => void

const world = () => {
  const clock = virtualClock()
  const told: string[] = []
  let act: { readonly name: string; readonly end: (error?: Error) => void } | undefined
  const held = <A>(name: string, value: A, done: Done<A>): void => {
    told.push(name)
    act = { name, end: error => done(error === undefined ? right(value) : left(error)) }
  }
  let here = 0
  const receiverOf = (snapshot: Snapshot): SnapshotReceiver => ({
    received: here,
    write: (chunk, done) => held<void>(`write ${chunk.length}`, undefined, done),
    finish: done => held('finish', snapshot, done),
    close: done => {
      told.push(`close ${snapshot.index}`)
      done()
    },
  })
  const receiver = createChunkReceiver({
    snapshots: { receive: (snapshot, done) => held(`open ${snapshot.index}`, receiverOf(snapshot), done) },
    written: ({ index }, received) => told.push(`${index}: ${received} written`),
    stored: ({ index }) => told.push(`${index}: stored`),
    failed: ({ index }) => told.push(`${index}: failed`),
    notice: notice => told.push(notice.type),
    clock, limits: { snapshotRetryMs: 100, snapshotRetryMaxMs: 300 },
  })
  return {
    receiver, clock,
    has: (received: number) => { here = received },
    take: (): readonly string[] => told.splice(0),
    /** The act under way has ended, or failed; what was told since the last time. */
    ended: (error?: Error): readonly string[] => {
      act?.end(error)
      return told.splice(0)
    },
    receive: (index: number, bytes?: number, compression: Compression = 'none') => receiver.receive({ type: 'receive', snapshot: { ...snapshotAt(index, bytes), compression } }),
    write: (index: number, offset: number, length: number) => receiver.write({ type: 'write', snapshot: snapshotAt(index), offset, chunk: new Uint8Array(length) }),
  }
}

test('each chunk is told when it is written, and the last one as a snapshot that is durable', t => {
  const w = world()
  w.receive(3)
  t.deepEqual(w.ended(), ['open 3', '3: 0 written'])
  w.write(3, 0, 3)
  t.deepEqual(w.ended(), ['write 3', '3: 3 written'])
  w.write(3, 3, 1)
  t.deepEqual(w.ended(), ['write 1', 'finish'])
  t.deepEqual(w.ended(), ['3: stored'])
})

test('what is here already is told; where that is all, an empty chunk ends it', t => {
  const w = world()
  w.has(2)
  w.receive(3)
  t.deepEqual(w.ended(), ['open 3', '3: 2 written'])
  w.has(4)
  w.receive(4)
  t.deepEqual(w.ended(), ['close 3', 'open 4', '4: 4 written'])
  w.write(4, 4, 0)
  t.deepEqual(w.ended(), ['write 0', 'finish'])
  t.deepEqual(w.ended(), ['4: stored'])
})

test('a chunk for another place than the next is a failure', t => {
  const w = world()
  w.receive(3)
  w.ended()
  w.write(3, 1, 2)
  t.deepEqual(w.take(), ['close 3', 'snapshotUnreceivable'])
  w.clock.advance(100)
  t.deepEqual(w.take(), ['3: failed'])
})

test('a failure at any point is told once, and the next one begins afresh', t => {
  for (const acts of [0, 1, 2]) {
    const w = world()
    w.receive(3)
    if (acts > 0) {
      w.ended()
      w.write(3, 0, 4)
    }
    if (acts > 1) w.ended()
    t.deepEqual(w.ended(new Error('no space')).slice(1).filter(line => !line.startsWith('close')), ['snapshotUnreceivable'])
    w.clock.advance(99)
    t.deepEqual(w.take(), [])
    w.clock.advance(1)
    t.deepEqual(w.take(), ['3: failed'])
    w.receive(3)
    t.deepEqual(w.ended(), ['open 3', '3: 0 written'])
  }
})

test('each failure is told after twice the wait, up to the longest, until one is received whole', t => {
  const w = world()
  const waited = (): number => {
    w.receive(3)
    w.ended(new Error('no space'))
    for (let ms = 1; ms <= 1000; ms++) {
      w.clock.advance(1)
      if (w.take().includes('3: failed')) return ms
    }
    return 0
  }
  t.deepEqual([waited(), waited(), waited(), waited()], [100, 200, 300, 300])
  w.receive(4)
  w.ended()
  w.write(4, 0, 4)
  w.ended()
  t.deepEqual(w.ended(), ['4: stored'])
  t.is(waited(), 100)
})

test('another one does not wait for what one before has failed for, nor does the end', t => {
  const w = world()
  w.receive(3)
  w.ended(new Error('no space'))
  w.receive(4)
  t.deepEqual(w.ended(), ['open 4', '4: 0 written'])
  w.write(4, 0, 2)
  w.ended(new Error('no space'))
  w.receiver.halt()
  w.clock.advance(1000)
  t.deepEqual(w.take(), [])
})

test('the next one is opened when the one before is closed, and one that was never opened is not', t => {
  const w = world()
  w.receive(3)
  w.receive(4)
  w.receive(5)
  t.deepEqual(w.take(), ['open 3'])
  t.deepEqual(w.ended(), ['close 3', 'open 5'])
  t.deepEqual(w.ended(), ['5: 0 written'])
})

test('what no state wants any more is let go, and what comes of it late is kept to itself', t => {
  const w = world()
  w.receive(3)
  w.ended()
  w.write(3, 0, 2)
  w.receiver.follow({ receiving: { snapshot: snapshotAt(3) } } as RaftState)
  t.deepEqual(w.ended(), ['write 2', '3: 2 written'])
  w.write(3, 2, 1)
  w.receiver.follow({ receiving: undefined } as RaftState)
  t.deepEqual(w.ended(), ['write 1', 'close 3'])
})

test('one that is finished is the newest, also when nobody wants it any more', t => {
  const w = world()
  w.receive(3)
  w.ended()
  w.write(3, 0, 4)
  w.ended()
  w.receiver.halt()
  t.deepEqual(w.ended(), ['close 3', '3: stored'])
})

test('one that opens after another took its place is closed', t => {
  const w = world()
  w.receive(3)
  const open3 = w.ended
  w.receiver.halt()
  t.deepEqual(open3(), ['open 3', 'close 3'])
})

test('what cannot be decompressed here is not received: it is told, and tried again after the wait', t => {
  const w = world()
  // No version of Node has it: as zstd is to one that is older.
  w.receive(3, 4, 'lzma' as Compression)
  t.deepEqual(w.take(), ['snapshotUnreceivable'])
  w.clock.advance(100)
  t.deepEqual(w.take(), ['3: failed'])
  w.receive(4)
  t.deepEqual(w.ended(), ['open 4', '4: 0 written'])
})
