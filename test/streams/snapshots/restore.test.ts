/** A restoring that is called off: nothing of it is left, however far it has come. */
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { left, right } from '../../../lib/prelude.js'
import { restore } from '../../../streams/snapshots/restore.js'
import type { Compression } from '../../../lib/types.js'
import type { SnapshotReader } from '../../../streams/storage/port.js'
import { placeAt, rest, virtualClock } from './fakes.js'

const world = (machine: (bytes: AsyncIterable<Uint8Array>) => Promise<void>, compression: Compression = 'none', ...chunks: readonly Uint8Array[]) => {
  const clock = virtualClock()
  const unread = [...chunks]
  const told: string[] = []
  let isOpen = true
  const reader: SnapshotReader = {
    snapshot: { ...placeAt(3), compression, bytes: 1, checksum: 9 },
    next: done => clock.endOfTurn(() => done(isOpen ? right(unread.shift()) : left(new Error('closed')))),
    rewind: () => undefined,
    close: done => {
      isOpen = false
      told.push('closed')
      done()
    },
  }
  const callOff = restore({ restore: machine }, { snapshots: { read: done => clock.endOfTurn(() => done(right(reader))) }, clock, stallMs: 100 },
    failure => told.push(failure?.reason ?? 'restored'))
  return { clock, told, callOff }
}

test('before the snapshot is open it is closed when it opens', async t => {
  const w = world(() => Promise.resolve())
  w.callOff()
  await rest(w.clock)
  w.clock.advance(1000)
  t.deepEqual(w.told, ['closed'])
})

test('a machine that never comes to its end is left to itself, and no timer stays', async t => {
  const w = world(() => new Promise(() => undefined))
  await rest(w.clock)
  w.callOff()
  w.clock.advance(1000)
  await rest(w.clock)
  t.deepEqual(w.told, ['closed'])
})

test('a machine that takes its time over each chunk is patiently waited for, however many come of one that the disk gives', async t => {
  let taken = 0
  const w = world(async chunks => {
    for await (const { length } of chunks) {
      w.clock.advance(60)
      taken += length
    }
  }, 'gzip', gzipSync(new Uint8Array(1_000_000)))
  while (w.told.length < 2) await rest(w.clock)
  t.deepEqual(w.told, ['closed', 'restored'])
  t.is(taken, 1_000_000)
})
