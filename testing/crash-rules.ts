import { deepEqual, ok } from 'node:assert/strict'
import type { Write } from '../lib/events.js'
import type { HardState, Turn } from '../lib/types.js'
import { answered } from './open-snapshot.js'
import { MEMBERSHIP, type OpenedStore, type StorageWorld, append, commands, entriesOf, hardState, openStore } from './open-store.js'

/** What is written and called durable before power is lost, and what has to be there after it. */
export const afterCrash = (write: (store: OpenedStore) => Promise<void>, look: (store: OpenedStore) => void | Promise<void>) => async (world: StorageWorld): Promise<void> => {
  if (world.crash === undefined) return
  await write(await openStore(world.storage()))
  world.crash()
  const again = await openStore(world.storage())
  await look(again)
  await again.close()
}

/** One after the other in the same place. */
export const lives = (...all: readonly ReturnType<typeof afterCrash>[]) => async (world: StorageWorld): Promise<void> => {
  for (const life of all) await life(world)
}

/** Each in a turn of its own, which is called durable before the next one; the last of them has to be there. */
const votes = (...turns: readonly (readonly [HardState, ...Write[]])[]) => afterCrash(async ({ write }) => {
  for (const [i, [changed, ...rest]] of turns.entries()) await write(i + 1, { type: 'hardState', hardState: changed }, ...rest)
}, ({ store }) => deepEqual(store.recovered.hardState, turns.at(-1)![0]))

const vote = (term: number, votedFor?: string): HardState => ({ term, votedFor, commitIndex: 0 })

/** Turns that are written without waiting for those before them. */
const AT_ONCE = 4

/** Power is lost at the very moment at which a turn is called durable, the one at `cut` or a later one; returns which. */
const cutAt = ({ store }: OpenedStore, cut: Turn, crash: () => void, writesOf: (turn: Turn) => readonly Write[]): Promise<Turn> => new Promise((resolve, reject) => {
  store.events$.subscribe(event => {
    if (event.type === 'writeFailed') reject(event.error)
    if (event.type !== 'persisted' || event.turn < cut) return
    crash()
    resolve(event.turn)
  })
  for (let turn = 1; turn <= AT_ONCE; turn++) store.write(turn, writesOf(turn))
})

const remember = ({ store }: OpenedStore, peer: string, incarnation: string): Promise<void> => answered(done => store.remember(peer, incarnation, done))
const forget = ({ store }: OpenedStore, ...peers: readonly string[]): Promise<void> => answered(done => store.forget(peers, done))
const knows = (peers: Readonly<Record<string, string>>) => ({ store }: OpenedStore): void => deepEqual({ ...store.recovered.peers }, peers)

const BATCHES = [commands(1, 3, 'one', 'two'), { kind: 'membership', firstIndex: 3, term: 3, time: 1_700_000_000_003, count: 1, membership: MEMBERSHIP }, commands(4, 3, 'four')] as const

/** What every storage must keep of votes, entries and peers over a loss of power, in a world that can lose it. */
export const crashRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'whose a store is, and which one, is settled over a loss of power once it is open': async world => {
    if (world.crash === undefined) return
    const { store: { recovered: { incarnation } } } = await openStore(world.storage())
    world.crash()
    const { store: { recovered }, close } = await openStore(world.storage(), { membership: { ...MEMBERSHIP, voters: ['a'], learners: ['b'] } })
    deepEqual([recovered.incarnation, recovered.base.membership], [incarnation, MEMBERSHIP])
    await close()
  },
  'term, vote and entries that were called durable are there after a loss of power': afterCrash(async ({ write }) => {
    await write(1, hardState(3, 'b'), append(...BATCHES.slice(0, 2)))
    await write(2, append(BATCHES[2]))
  }, async ({ store, lines }) => {
    deepEqual(store.recovered.hardState, { term: 3, votedFor: 'b', commitIndex: 0 })
    deepEqual(await lines(), ['1@3 one', '2@3 two', '3@3 a+b', '4@3 four'])
    deepEqual(entriesOf(store.recovered.tail), entriesOf(BATCHES))
  }),
  'a vote that comes without entries is there after a loss of power, also one that is changed in a later turn': lives(
    votes([vote(3, 'b')]),
    votes([vote(4, 'b'), append(commands(1, 4, 'one'))], [vote(5, 'a')]),
    votes([vote(6)], [vote(6, 'b')]),
    votes([vote(7, 'b')], [vote(8, 'b')], [vote(9)]),
  ),
  'that a member is a newcomer, and that it is none any more, is known after a loss of power': lives(
    votes([{ ...vote(1), isNewcomer: true }]),
    votes([{ ...vote(2), isNewcomer: true }], [vote(2)]),
  ),
  'of turns that are written without waiting each is there after a loss of power as soon as it is called durable': async world => {
    const { crash } = world
    if (crash === undefined) return
    for (let cut = 1; cut <= AT_ONCE; cut++) {
      const opened = await openStore(world.storage())
      const { lastIndex, hardState: { term } } = opened.store.recovered
      const durable = await cutAt(opened, cut, () => crash.call(world), turn => [hardState(term + turn, 'b'), append(commands(lastIndex + turn, 1, `e${lastIndex + turn}`))])
      const { store: { recovered }, lines, close } = await openStore(world.storage())
      ok(recovered.hardState.term >= term + durable, `turn ${durable} was called durable, and its term ${term + durable} is not there`)
      deepEqual((await lines()).slice(0, lastIndex + durable), Array.from({ length: lastIndex + durable }, (_, i) => `${i + 1}@1 e${i + 1}`))
      await close()
    }
  },
  'what was replaced durably does not come back after a loss of power': afterCrash(async ({ write }) => {
    await write(1, append(commands(1, 1, 'one', 'two', 'three')))
    await write(2, append(commands(2, 2, 'other')))
  }, async ({ lines }) => deepEqual(await lines(), ['1@1 one', '2@2 other'])),
  'who was remembered is remembered after a loss of power': lives(
    afterCrash(store => remember(store, 'b', 'one'), knows({ b: 'one' })),
    afterCrash(async store => {
      await remember(store, 'c', 'two')
      await remember(store, 'b', 'three')
    }, knows({ b: 'three', c: 'two' })),
  ),
  'who was forgotten is forgotten after a loss of power': lives(
    afterCrash(async store => {
      for (const peer of ['b', 'c', 'd']) await remember(store, peer, 'one')
      await forget(store, 'b', 'c')
    }, knows({ d: 'one' })),
    afterCrash(store => forget(store, 'd'), knows({})),
    afterCrash(async store => {
      await remember(store, 'b', 'two')
      await forget(store, 'b')
      await remember(store, 'b', 'three')
    }, knows({ b: 'three' })),
  ),
}
