/** A restoring that is called off: nothing of it is left, however far it has come. */
import test from 'ava'
import { left, right } from '../../../lib/prelude.js'
import { restore } from '../../../streams/snapshots/restore.js'
import type { SnapshotReader } from '../../../streams/storage/port.js'
import { placeAt, rest, virtualClock } from './fakes.js'

const world = (machine: (bytes: AsyncIterable<Uint8Array>) => Promise<void>) => {
  const clock = virtualClock()
  const told: string[] = []
  let isOpen = true
  const reader: SnapshotReader = {
    snapshot: { ...placeAt(3), bytes: 1, checksum: 9 },
    next: done => clock.endOfTurn(() => done(isOpen ? right(undefined) : left(new Error('closed')))),
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
