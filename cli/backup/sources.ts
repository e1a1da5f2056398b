/**
 * The files that a copy is made of, open while their member goes on.
 *
 * A name that was listed may be gone before it is opened; what is open stays, whatever becomes of its name. So everything is opened first and
 * copied then. Links to the files would do the same, but need a file system that has them and that may be written to, and somebody who removes them. What counts is
 * the order:
 *
 *  1. The hard state is copied, before anything is listed. A commitIndex is written once what it counts is in the log: an older hard state goes with a newer
 *     log, as after any crash, but a newer one could count entries that an older log does not hold.
 *  2. The segments are opened, the newest first. A member removes the oldest first, so what is missing from here on is missing at the old end alone, and
 *     what is open follows each other without a gap. The oldest first, the second could go while the first is open already.
 *  3. The newest snapshot is opened last. A log is cut only up to a snapshot that is durable, and a snapshot gives way only to a newer one. So the newest at any
 *     later moment covers whatever was cut before. The other way round the log could be cut up to a snapshot that was not there yet when they were listed.
 *
 * Only the newest segment changes: it is appended to, and nothing in it is ever replaced; what takes the place of entries after a conflict is one more
 * record. Where the log goes over to a next segment meanwhile, that one is not copied: `log-end.ts` says where the copy ends. A snapshot may then
 * stand after the end of the copied log. That is what an interrupted install leaves, too: the log begins anew after it.
 *
 * What of all this remains to chance: the newest segment may be cut away before it is opened; and where a log is cut after all that is open, the base of what is open may
 * be one that a later segment has replaced. Both leave a copy that is not whole, of a folder that has changed: it is made anew.
 */
import { isLeft, right } from '../../lib/prelude.js'
import type { Disk, DiskFile } from '../../streams/storage/disk/disk.js'
import { listFolder } from '../../streams/storage/disk/file-access.js'
import { IDENTITY_FILE } from '../../streams/storage/files/identity-file.js'
import { segmentName, segmentNumbersIn } from '../../streams/storage/log/segment.js'
import { snapshotName, snapshotsIn } from '../../streams/storage/snapshots/snapshot-file.js'
import { carriedOut, settled } from '../folder/hold.js'
import { Trouble } from '../mistake.js'

/** So many snapshots may take each other's place while the newest one is opened. */
const MAX_REPLACED = 100

export interface Sources {
  /** What is open, as a disk that has these files and no others. */
  readonly disk: Disk
  /** The segments that are open, ascending, and the name of the newest snapshot, where there is one. */
  readonly segments: readonly number[]
  readonly snapshot: string | undefined
  /** Whether the folder has lost something of it by now. */
  hasChanged(): Promise<boolean>
  close(): Promise<void>
}

/** A disk whose only files are these; whoever closes one leaves it open. */
const diskOf = (disk: Disk, folder: string, files: ReadonlyMap<string, DiskFile>): Disk => ({
  ...disk,
  list: (path, done) => disk.list(path, names => done(isLeft(names) ? names : right(names.right.filter(name => files.has(name))))),
  open: (path, mode, done) => {
    const file = files.get(path.slice(folder.length + 1))
    if (file === undefined) disk.open(path, mode, done)
    else done(right({ ...file, close: closed => closed(right(undefined)) }))
  },
})

/** Opens what a copy needs, in the order that counts. Some or all of it may be missing: that is for whoever judges the copy. */
export const openSources = async (disk: Disk, folder: string): Promise<Sources> => {
  const files = new Map<string, DiskFile>()
  const list = (): Promise<readonly string[]> => carriedOut(folder, listFolder(disk, folder))
  /** Whether it was there. */
  const open = async (name: string): Promise<boolean> => {
    const opened = await settled<DiskFile, NodeJS.ErrnoException>(done => disk.open(`${folder}/${name}`, 'read', done))
    if (!isLeft(opened)) files.set(name, opened.right)
    else if (opened.left.code !== 'ENOENT') throw new Trouble(`${folder}/${name} cannot be read: ${opened.left.message}`)
    return files.has(name)
  }
  const openSegments = async (): Promise<readonly number[]> => {
    const found: number[] = []
    for (const number of segmentNumbersIn(await list()).toReversed()) {
      if (!await open(segmentName(number))) break
      found.unshift(number)
    }
    return found
  }
  const openSnapshot = async (): Promise<string | undefined> => {
    for (let i = 0; i < MAX_REPLACED; i++) {
      const [newest] = snapshotsIn(await list())
      if (newest === undefined || await open(snapshotName(newest))) return newest && snapshotName(newest)
    }
    throw new Trouble(`${folder}: its newest snapshot was replaced ${MAX_REPLACED} times while it was to be opened.`)
  }
  const close = async (): Promise<void> => {
    for (const file of files.values()) await settled(done => file.close(done))
  }
  try {
    const segments = await openSegments()
    const snapshot = await openSnapshot()
    if (!await open(IDENTITY_FILE)) throw new Trouble(`${folder}/${IDENTITY_FILE} is gone.`)
    const hasChanged = async (): Promise<boolean> => {
      const names = new Set(await list())
      return segments.length === 0 || segments.some(number => !names.has(segmentName(number)))
    }
    return { disk: diskOf(disk, folder, files), segments, snapshot, hasChanged, close }
  } catch (error) {
    await close()
    throw error
  }
}
