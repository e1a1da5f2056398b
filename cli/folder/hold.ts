/** A data folder in the hands of somebody who looks at it while its member does not run. */
import { type Either, isLeft } from '../../lib/prelude.js'
import type { Act } from '../../streams/act/act.js'
import type { Disk } from '../../streams/storage/disk/disk.js'
import { nodeDisk } from '../../streams/storage/disk/node-disk.js'
import type { Failure } from '../../streams/storage/files/store-file.js'
import { IDENTITY_FILE } from '../../streams/storage/files/identity-file.js'
import { holdFound, lostIdentity, startError } from '../../streams/storage/store-folder.js'
import { Mistake, Trouble } from '../mistake.js'

export interface HeldFolder {
  readonly folder: string
  readonly disk: Disk
  release(): Promise<void>
}

/** An act as a promise, which never rejects. */
export const settled = <A, E>(act: Act<A, E>): Promise<Either<E, A>> => new Promise(act)

/** What an act on a folder answers; what it fails with is told in a sentence. */
export const carriedOut = async <A>(folder: string, act: Act<A, Failure>): Promise<A> => {
  const outcome = await settled(act)
  if (isLeft(outcome)) throw new Trouble(startError(folder, outcome.left).message)
  return outcome.right
}

const isReadOnly = (error: Failure): boolean => 'code' in error && error.code === 'EROFS'

/** Whether this is a data folder at all; what speaks against it is thrown. */
export const checkFounded = async (disk: Disk, folder: string): Promise<void> => {
  const names = await settled<readonly string[], NodeJS.ErrnoException>(done => disk.list(folder, done))
  if (isLeft(names)) throw new Mistake(`${folder} cannot be read as a data folder: ${names.left.message}`)
  if (names.right.includes(IDENTITY_FILE)) return
  const lost = lostIdentity(folder, names.right)
  throw lost === undefined ? new Mistake(`${folder} is no data folder: it has no file "${IDENTITY_FILE}"`) : new Trouble(lost.message)
}

/** Holds the folder as a member would, so that none begins meanwhile. Where nothing can be written nothing is held, and the folder is looked at if nobody else holds it. */
const hold = async (disk: Disk, folder: string): Promise<HeldFolder> => {
  await checkFounded(disk, folder)
  const held = await settled(holdFound(disk, folder))
  if (!isLeft(held)) return { folder, disk, release: () => new Promise(resolve => held.right.release(resolve)) }
  if (isReadOnly(held.left)) return { folder, disk, release: () => Promise.resolve() }
  throw new Trouble(startError(folder, held.left).message)
}

/** Does `work` while the folder is held. */
export const withFolder = async <A>(folder: string, work: (held: HeldFolder) => Promise<A>): Promise<A> => {
  const held = await hold(nodeDisk(), folder)
  try {
    return await work(held)
  } finally {
    await held.release()
  }
}
