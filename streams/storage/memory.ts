import { randomBytes } from 'node:crypto'
import { Subject } from 'rxjs'
import { bytesOf, dropAfter, dropBefore, lastIndexOf } from '../../lib/batch.js'
import { FolderInUse, WrongFolder } from '../../lib/errors.js'
import type { Write } from '../../lib/events.js'
import type { PlacedMembership, StoredLog, TermRun } from '../../lib/log.js'
import { left, right, unreachable } from '../../lib/prelude.js'
import { firstWhere } from '../../lib/search.js'
import type { EntryBatch, HardState, Incarnation, Index, LogBase, MemberId, Turn } from '../../lib/types.js'
import { type Clock, systemClock } from '../time/clock.js'
import { type KeptSnapshots, memorySnapshots } from './memory-snapshots.js'
import { type Recovered, type Storage, type StorageEvent, type Store, type StoreOwner, type StoreRead, otherCluster } from './port.js'
import { installNote, interruptedInstall } from './reconcile.js'
import { serveSnapshots } from './serve-snapshots.js'

/** What errors call it. */
const NAME = '(memory)'

/** What outlives an open store. */
interface Kept {
  readonly clusterId: string
  readonly id: MemberId
  readonly incarnation: Incarnation
  base: LogBase
  readonly batches: EntryBatch[]
  readonly snapshots: KeptSnapshots
  peers: Record<MemberId, Incarnation>
  hardState: HardState
}

const lastOf = ({ base, batches }: Kept): Index => {
  const last = batches.at(-1)
  return last === undefined ? base.index : lastIndexOf(last)
}

/** The position of the batch that holds `index`, or the number of batches. */
const find = (batches: readonly EntryBatch[], index: Index): number => firstWhere(batches.length, at => lastIndexOf(batches[at]!) >= index)

const cut = (batches: EntryBatch[], from: Index): void => {
  const at = find(batches, from)
  const first = batches[at]
  if (first === undefined) return
  batches.length = at
  if (first.firstIndex < from) batches.push(dropAfter(first, from - 1))
}

const append = (kept: Kept, { batches }: Extract<Write, { type: 'append' }>): string | undefined => {
  for (const batch of batches) {
    const last = lastOf(kept)
    if (batch.firstIndex > last + 1) return `an append at ${batch.firstIndex} leaves a gap after ${last}`
    if (batch.firstIndex <= kept.base.index) return `an append at ${batch.firstIndex} would replace what a snapshot at ${kept.base.index} holds`
    if (batch.firstIndex <= last) cut(kept.batches, batch.firstIndex)
    kept.batches.push(batch)
  }
  return undefined
}

/** Entries up to the base go at once. */
const compact = (kept: Kept, base: LogBase): string | undefined => {
  const last = lastOf(kept)
  if (base.index > last) return `a log that ends at ${last} cannot begin after ${base.index}`
  if (base.index <= kept.base.index) return undefined
  const at = find(kept.batches, base.index + 1)
  kept.batches.splice(0, at)
  const first = kept.batches[0]
  if (first !== undefined) kept.batches[0] = dropBefore(first, base.index + 1)
  kept.base = base
  return undefined
}

const install = (kept: Kept, base: LogBase): void => {
  kept.batches.length = 0
  kept.base = base
}

/** Why the write cannot follow what is there, if it cannot. */
const perform = (kept: Kept, write: Write): string | undefined => {
  switch (write.type) {
    case 'append': return append(kept, write)
    case 'hardState': return void (kept.hardState = write.hardState)
    case 'compact': return compact(kept, write.base)
    case 'install': return void install(kept, write.base)
    default: return unreachable(write)
  }
}

const readFrom = (batches: readonly EntryBatch[], { from, to, maxBytes }: StoreRead): readonly EntryBatch[] => {
  const found: EntryBatch[] = []
  let bytes = 0
  for (let at = find(batches, from); at < batches.length; at++) {
    const batch = batches[at]!
    bytes += bytesOf(batch)
    if (batch.firstIndex > to || (found.length > 0 && bytes > maxBytes)) break
    found.push(dropAfter(dropBefore(batch, from), to))
  }
  return found[0]?.firstIndex === from ? found : []
}

const logIn = ({ base, batches }: Kept, tailBytes: number): StoredLog => {
  const terms: TermRun[] = []
  const memberships: PlacedMembership[] = []
  for (const batch of batches) {
    if (terms.at(-1)?.term !== batch.term) terms.push({ firstIndex: batch.firstIndex, term: batch.term })
    if (batch.kind === 'membership') memberships.push({ index: batch.firstIndex, membership: batch.membership })
  }
  let start = batches.length
  for (let bytes = 0; start > 0 && bytes < tailBytes; start--) bytes += bytesOf(batches[start - 1]!)
  if (start === batches.length && start > 0) start--
  const last = batches.at(-1)
  return { base, lastIndex: last === undefined ? base.index : lastIndexOf(last), terms, memberships, tail: batches.slice(start) }
}

const recover = (kept: Kept, tailBytes: number): Recovered => {
  const unfinished = interruptedInstall(logIn(kept, 0), kept.snapshots.newest?.snapshot)
  if (unfinished !== undefined) install(kept, unfinished)
  const { incarnation, peers, hardState, base } = kept
  return {
    incarnation, peers: { ...peers }, hardState: { ...hardState, commitIndex: Math.max(hardState.commitIndex, base.index) },
    ...logIn(kept, tailBytes), notes: unfinished === undefined ? [] : [installNote(NAME, unfinished)],
  }
}

const openKept = (kept: Kept, tailBytes: number, clock: Pick<Clock, 'endOfTurn'>, release: () => void): Store => {
  const events = new Subject<StorageEvent>()
  let answers: (() => void)[] = []
  let written: Turn | undefined
  let hasFailed = false
  let isClosed = false

  const flush = (): void => {
    const turn = written
    const due = answers
    written = undefined
    answers = []
    if (turn !== undefined) events.next({ type: 'persisted', turn })
    for (const answer of due) answer()
  }
  const schedule = (): void => {
    if (written === undefined && answers.length === 0) clock.endOfTurn(flush)
  }
  const later = (answer: () => void): void => {
    schedule()
    answers.push(answer)
  }
  const { snapshots, close: closeSnapshots } = serveSnapshots(memorySnapshots(kept.snapshots), later)

  return {
    recovered: recover(kept, tailBytes),
    snapshots,
    events$: events.asObservable(),
    write: (turn, writes) => {
      if (hasFailed || isClosed) return
      for (const write of writes) {
        const gap = perform(kept, write)
        if (gap === undefined) continue
        hasFailed = true
        return later(() => events.next({ type: 'writeFailed', turn, error: new Error(gap) }))
      }
      schedule()
      written = turn
    },
    read: read => {
      if (!isClosed) later(() => events.next({ type: 'entriesRead', purpose: read.purpose, from: read.from, batches: readFrom(kept.batches, read) }))
    },
    remember: (peer, incarnation, done) => later(() => {
      kept.peers = { ...kept.peers, [peer]: incarnation }
      done(right(undefined))
    }),
    forget: (peers, done) => later(() => {
      kept.peers = Object.fromEntries(Object.entries(kept.peers).filter(([peer]) => !peers.includes(peer)))
      done(right(undefined))
    }),
    close: done => later(() => closeSnapshots(() => {
      if (!isClosed) {
        isClosed = true
        release()
        events.complete()
      }
      done()
    })),
  }
}

/**
 * Keeps a member's log in memory, for tests and first steps. The value is the disk: it survives closing and opening again, and is gone
 * with the process. It keeps every entry that no snapshot has made unneeded.
 */
export const memoryStorage = (clock: Pick<Clock, 'endOfTurn'> = systemClock): Storage => {
  let kept: Kept | undefined
  let isOpen = false
  const create = ({ clusterId, id, membership }: StoreOwner): Kept => ({
    clusterId, id, incarnation: randomBytes(16).toString('hex'), base: { index: 0, term: 0, membership }, batches: [],
    snapshots: { newest: undefined, incoming: undefined }, peers: {}, hardState: { term: 0, votedFor: undefined, commitIndex: 0 },
  })
  return {
    open: (owner, done) => clock.endOfTurn(() => {
      if (isOpen) return done(left(new FolderInUse(NAME)))
      kept ??= create(owner)
      const { clusterId, id } = kept
      if (clusterId !== owner.clusterId) return done(left(new WrongFolder(NAME, otherCluster('it', clusterId, owner))))
      if (id !== owner.id) return done(left(new WrongFolder(NAME, `it belongs to member ${id}, not to ${owner.id}`)))
      isOpen = true
      done(right(openKept(kept, owner.tailBytes, clock, () => (isOpen = false))))
    }),
  }
}
