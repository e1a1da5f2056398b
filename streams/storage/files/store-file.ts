import { Damaged, type StartError, WrongFolder } from '../../../lib/errors.js'
import { type Either, isLeft, left } from '../../../lib/prelude.js'
import { type Act, chain, inOrder, map, settled } from '../../act/act.js'
import type { Disk } from '../disk/disk.js'
import { type FileHeader, type FoundHeader, type HeaderFault, decodeFileHeader } from './file-header.js'
import { readFully, sizeOf, sweep, withFile, writeFully } from '../disk/file-access.js'

/** What a fault in the header of the file at `path` means for the start. */
const headerError = (path: string, { isNewer, reason }: HeaderFault): StartError =>
  isNewer ? new WrongFolder(path, reason) : new Damaged(path, 0, undefined, reason)

/** Why a store cannot be opened, where it comes from the disk still under the disk's own name. */
export type Failure = StartError | NodeJS.ErrnoException

/** Why a file with this header does not belong into the store, if it does not. */
export type CheckOwner = (header: FileHeader) => StartError | undefined

/** The header of the file at `path`, which begins with `bytes`, if it is whole and belongs here. */
export const checkHeader = (path: string, bytes: Uint8Array, kind: FileHeader['kind'], checkOwner: CheckOwner): Either<StartError, FoundHeader> => {
  const header = decodeFileHeader(bytes, kind)
  if (isLeft(header)) return left(headerError(path, header.left))
  const stranger = checkOwner(header.right)
  return stranger === undefined ? header : left(stranger)
}

export interface StoreFile {
  readonly header: FileHeader
  /** The whole file, header included. */
  readonly bytes: Buffer
}

/** Reads a small file whole, `maxBytes` at most, after checking what its header says of it. */
export const readStoreFile = (
  disk: Disk, path: string, kind: FileHeader['kind'], maxBytes: number, checkOwner: CheckOwner,
): Act<StoreFile, Failure> =>
  withFile(disk, path, 'read', file => chain(sizeOf(file), size => {
    const bytes = Buffer.alloc(Math.min(size, maxBytes))
    return chain(readFully(file, bytes, 0), () => map(settled(checkHeader(path, bytes, kind, checkOwner)), header => ({ header, bytes })))
  }))

/** What an unfinished file is called: it is dropped when a store is opened. */
export const temporary = (path: string): string => `${path}.tmp`

/** Writes a file whole and durable under its temporary name; what had that name before is gone. */
export const writeTemporary = (disk: Disk, path: string, bytes: Uint8Array): Act<void> =>
  chain(sweep(disk, temporary(path)), () =>
    withFile(disk, temporary(path), 'create', file => inOrder(writeFully(file, [bytes], 0), file.datasync)))

/** Gives a file that was written under its temporary name its own. */
export const publish = (disk: Disk, path: string): Act<void> => done => disk.rename(temporary(path), path, done)
