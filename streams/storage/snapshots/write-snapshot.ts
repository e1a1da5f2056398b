import { checksumOf } from '../../../codecs/bytes.js'
import { encodePlace } from '../../../codecs/snapshots.js'
import { right } from '../../../lib/prelude.js'
import type { Snapshot, SnapshotPlace } from '../../../lib/types.js'
import { type Act, chain, ensure, inOrder, map, orUndo, succeed } from '../disk/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { openFile, sweep, syncFolder, writeFully } from '../disk/file-access.js'
import { SALT_BYTES, encodeFileHeader } from '../files/file-header.js'
import { publish, temporary } from '../files/store-file.js'
import { type RecordHeader, checksumIn, encodeEnd, encodeRecordHeader, snapshotName } from './snapshot-file.js'

/** So much is written between two syncs: none takes long, and the last one, for which everybody waits, least of all. */
export const SYNC_BYTES = 4 * 1024 * 1024

export interface SnapshotFolder {
  readonly disk: Disk
  readonly folder: string
  readonly clusterId: string
  readonly random: (bytes: number) => Uint8Array
}

/** A file that is being written under its temporary name; its acts come one at a time. */
export interface DraftFile {
  write(chunk: Uint8Array): Act<void>
  /** Makes it durable and gives it its own name. */
  readonly publish: Act<Snapshot>
  /** Removes it, whatever it is called by now. */
  readonly discard: Act<void>
}

/** Writes records one after the other, and syncs what has gathered. */
const recordWriter = (file: DiskFile, seed: number) => {
  let at = SECTOR_BYTES
  let unsynced = 0
  let before = seed
  const write = (type: RecordHeader['type'], payload: Uint8Array): Act<void> => done => {
    const header = encodeRecordHeader(type, payload, type === 'chunk' ? before : seed)
    const bytes = header.length + payload.length
    chain(writeFully(file, [header, payload], at), () => {
      before = checksumIn(header)
      at += bytes
      unsynced += bytes
      if (unsynced < SYNC_BYTES) return succeed(undefined)
      unsynced = 0
      return file.datasync
    })(done)
  }
  return { write, offset: () => at }
}

const draftOf = ({ disk, folder }: SnapshotFolder, place: SnapshotPlace, file: DiskFile, seed: number): DraftFile & { readonly begin: Act<void> } => {
  const path = `${folder}/${snapshotName(place)}`
  const records = recordWriter(file, seed)
  let isOpen = true
  let name = temporary(path)
  let bytes = 0
  let checksum = 0
  const close: Act<void> = done => {
    if (!isOpen) return done(right(undefined))
    isOpen = false
    file.close(done)
  }
  const end: Act<void> = done => records.write('end', encodeEnd({ offset: records.offset(), bytes, checksum }))(done)
  const rename = map(publish(disk, path), () => { name = path })
  return {
    begin: records.write('place', encodePlace(place)),
    write: chunk => map(records.write('chunk', chunk), () => {
      bytes += chunk.length
      checksum = checksumOf(chunk, checksum)
    }),
    publish: map(inOrder(end, file.datasync, close, rename, syncFolder(disk, folder)), () => ({ ...place, bytes, checksum })),
    discard: ensure(close, done => sweep(disk, name)(done)),
  }
}

/** Begins a file for a snapshot of unknown size: never more than one chunk of it is in memory. */
export const createDraft = (options: SnapshotFolder, place: SnapshotPlace): Act<DraftFile> => {
  const { disk, folder, clusterId, random } = options
  const path = temporary(`${folder}/${snapshotName(place)}`)
  return chain(sweep(disk, path), () => chain(openFile(disk, path, 'create'), file => {
    const salt = random(SALT_BYTES)
    const draft = draftOf(options, place, file, checksumOf(salt))
    const header = encodeFileHeader({ kind: 'snapshot', clusterId, number: 0, capacity: 0, salt })
    return map(orUndo(inOrder(writeFully(file, [header], 0), draft.begin), draft.discard), () => draft)
  }))
}
