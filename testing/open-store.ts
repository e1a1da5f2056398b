import { forEachEntry, numberingOf, openingOf, packEntries } from '../codecs/entries.js'
import type { StartError } from '../lib/errors.js'
import type { ReadPurpose, Write } from '../lib/events.js'
import { type Either, isLeft } from '../lib/prelude.js'
import type { CommandBatch, EntryBatch, Index, LogBase, MemberId, Membership, Term, Turn } from '../lib/types.js'
import type { Storage, StorageEvent, Store, StoreOwner } from '../streams/storage/port.js'

const APPLY: ReadPurpose = { type: 'apply' }

export const MEMBERSHIP: Membership = { voters: ['a', 'b'], outgoing: [], learners: [], addresses: { a: 'localhost:1', b: 'localhost:2' } }

export const OWNER: StoreOwner = { clusterId: 'c'.repeat(64), id: 'a', membership: MEMBERSHIP, tailBytes: 1 << 20 }

/** The bytes of the commands in a batch. */
const commandsOf = (batch: EntryBatch): readonly string[] => {
  const commands: string[] = []
  if (batch.kind !== 'command') return commands
  forEachEntry(batch.body, batch.skip, batch.skip + batch.count, entry => commands.push(Buffer.from(entry).toString('latin1')))
  return commands
}

/** A batch of commands, one entry for each. */
export const commands = (firstIndex: Index, term: Term, ...texts: readonly string[]): CommandBatch => ({
  kind: 'command', firstIndex, term, time: 1_700_000_000_000 + firstIndex, count: texts.length, skip: 0,
  body: packEntries(texts.map(text => Buffer.from(text, 'latin1'))),
})

export const append = (...batches: readonly EntryBatch[]): Write => ({ type: 'append', batches })

export const baseAt = (index: Index, term: Term, membership: Membership = MEMBERSHIP): LogBase => ({ index, term, membership })

export const compact = (base: LogBase): Write => ({ type: 'compact', base })

export const install = (base: LogBase): Write => ({ type: 'install', base })

export const hardState = (term: Term, votedFor?: MemberId, commitIndex: Index = 0): Write =>
  ({ type: 'hardState', hardState: { term, votedFor, commitIndex } })

/** One line per entry: index, term and what it holds, so that two logs can be compared at a glance. */
export const linesOf = (batches: readonly EntryBatch[]): readonly string[] => batches.flatMap(batch => {
  if (batch.kind === 'noop') return [`${batch.firstIndex}@${batch.term} noop`]
  if (batch.kind === 'membership') return [`${batch.firstIndex}@${batch.term} ${batch.membership.voters.join('+')}`]
  return commandsOf(batch).map((text, i) => `${batch.firstIndex + i}@${batch.term} ${text}`)
})

/** Every entry with all that its batch says of it, however batches are cut: what is read must be equal in this, and not only in its lines. */
export const entriesOf = (batches: readonly EntryBatch[]): readonly object[] => batches.flatMap((batch): readonly object[] => {
  const { kind, firstIndex, term, time } = batch
  if (batch.kind === 'noop') return [{ kind, index: firstIndex, term, time }]
  if (batch.kind === 'membership') return [{ kind, index: firstIndex, term, time, membership: batch.membership }]
  const { body, skip } = batch
  const numbering = numberingOf(body)
  return commandsOf(batch).map((command, i) => ({
    kind, index: firstIndex + i, term, time, command, opening: openingOf(body), numbering: numbering && { ...numbering, first: numbering.first + skip + i },
  }))
})

/** One place to store in, empty and made anew for each case. */
export interface StorageWorld {
  /** A storage of this place: what one has kept, the next one finds. */
  storage(): Storage
  /**
   * The machine loses power: what was not synced is gone, and what is open is dead. Without it nothing is said of durability, for every case closes its store before
   * it opens the next.
   */
  crash?(): void
}

/** A store that was opened, with what it has said so far. */
export interface OpenedStore {
  readonly store: Store
  readonly events: readonly StorageEvent[]
  /** Resolves once the store has said that `turn` is durable; rejects if it says that writing failed. */
  persisted(turn: Turn): Promise<void>
  write(turn: Turn, ...writes: readonly Write[]): Promise<void>
  read(from: Index, to: Index, maxBytes?: number): Promise<readonly EntryBatch[]>
  /** All live entries. */
  lines(): Promise<readonly string[]>
  close(): Promise<void>
}

const watchStore = (store: Store): OpenedStore => {
  const events: StorageEvent[] = []
  const watchers = new Set<() => void>()
  store.events$.subscribe(event => {
    events.push(event)
    for (const look of [...watchers]) look()
  })
  const heard = <A>(find: () => A | Error | undefined): Promise<A> => new Promise((resolve, reject) => {
    const look = (): void => {
      const found = find()
      if (found === undefined) return
      watchers.delete(look)
      if (found instanceof Error) reject(found)
      else resolve(found)
    }
    watchers.add(look)
    look()
  })
  const persisted = async (turn: Turn): Promise<void> => {
    await heard(() => {
      const failed = events.find(event => event.type === 'writeFailed')
      return events.some(event => event.type === 'persisted' && event.turn >= turn) ? true : failed && failed.error
    })
  }
  const read = (from: Index, to: Index, maxBytes = 1 << 20): Promise<readonly EntryBatch[]> => {
    const start = events.length
    const answer = heard(() => {
      for (const event of events.slice(start)) {
        if (event.type === 'readFailed') return event.error
        if (event.type === 'entriesRead' && event.from === from) return event.batches
      }
      return undefined
    })
    store.read({ purpose: APPLY, from, to, maxBytes })
    return answer
  }
  return {
    store, events, persisted, read,
    write: (turn, ...writes) => {
      store.write(turn, writes)
      return persisted(turn)
    },
    lines: async () => {
      const { base, lastIndex } = store.recovered
      return lastIndex === base.index ? [] : linesOf(await read(base.index + 1, lastIndex, Number.MAX_SAFE_INTEGER))
    },
    close: () => new Promise(resolve => store.close(resolve)),
  }
}

export const tryOpen = (storage: Storage, owner: Partial<StoreOwner> = {}): Promise<Either<StartError, OpenedStore>> => new Promise(resolve =>
  storage.open({ ...OWNER, ...owner }, outcome => resolve(isLeft(outcome) ? outcome : { _tag: 'Right', right: watchStore(outcome.right) })))

export const openStore = async (storage: Storage, owner: Partial<StoreOwner> = {}): Promise<OpenedStore> => {
  const outcome = await tryOpen(storage, owner)
  if (isLeft(outcome)) throw outcome.left
  return outcome.right
}
