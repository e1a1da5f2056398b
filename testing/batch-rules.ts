import { deepEqual, equal } from 'node:assert/strict'
import { checksumOf } from '../codecs/bytes.js'
import { type Numbering, packEntries, packOpening } from '../codecs/entries.js'
import { lastIndexOf } from '../lib/batch.js'
import type { CommandBatch, EntryBatch, Index, Membership } from '../lib/types.js'
import { type OpenedStore, type StorageWorld, append, baseAt, commands, compact, entriesOf, install, openStore } from './open-store.js'

const ADDRESSES = { a: 'localhost:1', c: 'localhost:3', d: '[::1]:4' }
const JOINT: Membership = { voters: ['a', 'c'], outgoing: ['a', 'b'], learners: ['d'], addresses: { ...ADDRESSES, b: 'localhost:2' } }
const WAITING: Membership = { voters: ['a', 'c'], outgoing: [], learners: ['d'], addresses: { ...ADDRESSES, c: 'elsewhere:3' }, next: { voters: ['a', 'c', 'd'], learners: [] } }

/** The last `count` of these commands of a session: those before them are in the body, and do not belong to the batch. */
const numbered = (firstIndex: Index, count: number, numbering: Numbering, ...texts: readonly string[]): CommandBatch => ({
  kind: 'command', firstIndex, term: 2, time: 1_700_000_000_007, count, skip: texts.length - count, body: packEntries(texts.map(text => Buffer.from(text, 'latin1')), numbering),
})

/** Entries 1 to 16: of every kind, in batches of which each says something that its commands do not. */
const BATCHES: readonly EntryBatch[] = [
  { kind: 'noop', firstIndex: 1, term: 1, time: 1_700_000_000_001, count: 1 },
  { kind: 'command', firstIndex: 2, term: 1, time: 1_700_000_000_001, count: 1, skip: 0, body: packOpening(41) },
  commands(3, 1, 'one', '', 'three'),
  { kind: 'membership', firstIndex: 6, term: 1, time: 1_700_000_000_006, count: 1, membership: JOINT },
  numbered(7, 3, { session: 2, name: 41, first: 5, awaited: 4 }, 'five', 'six', 'seven'),
  numbered(10, 2, { session: 2, name: 41, first: 8, awaited: 7 }, 'eight', 'nine', 'ten'),
  { kind: 'membership', firstIndex: 12, term: 3, time: 1_700_000_000_012, count: 1, membership: WAITING },
  commands(13, 3, 'a', 'b', 'c', 'd'),
]
const ENTRIES = entriesOf(BATCHES)
const LAST = ENTRIES.length

const whole = (batches: readonly EntryBatch[]): void => {
  for (const batch of batches) if (batch.kind === 'command') equal(batch.body.checksum, checksumOf(batch.body.bytes), `the checksum of the body at ${batch.firstIndex}`)
}

/** Whatever is read of what the log holds after `base`, it is as it was written. */
const readsAsWritten = async ({ read }: OpenedStore, base: Index): Promise<void> => {
  for (let from = base + 1; from <= LAST; from++) {
    for (let to = from; to <= LAST; to++) {
      const batches = await read(from, to)
      deepEqual(entriesOf(batches), ENTRIES.slice(from - 1, to), `entries ${from} to ${to}`)
      whole(batches)
    }
  }
}

/** What every storage must keep of a batch beside its commands: when it was appended, whose they are, and who belongs to the cluster. */
export const batchRules: Readonly<Record<string, (world: StorageWorld) => Promise<void>>> = {
  'times, sessions and memberships are read as they were written, in whatever range': async world => {
    const first = await openStore(world.storage())
    first.store.write(1, [append(...BATCHES.slice(0, 4)), append(...BATCHES.slice(4))])
    deepEqual(entriesOf(await first.read(1, LAST)), ENTRIES)
    await first.persisted(1)
    await readsAsWritten(first, 0)
    await first.close()
    const second = await openStore(world.storage())
    await readsAsWritten(second, 0)
    await second.write(1, compact(baseAt(8, 2, JOINT)))
    await readsAsWritten(second, 8)
    await second.close()
  },
  'times, sessions and memberships are handed over as they were written, however little was asked for': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(...BATCHES))
    await first.close()
    for (const tailBytes of [1 << 20, 200, 0]) {
      const opened = await openStore(world.storage(), { tailBytes })
      const { lastIndex, memberships, tail } = opened.store.recovered
      deepEqual([lastIndex, memberships], [LAST, [{ index: 6, membership: JOINT }, { index: 12, membership: WAITING }]])
      deepEqual(entriesOf(tail), ENTRIES.slice(tail[0]!.firstIndex - 1), `of ${tailBytes} bytes`)
      equal(lastIndexOf(tail.at(-1)!), LAST)
      whole(tail)
      await opened.close()
    }
  },
  'times, sessions and memberships are read as they were written behind a log that begins anew': async world => {
    const first = await openStore(world.storage())
    await first.write(1, append(commands(1, 1, 'gone')), install(baseAt(6, 1, JOINT)), append(...BATCHES.slice(4)))
    await readsAsWritten(first, 6)
    await first.close()
    const second = await openStore(world.storage())
    deepEqual(second.store.recovered.base, baseAt(6, 1, JOINT))
    deepEqual(entriesOf(second.store.recovered.tail), ENTRIES.slice(6))
    await readsAsWritten(second, 6)
    await second.close()
  },
}
