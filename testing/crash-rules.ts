import { deepEqual, equal, ok } from 'node:assert/strict'
import { isRight } from '../lib/prelude.js'
import { contentsOf, entriesTo, placeAt, writeSnapshot } from './open-snapshot.js'
import { type OpenedStore, type StorageWorld, append, baseAt, commands, compact, hardState, openStore } from './open-store.js'

/** What is written and called durable before power is lost, and what has to be there after it. */
const afterCrash = (write: (store: OpenedStore) => Promise<void>, look: (store: OpenedStore) => void | Promise<void>) => async (world: StorageWorld): Promise<void> => {
  if (world.crash === undefined) return
  await write(await openStore(world.storage()))
  world.crash()
  const again = await openStore(world.storage())
  await look(again)
  await again.close()
}

const CONTENTS = Buffer.from('what the machine was')

/** What every storage must keep over a loss of power, in a world that can lose it. */
export const crashRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'term, vote and entries that were called durable are there after a loss of power': afterCrash(async ({ write }) => {
    await write(1, hardState(3, 'b'), append(commands(1, 3, 'one', 'two')))
    await write(2, append(commands(3, 3, 'three')))
  }, async ({ store, lines }) => {
    deepEqual(store.recovered.hardState, { term: 3, votedFor: 'b', commitIndex: 0 })
    deepEqual(await lines(), ['1@3 one', '2@3 two', '3@3 three'])
  }),
  'what was replaced durably does not come back after a loss of power': afterCrash(async ({ write }) => {
    await write(1, append(commands(1, 1, 'one', 'two', 'three')))
    await write(2, append(commands(2, 2, 'other')))
  }, async ({ lines }) => deepEqual(await lines(), ['1@1 one', '2@2 other'])),
  'a snapshot that is finished is there after a loss of power, and so is what is left of the log': afterCrash(async ({ store, write }) => {
    await write(1, entriesTo(9))
    await writeSnapshot(store, placeAt(7), [CONTENTS])
    await write(2, compact(baseAt(7, placeAt(7).term)))
  }, async ({ store }) => {
    equal(store.snapshots.newest()?.index, 7)
    equal(Buffer.compare(await contentsOf(store), CONTENTS), 0)
    equal(store.recovered.lastIndex, 9)
  }),
  'who was remembered is remembered after a loss of power': afterCrash(async ({ store }) => {
    ok(isRight(await new Promise<Parameters<Parameters<typeof store.remember>[2]>[0]>(done => store.remember('b', 'one', done))))
  }, ({ store }) => deepEqual({ ...store.recovered.peers }, { b: 'one' })),
}
