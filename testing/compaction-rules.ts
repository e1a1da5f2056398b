import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { membershipOf, openLog, termAt } from '../lib/log.js'
import type { Index, Membership, Term } from '../lib/types.js'
import { entriesTo, placeAt, receiveSnapshot, snapshotOf, writeSnapshot } from './open-snapshot.js'
import { MEMBERSHIP, type OpenedStore, type StorageWorld, append, baseAt, commands, compact, hardState, install, linesOf, openStore } from './open-store.js'

const OTHER: Membership = { voters: ['a', 'c'], outgoing: [], learners: [], addresses: { a: 'localhost:1', c: 'localhost:3' } }

/** Long enough for several segments of a file store. */
const TEXT = 'x'.repeat(2500)

const run = (from: Index, to: Index, term: Term) =>
  append(commands(from, term, ...Array.from({ length: to - from + 1 }, (_, i) => `${from + i} ${TEXT}`)))

/** Index and term of every live entry that is there. */
const idsOf = (lines: readonly string[]): readonly string[] => lines.map(line => line.split(' ')[0]!)
const ids = (from: Index, to: Index, term: Term): readonly string[] => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}@${term}`)

const readIds = async ({ read }: OpenedStore, from: Index, to: Index): Promise<readonly string[]> => idsOf(linesOf(await read(from, to, Number.MAX_SAFE_INTEGER)))

/** Entries 1 to 90, in three terms, of which those up to 50 are no longer needed. */
const cutLog = async (world: StorageWorld): Promise<OpenedStore> => {
  const opened = await openStore(world.storage())
  for (let from = 1, turn = 1; from < 90; from += 10, turn++) await opened.write(turn, run(from, from + 9, Math.ceil(from / 30)))
  await opened.write(20, compact(baseAt(50, 2)))
  return opened
}

const compacting: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'what is compacted is read no more, and the rest as before': async world => {
    const first = await cutLog(world)
    for (const [from, to] of [[1, 90], [50, 90], [20, 40]] as const) deepEqual(await readIds(first, from, to), [])
    deepEqual(await readIds(first, 51, 90), [...ids(51, 60, 2), ...ids(61, 90, 3)])
    await first.close()
    const second = await openStore(world.storage())
    const { base, lastIndex } = second.store.recovered
    ok(base.index <= 50)
    deepEqual([lastIndex, termAt(openLog(second.store.recovered), 50), second.store.recovered.notes], [90, 2, []])
    deepEqual(await readIds(second, 51, 90), [...ids(51, 60, 2), ...ids(61, 90, 3)])
    await second.close()
  },
  'a log that was cut goes on, and is cut again': async world => {
    const first = await cutLog(world)
    await first.write(21, run(91, 100, 4), compact(baseAt(90, 3)), run(101, 105, 4))
    deepEqual(await readIds(first, 90, 105), [])
    deepEqual(await readIds(first, 91, 105), ids(91, 105, 4))
    await first.write(22, compact(baseAt(105, 4)))
    await first.close()
    const second = await openStore(world.storage())
    equal(second.store.recovered.lastIndex, 105)
    await second.write(1, append(commands(106, 5, 'on')))
    deepEqual(await readIds(second, 106, 106), ids(106, 106, 5))
    await second.close()
    const third = await openStore(world.storage())
    deepEqual([third.store.recovered.lastIndex, termAt(openLog(third.store.recovered), 105)], [106, 4])
    await third.close()
  },
  'what stands behind the base can be replaced, what stands before it cannot': async world => {
    const first = await cutLog(world)
    await first.write(21, run(51, 53, 4))
    await first.close()
    const second = await openStore(world.storage())
    equal(second.store.recovered.lastIndex, 53)
    deepEqual(await readIds(second, 51, 53), ids(51, 53, 4))
    await second.write(1, compact(baseAt(52, 4)))
    await rejects(second.write(2, append(commands(52, 5, 'never'))))
    await second.close()
    const third = await openStore(world.storage())
    equal(third.store.recovered.lastIndex, 53)
    await third.close()
  },
  'a log is not cut beyond its end': async world => {
    const { write, close } = await openStore(world.storage())
    await write(1, entriesTo(3))
    await rejects(write(2, compact(baseAt(4, 1))))
    await close()
  },
  'the members at the base are those that the log says': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(commands(1, 1, 'one'), { kind: 'membership', firstIndex: 2, term: 1, time: 1, count: 1, membership: OTHER }))
    for (let from = 3, turn = 2; from < 80; from += 10, turn++) await first.write(turn, run(from, from + 9, 1))
    await first.write(20, compact(baseAt(70, 1, OTHER)))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(membershipOf(openLog(second.store.recovered)), OTHER)
    await second.close()
  },
  'a read that is asked for before the log is cut is answered': async world => {
    const opened = await cutLog(world)
    const reads = [51, 60, 70, 80].map(from => opened.read(from, 90))
    opened.store.write(21, [compact(baseAt(90, 3)), run(91, 95, 3)])
    for (const batches of await Promise.all(reads)) ok(linesOf(batches).every(line => line.length > 0))
    deepEqual(await readIds(opened, 91, 95), ids(91, 95, 3))
    await opened.close()
  },
}

/** How the log of twenty entries of term 1 relates to what replaces it. */
const INSTALLS: Readonly<Record<string, Index>> = { 'a longer': 10, 'a conflicting': 20, 'a shorter': 30 }

const installing: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  ...Object.fromEntries(Object.entries(INSTALLS).map(([which, index]) => [`${which} log is replaced, and goes on behind its new base`, async (world: StorageWorld) => {
    const base = baseAt(index, 5, OTHER)
    const first = await openStore(world.storage())
    await first.write(1, run(1, 20, 1))
    await first.write(2, install(base))
    for (const from of [1, index]) deepEqual(await readIds(first, from, 40), [])
    deepEqual(await readIds(first, index + 1, 40), [])
    await first.write(3, run(index + 1, index + 40, 6))
    deepEqual(await readIds(first, index + 1, index + 40), ids(index + 1, index + 40, 6))
    await first.close()
    const second = await openStore(world.storage())
    const { base: found, lastIndex, terms, memberships, hardState: { commitIndex }, notes } = second.store.recovered
    deepEqual([found, lastIndex, terms, memberships, commitIndex, notes], [base, index + 40, [{ firstIndex: index + 1, term: 6 }], [], index, []])
    deepEqual(idsOf(await second.lines()), ids(index + 1, index + 40, 6))
    await second.close()
  }])),
  'an install counts in the order of its turn': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(commands(1, 1, 'one')), install(baseAt(30, 2)), append(commands(31, 3, 'a', 'b')), hardState(3, 'b', 31), append(commands(32, 4, 'c')))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.recovered.base.index, second.store.recovered.hardState], [30, { term: 3, votedFor: 'b', commitIndex: 31 }])
    deepEqual(await second.lines(), ['31@3 a', '32@4 c'])
    await second.close()
  },
  'a log that was just replaced is replaced again, and ends where it begins': async world => {
    const first = await openStore(world.storage())
    await first.write(1, install(baseAt(30, 2)), install(baseAt(40, 3)))
    await first.write(2, install(baseAt(35, 2)))
    await first.close()
    const second = await openStore(world.storage())
    const { base, lastIndex, tail } = second.store.recovered
    deepEqual([base, lastIndex, tail], [baseAt(35, 2), 35, []])
    await rejects(second.write(1, append(commands(37, 3, 'a gap'))))
    await second.close()
  },
  'a log begins anew also before what had been cut: the snapshot that stood there may be damaged': async world => {
    const first = await cutLog(world)
    await first.write(21, install(baseAt(45, 2)), run(46, 60, 4))
    deepEqual(await readIds(first, 46, 60), ids(46, 60, 4))
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.recovered.base, idsOf(await second.lines())], [baseAt(45, 2), ids(46, 60, 4)])
    await second.close()
  },
  'a log that does not hold the last entry of a durable snapshot begins anew behind it': async world => {
    for (const [index, text] of [[12, 'beyond its end'], [8, 'of another term']] as const) {
      const storage = world.storage()
      const opened = await openStore(storage)
      await opened.write(1, ...opened.store.recovered.lastIndex === 0 ? [run(1, 10, 1), hardState(1, 'a', 3)] : [run(13, 20, 20)])
      const chunks = [Buffer.from(text)]
      const place = index === 12 ? placeAt(12) : { ...placeAt(16), membership: OTHER }
      await receiveSnapshot(opened.store, snapshotOf(place, chunks), chunks)
      await opened.close()
      const second = await openStore(storage)
      const { base, lastIndex, terms, tail, notes, hardState: { commitIndex } } = second.store.recovered
      deepEqual([base, lastIndex, terms, tail, commitIndex], [baseAt(place.index, place.term, place.membership), place.index, [], [], place.index])
      equal(notes.length, 1)
      deepEqual(await readIds(second, place.index + 1, 99), [])
      await second.close()
      const third = await openStore(storage)
      deepEqual([third.store.recovered.base, third.store.recovered.notes], [base, []])
      await third.close()
    }
  },
  'a log that holds the last entry of the newest snapshot is left alone': async world => {
    const first = await openStore(world.storage())
    await first.write(1, entriesTo(10))
    await writeSnapshot(first.store, placeAt(10), [])
    await first.close()
    const second = await openStore(world.storage())
    deepEqual([second.store.recovered.base, second.store.recovered.lastIndex], [baseAt(0, 0, MEMBERSHIP), 10])
    await second.close()
  },
}

/** What every storage must keep of logs that are cut and that begin anew. */
export const compactionRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = { ...compacting, ...installing }
