import { deepEqual, equal } from 'node:assert/strict'
import { firstValueFrom, take, toArray } from 'rxjs'
import type { Index } from '../lib/types.js'
import { type StorageWorld, append, baseAt, commands, compact, openStore } from './open-store.js'

/** When every storage may answer: never during the call that asks. */
export const answerRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'a read is not answered during its call, wherever it begins': async world => {
    const { store, write, events, close } = await openStore(world.storage())
    await write(1, append(commands(1, 1, ...Array.from({ length: 5 }, (_, i) => `e${i + 1}`))))
    await write(2, compact(baseAt(3, 1)))
    const beginnings: readonly Index[] = [1, 3, 4, 6]
    const before = events.length
    const answers = firstValueFrom(store.events$.pipe(take(beginnings.length), toArray()))
    for (const from of beginnings) {
      store.read({ purpose: { type: 'apply' }, from, to: 9, maxBytes: 1000 })
      equal(events.length, before, `from ${from}`)
    }
    deepEqual((await answers).map(({ type }) => type), beginnings.map(() => 'entriesRead'))
    await close()
  },
}
