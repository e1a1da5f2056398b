import { type StartError, Damaged, FolderInUse, StorageFailed, WrongFolder } from '../../lib/errors.js'
import type { LogBase } from '../../lib/types.js'
import { isLeft, left, right } from '../../lib/prelude.js'
import type { Identity } from '../../codecs/records.js'
import { type Act, chain, fail, forEach, inOrder, map, orUndo, succeed } from '../act/act.js'
import type { Disk } from './disk/disk.js'
import { listFolder, syncFolder, syncFound } from './disk/file-access.js'
import { strangersIn } from './disk/strangers.js'
import { type FileHeader, SALT_BYTES } from './files/file-header.js'
import { HARD_STATE_FILE, type HardStateFile, firstHardState, openHardState } from './files/hard-state-file.js'
import { IDENTITY_FILE, identityBytes, readIdentity } from './files/identity-file.js'
import { type RecoveredLog, recoverLog } from './log/log-recovery.js'
import { type StoreOwner, otherCluster } from './port.js'
import { installNote, interruptedInstall, lostEnd, lostEndReason } from './reconcile.js'
import { type FoundSnapshots, findSnapshots } from './snapshots/find-snapshots.js'
import { incomingNamed, snapshotNamed } from './snapshots/snapshot-file.js'
import {
  FIRST_RECORD, RECORD_HEADER_BYTES, encodeBase, encodeRecordHeader, recordBytes, segmentName, segmentNumberOf, segmentNumbersIn, segmentSeed,
} from './log/segment.js'
import { INITIAL_SEGMENT_BYTES, leastCapacity, writeSegment } from './log/segment-files.js'
import { type CheckOwner, type Failure, publish, temporary, writeTemporary } from './files/store-file.js'

export interface FolderOptions {
  readonly disk: Disk
  readonly folder: string
  readonly segmentBytes: number
  readonly random: (bytes: number) => Uint8Array
  /** That the log has lost its end is no objection to whoever mends it. */
  readonly mayLackEnd?: boolean | undefined
}

/** A folder that is held, read and ready. */
export interface OpenFolder {
  readonly identity: Identity
  readonly hardStateFile: HardStateFile
  readonly log: RecoveredLog
  readonly snapshots: FoundSnapshots
  /** Where the log has to begin anew, before anything else is written to it. */
  readonly unfinished: LogBase | undefined
  readonly notes: readonly string[]
}

const isStartError = (error: Failure): error is StartError => '_tag' in error

/** What a failure on the way to an open store is called. */
export const startError = (folder: string, error: Failure): StartError =>
  isStartError(error) ? error : new StorageFailed(error.path ?? folder, error.message)

/** Holds a folder that is there until it is released or the process dies. */
export const holdFound = (disk: Disk, folder: string): Act<{ release(done: () => void): void }, Failure> => done => disk.lock(`${folder}/lock`, outcome => {
  if (isLeft(outcome)) done(left(outcome.left.code === 'EEXIST' ? new FolderInUse(folder) : outcome.left))
  else done(right({ release: released => outcome.right.release(() => released()) }))
})

/** Whether there is an identity, which is written only into a folder whose own name is durable. */
const isFounded = (disk: Disk, folder: string): Act<boolean> => done => disk.list(folder, names => {
  if (isLeft(names) && names.left.code !== 'ENOENT') done(names)
  else done(right(!isLeft(names) && names.right.includes(IDENTITY_FILE)))
})

/** The same for a folder that is made where it is not there. */
export const holdFolder = (disk: Disk, folder: string): ReturnType<typeof holdFound> => chain(isFounded(disk, folder), isThere => {
  const made: Act<void> = isThere ? succeed(undefined) : done => disk.makeDirectory(folder, done)
  return chain(made, () => holdFound(disk, folder))
})

/** The first segment begins with the log's base. */
const firstSegment = ({ disk, folder, segmentBytes, random }: FolderOptions, { clusterId, membership }: StoreOwner): Act<void> => {
  const base = encodeBase({ index: 0, term: 0, membership })
  const capacity = Math.max(Math.min(segmentBytes, INITIAL_SEGMENT_BYTES), leastCapacity(recordBytes(base.length)))
  const header: FileHeader = { kind: 'segment', clusterId, number: 1, capacity, salt: random(SALT_BYTES) }
  const record = Buffer.alloc(recordBytes(base.length))
  record.set(base, RECORD_HEADER_BYTES)
  const fields = { type: 'base', offset: FIRST_RECORD, syncedTo: FIRST_RECORD, firstIndex: 0, commitIndex: 0, payloadBytes: base.length } as const
  encodeRecordHeader(fields, segmentSeed(header.salt), record, 0)
  return chain(writeSegment(disk, temporary(`${folder}/${segmentName(1)}`), header, record, () => true), file => file.close)
}

const FIRST_FILES = [HARD_STATE_FILE, segmentName(1)]
/** It is made and removed for the sake of a sync. */
const NAMES_FILE = 'names'

/**
 * Writes an empty store. The identity's rename is the moment at which it exists: the other files are durable under their
 * temporary names before, and are given their own after, now or at the next start.
 */
const initialise = (options: FolderOptions, owner: StoreOwner): Act<void> => {
  const { disk, folder, random } = options
  const identity: Identity = { clusterId: owner.clusterId, id: owner.id, incarnation: Buffer.from(random(16)).toString('hex'), peers: {} }
  const sync = syncFolder(disk, folder)
  return inOrder(
    writeTemporary(disk, `${folder}/${HARD_STATE_FILE}`, firstHardState(owner.clusterId, random(SALT_BYTES))),
    firstSegment(options, owner),
    writeTemporary(disk, `${folder}/${IDENTITY_FILE}`, identityBytes(identity)),
    sync,
    publish(disk, `${folder}/${IDENTITY_FILE}`),
    sync,
    forEach(FIRST_FILES, name => publish(disk, `${folder}/${name}`)),
    sync,
  )
}

/** What is wrong with a folder without an identity; undefined where none was made there yet. */
export const lostIdentity = (folder: string, names: readonly string[]): Damaged | undefined => {
  const stray = names.find(name => name === HARD_STATE_FILE || segmentNumberOf(name) !== undefined || snapshotNamed(name) !== undefined || incomingNamed(name) !== undefined)
  return stray === undefined ? undefined : new Damaged(`${folder}/${IDENTITY_FILE}`, 0, undefined, `it is missing, though the folder holds ${stray}`)
}

/** What may lie in a folder without an identity: flags of those who want it, and what an interrupted start has left. */
const isOfStart = (name: string): boolean => /^lock(-|$)/.test(name) || [IDENTITY_FILE, NAMES_FILE, ...FIRST_FILES].some(own => name === temporary(own))

/** What has no identity is made a data folder only where nobody else has put anything. */
const checkFree = ({ disk, folder }: FolderOptions, names: readonly string[]): Act<void, StartError> =>
  chain(strangersIn(disk, folder, names, isOfStart), found => found === undefined ? succeed(undefined) : fail(new WrongFolder(folder, `it is no data folder, and ${found}`)))

/** Brings the folder's names in order: creates an empty store, completes an interrupted creation, sweeps what was left unfinished. */
const tidyNames = (options: FolderOptions, owner: StoreOwner, names: readonly string[]): Act<readonly string[], Failure> => {
  const { disk, folder } = options
  const has = (name: string): boolean => names.includes(name)
  const isNew = !has(IDENTITY_FILE)
  const lost = isNew ? lostIdentity(folder, names) : undefined
  if (lost !== undefined) return fail(lost)
  const unnamed = isNew ? [] : FIRST_FILES.filter(name => !has(name) && has(temporary(name)))
  const leftovers = names.filter(name => name.endsWith('.tmp') && !unnamed.some(known => temporary(known) === name))
  const work: Act<void>[] = [
    ...leftovers.map((name): Act<void> => done => disk.unlink(`${folder}/${name}`, done)),
    ...unnamed.map(name => publish(disk, `${folder}/${name}`)),
    syncFound(disk, folder, temporary(NAMES_FILE)),
    ...(isNew ? [initialise(options, owner)] : []),
  ]
  return map(inOrder<Failure>(...(isNew ? [checkFree(options, names)] : []), ...work), () => leftovers.map(name => `${folder}/${name}: an unfinished file was removed`))
}

export const checkOwnerOf = (folder: string, owner: StoreOwner): CheckOwner => ({ kind, clusterId }) =>
  clusterId === owner.clusterId ? undefined : new WrongFolder(folder, otherCluster(`its ${kind} file`, clusterId, owner))

/** Reads everything that a held folder has, after creating or completing it. */
export const openFolder = (options: FolderOptions, owner: StoreOwner): Act<OpenFolder, Failure> => {
  const { disk, folder, mayLackEnd = false } = options
  const checkOwner = checkOwnerOf(folder, owner)
  const identified = chain(readIdentity(disk, `${folder}/${IDENTITY_FILE}`, checkOwner), (identity): Act<Identity, Failure> =>
    identity.id === owner.id ? succeed(identity) : fail(new WrongFolder(folder, `it belongs to member ${identity.id}, not to ${owner.id}`)))

  const contents = (names: readonly string[], swept: readonly string[]): Act<OpenFolder, Failure> => chain(identified, identity => {
    if (!names.includes(HARD_STATE_FILE)) {
      return fail(new Damaged(`${folder}/${HARD_STATE_FILE}`, 0, undefined, 'it is missing: a vote may be forgotten'))
    }
    return chain(findSnapshots(disk, folder, names, checkOwner), snapshots =>
      chain(openHardState(disk, `${folder}/${HARD_STATE_FILE}`, checkOwner), hardStateFile => {
        const objection: Parameters<typeof recoverLog>[5] = log => {
          const lost = mayLackEnd ? undefined : lostEnd(log, snapshots.newest, hardStateFile.found)
          return lost && lostEndReason(lost)
        }
        return map(orUndo(recoverLog(disk, folder, segmentNumbersIn(names), owner.tailBytes, checkOwner, objection), hardStateFile.close), log => {
          const unfinished = interruptedInstall(log, snapshots.newest)
          const anew = unfinished === undefined ? [] : [installNote(folder, unfinished)]
          const notes = [...swept, ...hardStateFile.notes, ...log.notes, ...snapshots.notes, ...anew]
          return { identity, hardStateFile, log, snapshots, unfinished, notes }
        })
      }))
  })
  return chain(listFolder(disk, folder), before =>
    chain(tidyNames(options, owner, before), swept =>
      chain(listFolder(disk, folder), names => contents(names, swept))))
}
