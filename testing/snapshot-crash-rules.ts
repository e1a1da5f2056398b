import { deepEqual, equal } from 'node:assert/strict'
import type { Snapshot } from '../lib/types.js'
import { afterCrash, lives } from './crash-rules.js'
import { contentsOf, entriesTo, placeAt, receiveSnapshot, snapshotOf, writeSnapshot } from './open-snapshot.js'
import { type OpenedStore, type StorageWorld, append, baseAt, commands, compact, entriesOf, hardState, install } from './open-store.js'

const CHUNKS = [Buffer.from('what the machine '), Buffer.from('was')]
const CONTENTS = Buffer.concat(CHUNKS)

const holds = async ({ store }: OpenedStore, snapshot: Snapshot): Promise<void> => {
  deepEqual(store.snapshots.newest(), snapshot)
  equal(Buffer.compare(await contentsOf(store), CONTENTS), 0)
}

const taken = (index: number) => afterCrash(async ({ store, write }) => {
  await write(1, entriesTo(index, store.recovered.lastIndex + 1))
  await writeSnapshot(store, placeAt(index), CHUNKS)
}, opened => holds(opened, snapshotOf(placeAt(index), CHUNKS)))

const received = (index: number) => afterCrash(async ({ store }) => {
  await receiveSnapshot(store, snapshotOf(placeAt(index), CHUNKS), CHUNKS)
}, opened => holds(opened, snapshotOf(placeAt(index), CHUNKS)))

/** The log is replaced by one that begins at `index`, and ends there. */
const begunAnew = (index: number, term: number) => afterCrash(async ({ store, write }) => {
  const { base, lastIndex } = store.recovered
  await write(1, append(commands(lastIndex + 1, base.term + 1, 'of', 'the', 'log', 'that', 'goes')))
  await write(2, install(baseAt(index, term)))
}, ({ store: { recovered: { base, lastIndex, tail } } }) => deepEqual([base, lastIndex, tail], [baseAt(index, term), index, []]))

/** What a member does with a leader's snapshot: the log begins after it once it is durable, and goes on there. */
const takenIn = (index: number) => {
  const { term, membership } = placeAt(index)
  const snapshot = snapshotOf(placeAt(index), CHUNKS)
  const batches = [commands(index + 1, term, 'behind it'), commands(index + 2, term + 1, 'and on')]
  return afterCrash(async ({ store, write }) => {
    await write(1, hardState(term + 1, 'b'), append(commands(store.recovered.lastIndex + 1, term, 'of another log')))
    await receiveSnapshot(store, snapshot, CHUNKS)
    await write(2, install(baseAt(index, term, membership)), append(batches[0]!))
    await write(3, append(batches[1]!))
  }, async opened => {
    const { base, tail, hardState: { votedFor, commitIndex } } = opened.store.recovered
    deepEqual([base, entriesOf(tail), votedFor, commitIndex], [baseAt(index, term, membership), entriesOf(batches), 'b', index])
    await holds(opened, snapshot)
  })
}

/** What every storage must keep of snapshots, and of logs that begin after them, over a loss of power, in a world that can lose it. */
export const snapshotCrashRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'a snapshot that is finished is there after a loss of power, and so is what is left of the log': afterCrash(async ({ store, write }) => {
    await write(1, entriesTo(9))
    await writeSnapshot(store, placeAt(7), CHUNKS)
    await write(2, compact(baseAt(7, placeAt(7).term)))
  }, async opened => {
    await holds(opened, snapshotOf(placeAt(7), CHUNKS))
    equal(opened.store.recovered.lastIndex, 9)
  }),
  'a snapshot is there after a loss of power as soon as it is finished': lives(taken(3), taken(7)),
  'a snapshot that was received is there after a loss of power as soon as it is finished': lives(received(3), received(7)),
  'a log that was begun anew begins there after a loss of power': lives(begunAnew(20, 5), begunAnew(23, 7), begunAnew(25, 6)),
  'a log that was begun anew behind a snapshot goes on there after a loss of power': lives(takenIn(10), takenIn(20)),
}
