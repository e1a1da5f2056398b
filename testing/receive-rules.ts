import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import {
  abort, contentsOf, entriesTo, finish, letGo, placeAt, receive, receiveSnapshot, snapshotOf, write, writeSnapshot,
} from './open-snapshot.js'
import { type StorageWorld, openStore } from './open-store.js'

const bytesOf = (length: number, salt: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 29 + (i >>> 8) * 5 + salt) % 256)

const CHUNKS = [1, 60, 70_000, 3].map((length, i) => bytesOf(length, i))
const WHOLE = Buffer.concat(CHUNKS)
const SNAPSHOT = snapshotOf(placeAt(9), CHUNKS)

const same = (a: Uint8Array, b: Uint8Array): void => equal(Buffer.compare(a, b), 0)

/** What every storage must keep of snapshots that come from another member. */
export const receiveRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'a snapshot that was received is the newest, and is read as it came': async world => {
    const first = await openStore(world.storage())
    await writeSnapshot(first.store, placeAt(3), [bytesOf(10, 3)])
    const receiver = await receive(first.store, SNAPSHOT)
    equal(receiver.received, 0)
    for (const chunk of CHUNKS) await write(receiver, chunk)
    equal(first.store.snapshots.newest()?.index, 3)
    deepEqual(await finish(receiver), SNAPSHOT)
    deepEqual(first.store.snapshots.newest(), SNAPSHOT)
    same(await contentsOf(first.store), WHOLE)
    await rejects(write(receiver, CHUNKS[0]!))
    await letGo(receiver)
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(second.store.snapshots.newest(), SNAPSHOT)
    same(await contentsOf(second.store), WHOLE)
    await second.close()
  },
  'it may be empty, and cut in any way': async world => {
    const { store, close } = await openStore(world.storage())
    const contents = bytesOf(3 * 1024 * 1024 + 17, 7)
    deepEqual(await receiveSnapshot(store, snapshotOf(placeAt(1), []), []), { ...placeAt(1), bytes: 0, checksum: 0 })
    await receiveSnapshot(store, snapshotOf(placeAt(2), [contents]), [contents])
    same(await contentsOf(store), contents)
    await close()
  },
  'what was received of it is taken up again, also by the next who opens the store': async world => {
    const first = await openStore(world.storage())
    const one = await receive(first.store, SNAPSHOT)
    await write(one, WHOLE.subarray(0, 500))
    await letGo(one)
    await rejects(write(one, CHUNKS[0]!))
    const two = await receive(first.store, SNAPSHOT)
    equal(two.received, 500)
    await write(two, WHOLE.subarray(500, 40_000))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.snapshots.newest(), second.store.recovered.notes], [undefined, []])
    const three = await receive(second.store, { ...SNAPSHOT })
    equal(three.received, 40_000)
    await write(three, WHOLE.subarray(40_000))
    deepEqual(await finish(three), SNAPSHOT)
    same(await contentsOf(second.store), WHOLE)
    await second.close()
  },
  'what is here of another one is dropped': async world => {
    const { store, close } = await openStore(world.storage())
    const others = [
      { ...SNAPSHOT, checksum: SNAPSHOT.checksum ^ 1 }, { ...SNAPSHOT, bytes: SNAPSHOT.bytes + 1 }, { ...SNAPSHOT, time: SNAPSHOT.time + 1 },
      { ...SNAPSHOT, term: SNAPSHOT.term + 1 }, { ...SNAPSHOT, index: 8 }, { ...SNAPSHOT, membership: { ...SNAPSHOT.membership, learners: ['c'], addresses: { ...SNAPSHOT.membership.addresses, c: 'localhost:3' } } },
    ]
    for (const other of others) {
      for (const snapshot of [SNAPSHOT, other]) {
        const receiver = await receive(store, snapshot)
        equal(receiver.received, 0)
        await write(receiver, WHOLE.subarray(0, 100))
        await letGo(receiver)
      }
    }
    await receiveSnapshot(store, SNAPSHOT, CHUNKS)
    same(await contentsOf(store), WHOLE)
    await close()
  },
  'contents that are not those of the snapshot are dropped': async world => {
    const { store, close } = await openStore(world.storage())
    await writeSnapshot(store, placeAt(3), [bytesOf(10, 3)])
    for (const contents of [WHOLE.subarray(1), Buffer.concat([WHOLE.subarray(1), bytesOf(1, 255)])]) {
      const receiver = await receive(store, SNAPSHOT)
      equal(receiver.received, 0)
      await write(receiver, contents)
      await rejects(finish(receiver))
      await rejects(write(receiver, contents))
    }
    const receiver = await receive(store, SNAPSHOT)
    equal(receiver.received, 0)
    await write(receiver, WHOLE)
    await rejects(write(receiver, bytesOf(1, 1)))
    equal(store.snapshots.newest()?.index, 3)
    await receiveSnapshot(store, SNAPSHOT, CHUNKS)
    same(await contentsOf(store), WHOLE)
    await close()
  },
  'one at a time is received, and each is newer than the newest': async world => {
    const { store, close } = await openStore(world.storage())
    const one = await receive(store, SNAPSHOT)
    await rejects(receive(store, snapshotOf(placeAt(10), CHUNKS)))
    await write(one, WHOLE)
    await finish(one)
    for (const index of [8, 9]) await rejects(receive(store, snapshotOf(placeAt(index), CHUNKS)))
    equal(store.snapshots.newest()?.index, 9)
    await close()
  },
  'one is received while another is taken, and the one that ends too late is no news': async world => {
    const { store, close } = await openStore(world.storage())
    for (const [base, taken, received] of [[0, 5, 6], [10, 16, 15]] as const) {
      const snapshot = snapshotOf(placeAt(base + received), CHUNKS)
      const writer = store.snapshots.write(placeAt(base + taken))
      const receiver = await receive(store, snapshot)
      await Promise.all([write(writer, bytesOf(10, 1)), write(receiver, WHOLE)])
      if (received > taken) await finish(receiver)
      else await finish(writer)
      const newest = store.snapshots.newest()
      await rejects(received > taken ? finish(writer) : finish(receiver))
      deepEqual(store.snapshots.newest(), newest)
      await Promise.all([abort(writer), letGo(receiver)])
    }
    same(await contentsOf(store), bytesOf(10, 1))
    await close()
  },
  'no answer comes during the call that asks to receive': async world => {
    const { store, close } = await openStore(world.storage())
    const later = <A>(ask: (done: (answer: A) => void) => void): Promise<A> => new Promise((resolve, reject) => {
      let isAsking = true
      ask(answer => (isAsking ? reject(new Error('the answer came during the call')) : resolve(answer)))
      isAsking = false
    })
    const receiver = await receive(store, SNAPSHOT)
    await later(done => store.snapshots.receive(SNAPSHOT, done))
    await later(done => receiver.write(WHOLE, done))
    await later(done => receiver.finish(done))
    await later(done => receiver.write(WHOLE, done))
    await later<void>(done => receiver.close(() => done()))
    await later(done => store.snapshots.receive(SNAPSHOT, done))
    await close()
  },
  'closing the store lets go of what is being received': async world => {
    const first = await openStore(world.storage())
    await first.write(1, entriesTo(2))
    const receiver = await receive(first.store, SNAPSHOT)
    await write(receiver, WHOLE.subarray(0, 100))
    const [late] = await Promise.allSettled([write(receiver, WHOLE.subarray(100, 200)), first.close()])
    await rejects(write(receiver, WHOLE.subarray(200)))
    await rejects(finish(receiver))
    await rejects(receive(first.store, SNAPSHOT))
    await letGo(receiver)
    const second = await openStore(world.storage())
    const again = await receive(second.store, SNAPSHOT)
    equal(again.received, late.status === 'fulfilled' ? 200 : 100)
    await letGo(again)
    await second.close()
  },
  'one that is being finished when the store is closed is finished, and one that is being opened is let go of': async world => {
    const first = await openStore(world.storage())
    const receiver = await receive(first.store, SNAPSHOT)
    await write(receiver, WHOLE)
    const [finished] = await Promise.all([finish(receiver), first.close()])
    const second = await openStore(world.storage())
    deepEqual(second.store.snapshots.newest(), finished)
    const [opening] = await Promise.allSettled([receive(second.store, snapshotOf(placeAt(12), CHUNKS)), second.close()])
    if (opening.status === 'fulfilled') await rejects(write(opening.value, WHOLE))
    const third = await openStore(world.storage())
    ok(third.store.snapshots.newest())
    await third.close()
  },
}
