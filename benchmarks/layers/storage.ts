/** The disk alone: the log of one member, one synced write for each turn. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { isLeft } from '../../lib/prelude.js'
import type { Store, StoreOwner } from '../../streams/storage/port.js'
import { fileStorage } from '../../streams/index.js'
import { newFolder } from '../aids.js'
import { BATCH, type Layer, batchAt } from './layer.js'

const OWNER: StoreOwner = {
  clusterId: 'b'.repeat(64), id: 'n1', membership: { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } }, tailBytes: 2 ** 20,
}

const openStore = (folder: string): Promise<Store> => new Promise((resolve, reject) => {
  fileStorage(folder).open(OWNER, outcome => isLeft(outcome) ? reject(outcome.left) : resolve(outcome.right))
})

/** The log is cut behind itself, so that a long run does not fill the disk. */
const CUT_EVERY_TURNS = 4_096

export const storageLayer: Layer = {
  name: 'storage',
  does: 'written to the log on the disk and synced, a sync for each batch',
  open: async () => {
    const folder = newFolder()
    const store = await openStore(join(folder, 'log'))
    let turn = 0
    let index = 0
    let told = { resolve: () => {}, reject: (_: Error): void => {} }
    store.events$.subscribe(event => {
      if (event.type === 'persisted' && event.turn === turn) told.resolve()
      if (event.type === 'writeFailed') told.reject(event.error)
    })
    return {
      turn: () => new Promise<void>((resolve, reject) => {
        told = { resolve, reject }
        const base = { index, term: 1, membership: OWNER.membership }
        const batch = batchAt(index + 1)
        index += BATCH
        store.write(++turn, [
          ...turn === 1 ? [{ type: 'hardState', hardState: { term: 1, votedFor: 'n1', commitIndex: 0 } } as const] : [],
          ...turn % CUT_EVERY_TURNS === 0 ? [{ type: 'compact', base } as const] : [],
          { type: 'append', batches: [batch] },
        ])
      }),
      close: async () => {
        await new Promise<void>(resolve => store.close(resolve))
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
}
