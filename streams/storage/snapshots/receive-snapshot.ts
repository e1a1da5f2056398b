import { checksumOf, joinedChecksum } from '../../../codecs/bytes.js'
import { isLeft, right } from '../../../lib/prelude.js'
import type { Snapshot } from '../../../lib/types.js'
import { type Act, chain, fail, inOrder, map, orUndo, succeed } from '../../act/act.js'
import type { DiskFile } from '../disk/disk.js'
import { sizeOf, syncFolder, writeFully } from '../disk/file-access.js'
import type { CheckOwner } from '../files/store-file.js'
import { read, readHeader, readPlace } from './read-snapshot.js'
import { RECORD_HEADER_BYTES, checksumIn, decodeRecordHeader, incomingName, isIntact, isSamePlace } from './snapshot-file.js'
import { type DraftFile, type FileProgress, SYNC_BYTES, type SnapshotFolder, beginDraft, draftOf } from './write-snapshot.js'

/**
 * What is known of a file that is there: nothing but that it was found at the start, that it was let go of and lasts, or that it is not to be trusted.
 */
export type Standing = 'found' | 'kept' | 'doubtful'

/** What becomes of bytes that were read at an offset. */
type Renew = (pieces: readonly Uint8Array[], at: number) => Act<void>

/** Writes what was read once more: a sync that failed in an earlier life may have left it in the cache alone, where the next one passes over it. */
const renewing = (file: DiskFile): Renew => {
  let unsynced = 0
  return (pieces, at) => chain(writeFully(file, pieces, at), () => {
    unsynced += pieces.reduce((sum, { length }) => sum + length, 0)
    if (unsynced < SYNC_BYTES) return succeed(undefined)
    unsynced = 0
    return file.datasync
  })
}

/** Reads on from one whole chunk to the next, as far as they go; never beyond what the contents can be. */
const wholeChunks = (file: DiskFile, size: number, most: number, renew: Renew, from: FileProgress): Act<FileProgress> => {
  const { at, before, bytes } = from
  if (at + RECORD_HEADER_BYTES > size) return succeed(from)
  return chain(read(file, at, RECORD_HEADER_BYTES), (header): Act<FileProgress> => {
    const decoded = decodeRecordHeader(header)
    if (isLeft(decoded) || decoded.right.type !== 'chunk') return succeed(from)
    const { payloadBytes } = decoded.right
    const end = at + RECORD_HEADER_BYTES + payloadBytes
    if (payloadBytes === 0 || end > size || bytes + payloadBytes > most) return succeed(from)
    return chain(read(file, at + RECORD_HEADER_BYTES, payloadBytes), (chunk): Act<FileProgress> => {
      const sum = checksumOf(chunk)
      if (!isIntact(header, chunk, before, sum)) return succeed(from)
      const checksum = joinedChecksum(from.checksum, sum, payloadBytes)
      return chain(renew([header, chunk], at), () =>
        wholeChunks(file, size, most, renew, { ...from, at: end, before: checksumIn(header), bytes: bytes + payloadBytes, checksum }))
    })
  })
}

/** How far a file that was left is whole, from its beginning on; undefined where it is none of this snapshot, or cannot be renewed. */
const fileProgressOf = (path: string, file: DiskFile, snapshot: Snapshot, checkOwner: CheckOwner, renew: Renew): Act<FileProgress | undefined> => done => {
  const found = chain(sizeOf(file), size => chain(readHeader(path, file, checkOwner), ({ salt }) => {
    const seed = checksumOf(salt)
    return chain(readPlace(path, file, size, seed, snapshot), ({ place, offset, seed: before }) => {
      if (!isSamePlace(place, snapshot)) return fail(new Error('it stands for another place'))
      const beginning = chain(read(file, 0, offset), bytes => renew([bytes], 0))
      return chain(beginning, () => wholeChunks(file, size, snapshot.bytes, renew, { seed, at: offset, before, bytes: 0, checksum: 0 }))
    })
  }))
  found(outcome => done(right(isLeft(outcome) ? undefined : outcome.right)))
}

/**
 * Takes up what is here of the snapshot, or begins it under a name that lasts. Of what was being written when the last who received it was
 * interrupted, nothing remains: it may have come in any part, and in chunks that were cut otherwise. What was only found is made to last before anything follows
 * it, and what is doubtful goes.
 */
export const openIncoming = (options: SnapshotFolder, snapshot: Snapshot, standing: Standing, checkOwner: CheckOwner): Act<DraftFile> => {
  const { disk, folder } = options
  const path = `${folder}/${incomingName(snapshot)}`
  const begin = chain(beginDraft(options, snapshot, path), draft => map(orUndo(syncFolder(disk, folder), draft.discard), () => draft))
  const renewal = (file: DiskFile): Renew => (standing === 'kept' ? () => succeed(undefined) : renewing(file))
  const takeUp = (file: DiskFile): Act<DraftFile> => chain(fileProgressOf(path, file, snapshot, checkOwner, renewal(file)), (progress): Act<DraftFile> => {
    if (progress === undefined) return chain(file.close, () => begin)
    const cut: Act<void> = done => file.truncate(progress.at, done)
    return map(orUndo(inOrder(cut, file.datasync), file.close), () => draftOf(options, snapshot, path, file, progress))
  })
  return standing === 'doubtful' ? begin : done => disk.open(path, 'write', opened => {
    if (!isLeft(opened)) takeUp(opened.right)(done)
    else if (opened.left.code === 'ENOENT') begin(done)
    else done(opened)
  })
}
