import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import * as t from 'io-ts'
import { Subject } from 'rxjs'
import { Callback, having, isOptions, optional } from '../../codecs/judging.js'
import { decodeWith } from '../../codecs/report.js'
import { InvalidOptions, type StartError } from '../../lib/errors.js'
import type { Write } from '../../lib/events.js'
import type { StoredLog } from '../../lib/log.js'
import { type Complete, type Either, isLeft, left } from '../../lib/prelude.js'
import type { EntryBatch, HardState } from '../../lib/types.js'
import { type Clock, systemClock } from '../time/clock.js'
import { type Act, chain, forEach, inOrder, map, orUndo, succeed } from '../act/act.js'
import { type Disk, DiskShape } from './disk/disk.js'
import { sweep } from './disk/file-access.js'
import { guardedDisk } from './disk/guarded-disk.js'
import { fileSnapshots } from './file-snapshots.js'
import { createSegmentDropper } from './log/drop-segments.js'
import { createGroupCommit } from './log/group-commit.js'
import { endOf } from './log/log-end.js'
import { createPeerMemory } from './files/peer-memory.js'
import { readSpans } from './log/log-reader.js'
import { nodeDisk } from './disk/node-disk.js'
import type { Storage, StorageEvent, Store, StoreOwner, StoreRead } from './port.js'
import { installed } from './reconcile.js'
import { serveSnapshots } from './serve-snapshots.js'
import { toSectors } from './log/segment.js'
import { type SegmentSupply, createSegmentSupply } from './log/segment-files.js'
import { type FolderOptions, type OpenFolder, holdFolder, checkOwnerOf, openFolder, startError } from './store-folder.js'

export interface FileStorageOptions {
  /** The size of a segment, once the log has grown to it. Default 64 MiB. */
  readonly segmentBytes?: number | undefined
  /** How long nothing may be written before an empty record vouches for what was. Default 500. */
  readonly idleMs?: number | undefined
  readonly disk?: Disk | undefined
  readonly clock?: Pick<Clock, 'after' | 'endOfTurn'> | undefined
  /** Where incarnations and fill patterns come from. */
  readonly random?: ((bytes: number) => Uint8Array) | undefined
}

const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024
/** Below this a segment would hold little more than its header; above it a start would take long to look through one. */
const SEGMENT_BYTES = { least: 4 * 1024, most: 1024 ** 3 } as const
const DEFAULT_IDLE_MS = 500

const OPTIONS: readonly string[] = ['segmentBytes', 'idleMs', 'disk', 'clock', 'random'] satisfies readonly (keyof FileStorageOptions)[]

/** What a test puts in the place of the system. */
const Replaced = t.type({ storage: t.type({ disk: optional(DiskShape), clock: optional(having('after', 'endOfTurn')), random: optional(Callback) }) })

/** What is wrong with the options, each fault with its path. */
const faultsIn = (folder: string, options: unknown, segmentBytes: number, idleMs: number): readonly string[] => {
  const { least, most } = SEGMENT_BYTES
  if (!isOptions(options)) return ['storage.options: must be an object']
  const replaced = decodeWith(Replaced, { storage: options })
  return [
    ...isLeft(replaced) ? replaced.left : [],
    ...Object.keys(Object(options)).filter(name => !OPTIONS.includes(name)).map(name => `storage.${name}: is not an option`),
    ...typeof folder === 'string' && folder !== '' ? [] : ['storage.folder: must be a path'],
    ...Number.isInteger(segmentBytes) && segmentBytes >= least && segmentBytes <= most ? []
      : [`storage.segmentBytes: must be a whole number from ${least} to ${most}, and is ${segmentBytes}`],
    ...idleMs > 0 && Number.isFinite(idleMs) ? [] : [`storage.idleMs: must be a number of milliseconds above 0, and is ${idleMs}`],
  ]
}

interface StoreParts extends OpenFolder {
  readonly options: FolderOptions & Complete<Pick<FileStorageOptions, 'clock' | 'idleMs'>>
  readonly owner: StoreOwner
  /** The log as it is handed over. */
  readonly found: StoredLog
  readonly release: (done: () => void) => void
}

/** Closes what is open beside the segment that is being written, and frees the folder. */
const shutDown = ({ hardStateFile, release }: StoreParts, supply: SegmentSupply, done: () => void): void =>
  supply.close(() => hardStateFile.close(() => release(done)))

/** Entries that went while they were being read are answered like those that had gone before: with none. That takes no disk, but may not be told during the call. */
const readLog = (disk: Disk, { options: { folder, clock }, log: { index } }: StoreParts, { purpose, from, to, maxBytes }: StoreRead, done: (event: StorageEvent) => void): void => {
  const restarts = index.restarts()
  const spans = index.spans(from, to)
  const found = (batches: readonly EntryBatch[]): void => done({ type: 'entriesRead', purpose, from, batches })
  if (spans.length === 0) return void clock.endOfTurn(() => found([]))
  readSpans(disk, folder, spans, maxBytes)(outcome => {
    if (isLeft(outcome) && !index.isGone(from, restarts)) done({ type: 'readFailed', purpose, error: outcome.left })
    else found(isLeft(outcome) ? [] : outcome.right)
  })
}

/** Where the log has lost its end, nothing that is appended may say that it is committed up to there. */
const hardStateOf = ({ hardStateFile: { found: written }, log, found }: StoreParts): HardState =>
  ({ ...written, commitIndex: Math.min(Math.max(written.commitIndex, log.commitIndex, found.base.index), found.lastIndex) })

const openStore = (parts: StoreParts): Store => {
  const { options: { folder, clock, idleMs, segmentBytes, random, disk: unguarded }, owner, identity, hardStateFile, log, found, unfinished } = parts
  const { disk, endPatience } = guardedDisk(unguarded, clock, error => queue.fail(error))
  const events = new Subject<StorageEvent>()
  const shelf = fileSnapshots({ disk, folder, clusterId: identity.clusterId, random }, checkOwnerOf(folder, owner), parts.snapshots)
  const { snapshots, giveUp, close: closeSnapshots } = serveSnapshots(shelf, answer => clock.endOfTurn(answer))
  const supply = createSegmentSupply({ disk, folder, segmentBytes, random, spare: log.spare, makeRoom: giveUp })
  const hardState = hardStateOf(parts)
  const dropper = createSegmentDropper(disk, folder, log.segments)
  const queue = createGroupCommit({
    clock, idleMs, index: log.index, hardStateFile, hardState, supply, notes: log.segments, dropper,
    current: log.current, base: log.base.index, end: endOf(log), isMarked: log.isMarked,
    persisted: turn => events.next({ type: 'persisted', turn }),
    writeFailed: (turn, error) => {
      endPatience()
      events.next({ type: 'writeFailed', turn, error })
    },
  })
  const peers = createPeerMemory({ disk, folder, identity, clock, makeRoom: giveUp, fail: queue.fail, hasFailed: queue.hasFailed })
  const ifOpen = (act: Act<void, Error>): Act<void, Error> => done => {
    if (closing !== undefined || queue.hasFailed()) clock.endOfTurn(() => done(left(new Error('the store is closed or has failed'))))
    else act(done)
  }
  let closing: (() => void)[] | undefined
  let isClosed = false
  /** What recovery left to do is the first thing in the queue; not before somebody listens, who hears of it if it fails. */
  let first: readonly Write[] = unfinished === undefined ? [] : [{ type: 'install', base: unfinished }]
  const begin = (): void => {
    if (first.length > 0) queue.write(0, first)
    first = []
  }

  return {
    recovered: { incarnation: identity.incarnation, peers: identity.peers, hardState, ...found, notes: parts.notes },
    snapshots,
    events$: events.asObservable(),
    write: (turn, writes) => {
      begin()
      queue.write(turn, writes)
    },
    read: read => {
      begin()
      queue.whenWritten(read.to, () => readLog(disk, parts, read, event => { if (!isClosed) events.next(event) }))
    },
    remember: (peer, incarnation, done) => ifOpen(peers.remember(peer, incarnation))(done),
    forget: (gone, done) => ifOpen(peers.forget(gone))(done),
    close: done => {
      if (isClosed) return done()
      if (closing !== undefined) return void closing.push(done)
      closing = [done]
      endPatience()
      begin()
      queue.close(() => dropper.close(() => peers.close(() => closeSnapshots(() => shutDown(parts, supply, () => {
        isClosed = true
        events.complete()
        closing?.forEach(call => call())
      })))))
    },
  }
}

const closeAll = ({ log: { current, spare }, hardStateFile }: OpenFolder): Act<void> =>
  inOrder(current.file.close, ...(spare === undefined ? [] : [spare.file.close]), hardStateFile.close)

/** Opens a held folder, reads the newest entries back and removes what has been replaced. */
const open = (options: StoreParts['options'], owner: StoreOwner, release: StoreParts['release']): Act<Store, StartError | Error> =>
  chain(openFolder(options, owner), contents => {
    const { log: { index, tailFrom, lastIndex, base, terms, memberships }, unfinished } = contents
    const tail = readSpans(options.disk, options.folder, index.spans(tailFrom, lastIndex), Number.MAX_SAFE_INTEGER)
    const found: Act<StoredLog, Error> = unfinished === undefined
      ? map(tail, batches => ({ base, lastIndex, terms, memberships, tail: batches })) : succeed(installed(unfinished))
    return chain(orUndo(found, closeAll(contents)), log =>
      map(forEach(contents.snapshots.replaced, path => sweep(options.disk, path)), () =>
        openStore({ ...contents, options, owner, found: log, release })))
  })

/** Opens a folder that is held already, for whoever mends it: that its log has lost its end is no objection. */
export const openToMend = (disk: Disk, folder: string, owner: StoreOwner): Act<Store, StartError | Error> =>
  open({ disk, folder, segmentBytes: DEFAULT_SEGMENT_BYTES, random: randomBytes, clock: systemClock, idleMs: DEFAULT_IDLE_MS, mayLackEnd: true }, owner, done => done())

/**
 * Keeps a member's log in a folder of its own: segments of fixed size, synced once per group of turns. Needs no native code; what it
 * cannot read without doubt it refuses.
 */
export const fileStorage = (given: string, options: FileStorageOptions = {}): Storage => {
  // Now, for the process may work in another folder later.
  const folder = typeof given === 'string' && given !== '' ? resolve(given) : given
  const { disk = nodeDisk(), clock = systemClock, idleMs = DEFAULT_IDLE_MS, random = randomBytes, segmentBytes = DEFAULT_SEGMENT_BYTES } = Object(options) === options ? options : {}
  return {
    open: (owner, done) => {
      const faults = faultsIn(folder, options, segmentBytes, idleMs)
      if (faults.length > 0) return done(left(new InvalidOptions(faults)))
      holdFolder(disk, folder)((held: Either<StartError | NodeJS.ErrnoException, { release: StoreParts['release'] }>) => {
        if (isLeft(held)) return done(left(startError(folder, held.left)))
        const { release } = held.right
        open({ disk, folder, segmentBytes: toSectors(segmentBytes), random, clock, idleMs }, owner, release)(outcome => {
          if (isLeft(outcome)) release(() => done(left(startError(folder, outcome.left))))
          else done(outcome)
        })
      })
    },
  }
}
