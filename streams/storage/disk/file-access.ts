import { isLeft, left, right } from '../../../lib/prelude.js'
import { type Act, chain, ensure } from '../../act/act.js'
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
