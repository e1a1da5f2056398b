/** A right storage with one mistake each, of those that show late: when power is lost, or when a log is applied from the disk. */
import { Subject, filter, map, merge } from 'rxjs'
import { forEachEntry, packEntries } from '../../codecs/entries.js'
import type { Write } from '../../lib/events.js'
import { isLeft, right } from '../../lib/prelude.js'
import type { EntryBatch, Turn } from '../../lib/types.js'
import type { Disk, DiskFile } from '../../streams/storage/disk/disk.js'
import { fileStorage } from '../../streams/storage/file.js'
import type { Storage, StorageEvent, Store } from '../../streams/storage/port.js'

export const onFiles = (disk: Disk): Storage => fileStorage('/data/a', { disk, segmentBytes: 64 * 1024 })

/** The disk, but what is written to some of its files is called durable at once. */
export const unsynced = (isMeant: (path: string) => boolean) => (disk: Disk): Disk => ({
  ...disk,
  open: (path, mode, done) => disk.open(path, mode, opened => {
    const lazy = (file: DiskFile): DiskFile => ({
      ...file, datasync: synced => (isMeant(path) ? void setImmediate(() => synced(right(undefined))) : file.datasync(synced)),
    })
    done(isLeft(opened) ? opened : right(lazy(opened.right)))
  }),
})

/** The disk, but the folder is not synced after some of its files were renamed. */
const unsyncedNames = (isMeant: (from: string) => boolean) => (disk: Disk): Disk => {
  let isDue = false
  return {
    ...disk,
    rename: (from, to, done) => {
      isDue = isMeant(from)
      disk.rename(from, to, done)
    },
    syncDirectory: (path, done) => {
      if (!isDue) return disk.syncDirectory(path, done)
      isDue = false
      setImmediate(() => done(right(undefined)))
    },
  }
}

/** The storage, with some of what its stores do replaced. */
const around = (storage: Storage, replaced: (store: Store) => Partial<Store>): Storage => ({
  open: (owner, done) => storage.open(owner, opened => done(isLeft(opened) ? opened : right({ ...opened.right, ...replaced(opened.right) }))),
})

/** Turns with a write that is meant are told to be durable before they are. */
const early = (isMeant: (write: Write) => boolean) => (disk: Disk): Storage => around(onFiles(disk), store => {
  const told = new Set<Turn>()
  const early$ = new Subject<StorageEvent>()
  return {
    events$: merge(early$, store.events$.pipe(filter(event => event.type !== 'persisted' || !told.has(event.turn)))),
    write: (turn, writes) => {
      store.write(turn, writes)
      if (!writes.some(isMeant)) return
      told.add(turn)
      setImmediate(() => early$.next({ type: 'persisted', turn }))
    },
  }
})

/** With the first of several turns all are called durable that were written by then. */
const hasty = (disk: Disk): Storage => around(onFiles(disk), store => {
  let written: Turn = 0
  return {
    events$: store.events$.pipe(map(event => event.type === 'persisted' ? { ...event, turn: written } : event)),
    write: (turn, writes) => {
      written = turn
      store.write(turn, writes)
    },
  }
})

/** A vote that comes alone is called durable, and written with what comes next. */
const hesitant = (disk: Disk): Storage => around(onFiles(disk), store => {
  const told$ = new Subject<StorageEvent>()
  let kept: readonly Write[] = []
  return {
    events$: merge(told$, store.events$),
    write: (turn, writes) => {
      if (writes.every(({ type }) => type === 'hardState')) {
        kept = writes
        setImmediate(() => told$.next({ type: 'persisted', turn }))
      } else {
        store.write(turn, [...kept, ...writes])
        kept = []
      }
    },
    close: done => {
      if (kept.length > 0) store.write(Number.MAX_SAFE_INTEGER, kept)
      store.close(done)
    },
  }
})

/** The hard state is synced only where entries are written with it. */
const withEntries = (disk: Disk): Storage => {
  let isAlone = false
  return around(onFiles(unsynced(path => isAlone && path.endsWith('hard-state'))(disk)), store => ({
    write: (turn, writes) => {
      isAlone = writes.every(({ type }) => type !== 'append')
      store.write(turn, writes)
    },
  }))
}

/** Batches are changed as they are read, from the beginning or from a write of some type on. */
const misread = (batchOf: (batch: EntryBatch) => EntryBatch, since?: Write['type']) => (disk: Disk): Storage => around(onFiles(disk), store => {
  let isDue = since === undefined
  return {
    events$: store.events$.pipe(map(event => (event.type === 'entriesRead' && isDue ? { ...event, batches: event.batches.map(batchOf) } : event))),
    write: (turn, writes) => {
      isDue ||= writes.some(({ type }) => type === since)
      store.write(turn, writes)
    },
  }
})

const mistold = (batchOf: (batch: EntryBatch) => EntryBatch) => (disk: Disk): Storage => around(onFiles(disk), ({ recovered }) => ({
  recovered: { ...recovered, tail: recovered.tail.map(batchOf) },
}))

const timeless = (batch: EntryBatch): EntryBatch => ({ ...batch, time: 0 })
const withoutAddresses = (batch: EntryBatch): EntryBatch => (batch.kind === 'membership' ? { ...batch, membership: { ...batch.membership, addresses: {} } } : batch)
const withoutNext = (batch: EntryBatch): EntryBatch => {
  if (batch.kind !== 'membership') return batch
  const { next: _, ...membership } = batch.membership
  return { ...batch, membership }
}
const withoutSession = (batch: EntryBatch): EntryBatch => {
  if (batch.kind !== 'command') return batch
  const commands: Uint8Array[] = []
  forEachEntry(batch.body, batch.skip, batch.skip + batch.count, command => commands.push(command))
  return { ...batch, skip: 0, body: packEntries(commands) }
}
const withoutChecksum = (batch: EntryBatch): EntryBatch => (batch.kind === 'command' ? { ...batch, body: { ...batch.body, checksum: 0 } } : batch)

interface Mistake {
  readonly storageOn: (disk: Disk) => Storage
  /** The rule of the suite that does not let it pass. */
  readonly caughtBy: string
}

const rulesOf = (caughtBy: string, mistakes: Readonly<Record<string, Mistake['storageOn']>>): Readonly<Record<string, Mistake>> =>
  Object.fromEntries(Object.entries(mistakes).map(([what, storageOn]) => [what, { storageOn, caughtBy }]))

const RECEIVED = /\/incoming-[^/]*$/
const TAKEN = /\/snapshot-[^/]*$/

export const MISTAKES: Readonly<Record<string, Mistake>> = {
  ...rulesOf('a vote that comes without entries is there after a loss of power, also one that is changed in a later turn', {
    'a vote that comes without entries is not synced': withEntries,
    'a vote that comes without entries is written with the next ones': hesitant,
    'a vote is told before it is durable': early(({ type }) => type === 'hardState'),
  }),
  ...rulesOf('of turns that are written without waiting each is there after a loss of power as soon as it is called durable', {
    'turns that wait are told to be durable with the one before them': hasty,
  }),
  ...rulesOf('that a member is a newcomer, and that it is none any more, is known after a loss of power', {
    'a newcomer is told to be known as one before it is': early(write => write.type === 'hardState' && write.hardState.isNewcomer === true),
  }),
  ...rulesOf('whose a store is, and which one, is settled over a loss of power once it is open', {
    'an identity is not synced': disk => onFiles(unsynced(path => /\/identity[^/]*$/.test(path))(disk)),
  }),
  ...rulesOf('a snapshot that was received is there after a loss of power as soon as it is finished', {
    'a received snapshot is not synced': disk => onFiles(unsynced(path => RECEIVED.test(path))(disk)),
    'the rename of a received snapshot is not synced': disk => onFiles(unsyncedNames(from => RECEIVED.test(from))(disk)),
  }),
  ...rulesOf('a snapshot is there after a loss of power as soon as it is finished', {
    'a snapshot that was taken is not synced': disk => onFiles(unsynced(path => TAKEN.test(path))(disk)),
    'the rename of a snapshot that was taken is not synced': disk => onFiles(unsyncedNames(from => TAKEN.test(from))(disk)),
  }),
  ...rulesOf('a log that was begun anew begins there after a loss of power', {
    'an install is told before it is durable': early(({ type }) => type === 'install'),
  }),
  ...rulesOf('a log that was begun anew behind a snapshot goes on there after a loss of power', {
    'entries behind an install are told before they are durable': early(write => write.type === 'append' && write.batches[0]!.firstIndex > 10),
  }),
  ...rulesOf('who was remembered is remembered after a loss of power', {
    'a peer is told to be remembered before it is': disk => around(onFiles(disk), store => ({
      remember: (peer, incarnation, done) => {
        store.remember(peer, incarnation, () => undefined)
        setImmediate(() => done(right(undefined)))
      },
    })),
  }),
  ...rulesOf('who was forgotten is forgotten after a loss of power', {
    'a peer is told to be forgotten before it is': disk => around(onFiles(disk), store => ({
      forget: (peers, done) => {
        store.forget(peers, () => undefined)
        setImmediate(() => done(right(undefined)))
      },
    })),
  }),
  ...rulesOf('times, sessions and memberships are read as they were written, in whatever range', {
    'batches that are read have no time': misread(timeless),
    'memberships that are read have no addresses': misread(withoutAddresses),
    'memberships that are read lead nowhere': misread(withoutNext),
    'commands that are read have lost their session': misread(withoutSession),
    'commands that are read have another checksum': misread(withoutChecksum),
    'batches that are read behind a cut have no time': misread(timeless, 'compact'),
  }),
  ...rulesOf('times, sessions and memberships are read as they were written behind a log that begins anew', {
    'batches that are read behind an install have no time': misread(timeless, 'install'),
  }),
  ...rulesOf('times, sessions and memberships are handed over as they were written, however little was asked for', {
    'batches that are handed over have no time': mistold(timeless),
    'memberships that are handed over have no addresses': mistold(withoutAddresses),
  }),
}
