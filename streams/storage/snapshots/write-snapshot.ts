import { checksumOf, joinedChecksum } from '../../../codecs/bytes.js'
import { encodePlace } from '../../../codecs/snapshots.js'
import { type Either, right } from '../../../lib/prelude.js'
import type { Snapshot, SnapshotPlace } from '../../../lib/types.js'
import { type Act, chain, ensure, inOrder, map, oneAtATime, orUndo, succeed } from '../../act/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { openFile, sweep, syncFolder, writeFully } from '../disk/file-access.js'
import { SALT_BYTES, encodeFileHeader } from '../files/file-header.js'
import { temporary } from '../files/store-file.js'
import { type RecordHeader, checksumIn, encodeEnd, encodeRecordHeader, snapshotName } from './snapshot-file.js'

/** So much is written from the beginning of one sync to that of the next: none takes long, and the last one, for which everybody waits, least of all. */
export const SYNC_BYTES = 4 * 1024 * 1024

export interface SnapshotFolder {
  readonly disk: Disk
  readonly folder: string
  readonly clusterId: string
  readonly random: (bytes: number) => Uint8Array
}

/** A file that is being written under another name than its own; its acts come one at a time. */
export interface DraftFile {
  /** So much of the contents is there. */
  written(): Pick<Snapshot, 'bytes' | 'checksum'>
  write(chunk: Uint8Array): Act<void>
  /** Ends it, and makes it durable. */
  readonly complete: Act<Snapshot>
  /** Gives it its own name. */
  readonly publish: Act<void>
  /** Lets go of it, and makes durable what is there; leaves nothing behind where that fails. */
  readonly keep: Act<void>
  /** Removes it, whatever it is called by now. */
  readonly discard: Act<void>
}

/** How far a file is written: records, the last one's checksum, and the contents in them. */
export interface FileProgress {
  /** What the checksums of place and end continue from. */
  readonly seed: number
  readonly at: number
  readonly before: number
  readonly bytes: number
  readonly checksum: number
}

/**
 * Syncs beside the writing, which goes on meanwhile; one sync at a time. Whatever follows one that failed fails as well: a later one may
 * succeed without the pages that it gave up.
 */
const syncBeside = (file: DiskFile) => {
  const inTurn = oneAtATime()
  let outcome: Either<NodeJS.ErrnoException, void> = right(undefined)
  /** Once the one under way has ended, with what came of it. */
  const settled: Act<void> = inTurn(done => done(outcome))
  const sync: Act<void> = inTurn(done => file.datasync(ended => {
    outcome = ended
    done(ended)
  }))
  return { settled, begin: map(settled, () => sync(() => undefined)) }
}

/** Writes records one after the other, and syncs what has gathered. */
const recordWriter = (file: DiskFile, from: FileProgress) => {
  const { seed } = from
  const { begin, settled } = syncBeside(file)
  let { at, before } = from
  let unsynced = 0
  const write = (type: RecordHeader['type'], payload: Uint8Array, checksum = checksumOf(payload)): Act<void> => done => {
    const header = encodeRecordHeader(type, payload, type === 'chunk' ? before : seed, checksum)
    const bytes = header.length + payload.length
    chain(writeFully(file, [header, payload], at), () => {
      before = checksumIn(header)
      at += bytes
      unsynced += bytes
      if (unsynced < SYNC_BYTES) return succeed(undefined)
      unsynced = 0
      return begin
    })(done)
  }
  return { write, offset: () => at, sync: inOrder(settled, file.datasync), settled }
}

/** Goes on with a file that is called `path` so far. */
export const draftOf = ({ disk, folder }: SnapshotFolder, place: SnapshotPlace, path: string, file: DiskFile, from: FileProgress): DraftFile => {
  const own = `${folder}/${snapshotName(place)}`
  const records = recordWriter(file, from)
  let isOpen = true
  let name = path
  let { bytes, checksum } = from
  const close: Act<void> = done => {
    if (!isOpen) return done(right(undefined))
    isOpen = false
    // Whatever came of a sync, its file stays open until it has ended.
    records.settled(() => file.close(done))
  }
  const discard = ensure(close, done => sweep(disk, name)(done))
  const end: Act<void> = done => records.write('end', encodeEnd({ offset: records.offset(), bytes, checksum }))(done)
  const rename: Act<void> = map(done => disk.rename(path, own, done), () => { name = own })
  return {
    written: () => ({ bytes, checksum }),
    write: chunk => {
      const sum = checksumOf(chunk)
      return map(records.write('chunk', chunk, sum), () => {
        bytes += chunk.length
        checksum = joinedChecksum(checksum, sum, chunk.length)
      })
    },
    complete: map(inOrder(end, records.sync, close), () => ({ ...place, bytes, checksum })),
    publish: inOrder(rename, syncFolder(disk, folder)),
    keep: orUndo(ensure(records.sync, close), discard),
    discard,
  }
}

/** Begins a file under the name `path`, for contents of any size: never more than one chunk of it is in memory. */
export const beginDraft = (options: SnapshotFolder, place: SnapshotPlace, path: string): Act<DraftFile> => {
  const { disk, clusterId, random } = options
  return chain(sweep(disk, path), () => chain(openFile(disk, path, 'create'), file => {
    const salt = random(SALT_BYTES)
    const seed = checksumOf(salt)
    const payload = encodePlace(place)
    const record = encodeRecordHeader('place', payload, seed)
    const header = encodeFileHeader({ kind: 'snapshot', clusterId, number: 0, capacity: 0, salt })
    const at = SECTOR_BYTES + record.length + payload.length
    const draft = draftOf(options, place, path, file, { seed, at, before: checksumIn(record), bytes: 0, checksum: 0 })
    return map(orUndo(writeFully(file, [header, record, payload], 0), draft.discard), () => draft)
  }))
}

/** Begins a snapshot that is taken here: nobody takes it up where it is left. */
export const createDraft = (options: SnapshotFolder, place: SnapshotPlace): Act<DraftFile> =>
  beginDraft(options, place, temporary(`${options.folder}/${snapshotName(place)}`))
