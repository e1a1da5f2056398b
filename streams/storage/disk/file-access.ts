import { isLeft, left, right } from '../../../lib/prelude.js'
import { type Act, chain, ensure, inOrder, succeed } from '../../act/act.js'
import type { Disk, DiskFile } from './disk.js'

/** Fills `into` from `offset` on, however many reads it takes; a file that ends before is an error. */
export const readFully = (file: DiskFile, into: Uint8Array, offset: number): Act<void> => done => {
  let filled = 0
  const more = (): void => {
    if (filled === into.length) return done(right(undefined))
    file.read(into.subarray(filled), offset + filled, outcome => {
      if (isLeft(outcome)) return done(outcome)
      if (outcome.right === 0) return done(left(Object.assign(new Error(`the file ends at ${offset + filled}`), { code: 'EIO' })))
      filled += outcome.right
      more()
    })
  }
  more()
}

/** Writes all of `bytes` at `offset`. A short write is continued: what stopped it is told by the next one. */
export const writeFully = (file: DiskFile, bytes: readonly Uint8Array[], offset: number): Act<void> => done => {
  let rest = bytes
  let at = offset
  const more = (): void => file.write(rest, at, outcome => {
    if (isLeft(outcome)) return done(outcome)
    let written = outcome.right
    const wanted = rest.reduce((sum, piece) => sum + piece.length, 0)
    if (written === wanted) return done(right(undefined))
    if (written === 0) return done(left(Object.assign(new Error(`nothing could be written at ${at}`), { code: 'EIO' })))
    at += written
    rest = rest.flatMap(piece => {
      const gone = Math.min(written, piece.length)
      written -= gone
      return gone === piece.length ? [] : [piece.subarray(gone)]
    })
    more()
  })
  more()
}

export const openFile = (disk: Disk, path: string, mode: Parameters<Disk['open']>[1]): Act<DiskFile> => done => disk.open(path, mode, done)

export const sizeOf = (file: DiskFile): Act<number> => done => file.size(done)

/** Makes changes to the names in `folder` durable. */
export const syncFolder = (disk: Disk, folder: string): Act<void> => done => disk.syncDirectory(folder, done)

/** Space may be made while there is still some room; after any other failure nothing is known of the disk. */
export const isAboutSpace = (error: Error): boolean => 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

export const listFolder = (disk: Disk, folder: string): Act<readonly string[]> => done => disk.list(folder, done)

/** Removes a file; gone is gone, whoever removed it. */
export const removeFile = (disk: Disk, path: string): Act<void> => done =>
  disk.unlink(path, outcome => done(isLeft(outcome) && outcome.left.code !== 'ENOENT' ? outcome : right(undefined)))

/** Removes a file if it is there and can be removed. */
export const sweep = (disk: Disk, path: string): Act<void> => done => disk.unlink(path, () => done(right(undefined)))

/** Uses one file from its opening to its closing. */
export const withFile = <A, E>(
  disk: Disk, path: string, mode: Parameters<Disk['open']>[1], use: (file: DiskFile) => Act<A, E>,
): Act<A, E | NodeJS.ErrnoException> =>
  chain(openFile(disk, path, mode), file => ensure<A, E | NodeJS.ErrnoException>(use(file), file.close))

/**
 * Makes the names that are found in `folder` durable. A sync that failed in an earlier life may have left them in the cache as if they were, and one that finds
 * nothing to do says nothing of them: it follows a change, unless not even an empty file of this name finds room.
 */
export const syncFound = (disk: Disk, folder: string, unused: string): Act<void> => {
  const path = `${folder}/${unused}`
  const change: Act<void> = inOrder(withFile(disk, path, 'create', () => succeed(undefined)), removeFile(disk, path))
  return inOrder(done => change(outcome => done(isLeft(outcome) && isAboutSpace(outcome.left) ? right(undefined) : outcome)), syncFolder(disk, folder))
}
