/** The files of a copy, each durable before it counts. The identity comes last, and has another name until the copy has been judged: before that nothing takes it for a data folder. */
import { isLeft, right } from '../../lib/prelude.js'
import { type Act, chain, ensure, inOrder } from '../../streams/act/act.js'
import type { Disk, DiskFile } from '../../streams/storage/disk/disk.js'
import { openFile, readFully, sizeOf, sweep, syncFolder, withFile, writeFully } from '../../streams/storage/disk/file-access.js'
import { HARD_STATE_FILE, readHardState } from '../../streams/storage/files/hard-state-file.js'
import { IDENTITY_FILE } from '../../streams/storage/files/identity-file.js'
import { type Failure, publish, temporary } from '../../streams/storage/files/store-file.js'
import { segmentKey, segmentName } from '../../streams/storage/log/segment.js'
import { refill } from '../../streams/storage/log/segment-files.js'
import { carriedOut, settled } from '../folder/hold.js'
import { Mistake } from '../mistake.js'
import { logEnd } from './log-end.js'
import type { Sources } from './sources.js'

const PIECE_BYTES = 1024 * 1024
/** So much is written before it is synced: little enough that a member on the same disk does not wait long for its own sync. */
const SYNC_BYTES = 8 * 1024 * 1024
/** So often a hard state is read again that is in the midst of a write; then it is damaged. */
const MAX_READINGS = 20

/** Copies the first `bytes` of a file. */
const copyBytes = (from: DiskFile, to: DiskFile, bytes: number): Act<void> => done => {
  const room = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, bytes))
  const copyFrom = (at: number): void => {
    if (at >= bytes) return to.datasync(done)
    const piece = room.subarray(0, Math.min(PIECE_BYTES, bytes - at))
    const end = at + piece.length
    const synced: readonly Act<void>[] = end % SYNC_BYTES === 0 ? [to.datasync] : []
    inOrder(readFully(from, piece, at), writeFully(to, [piece], at), ...synced)(outcome => (isLeft(outcome) ? done(outcome) : copyFrom(end)))
  }
  copyFrom(0)
}

/** A folder that becomes a copy. */
export interface Target {
  readonly disk: Disk
  readonly folder: string
  /** What was written into it. */
  readonly names: Set<string>
  /** Something is being copied. */
  readonly copies: (name: string) => void
}

/** Makes the folder where it is not there; refuses one that holds anything. */
export const emptyFolder = async (disk: Disk, folder: string): Promise<void> => {
  const names = await settled<readonly string[], NodeJS.ErrnoException>(done => disk.list(folder, done))
  if (isLeft(names) && names.left.code !== 'ENOENT') throw new Mistake(`${folder} cannot be written as a data folder: ${names.left.message}`)
  if (!isLeft(names) && names.right.length > 0) throw new Mistake(`${folder} is not empty: a copy goes into a folder of its own`)
  await carriedOut(folder, done => disk.makeDirectory(folder, done))
}

/** Copies a file from `source`: all of it, or as `write` does. Answers with its size. */
const copyFile = ({ disk, folder, names, copies }: Target, source: Disk, path: string, name: string, write?: (from: DiskFile, to: DiskFile) => Act<void>): Promise<number> => {
  names.add(name)
  copies(name)
  const whole = (from: DiskFile, to: DiskFile): Act<void> => chain(sizeOf(from), bytes => copyBytes(from, to, bytes))
  return carriedOut(folder, withFile(source, path, 'read', from =>
    chain(openFile(disk, `${folder}/${name}`, 'create'), to => ensure<number, NodeJS.ErrnoException>(chain((write ?? whole)(from, to), () => sizeOf(to)), to.close))))
}

/** Copies the hard state: before anything else, as `sources.ts` says. Each of its slots is written twice, but to read is quicker than to write both. */
export const copyHardState = async (target: Target, source: string): Promise<number> => {
  const path = `${target.folder}/${HARD_STATE_FILE}`
  for (let reading = 1; ; reading++) {
    const bytes = await copyFile(target, target.disk, `${source}/${HARD_STATE_FILE}`, HARD_STATE_FILE)
    const read = await settled<unknown, Failure>(readHardState(target.disk, path, () => undefined))
    if (!isLeft(read) || reading === MAX_READINGS) return bytes
    await carriedOut(target.folder, sweep(target.disk, path))
  }
}

/** Copies what is open; nothing but its name keeps it from being a data folder then. Answers with the bytes that were written. */
export const copySources = async (target: Target, sources: Sources, source: string): Promise<number> => {
  const copy = (name: string, as = name, write?: (from: DiskFile, to: DiskFile) => Act<void>): Promise<number> =>
    copyFile(target, sources.disk, `${source}/${name}`, as, write)
  const end = await logEnd(sources, source)
  let bytes = 0
  for (const number of sources.segments) {
    if (end === undefined || number > end.number) continue
    const { header, copiedBytes } = end
    const cut = (from: DiskFile, to: DiskFile): Act<void> =>
      inOrder(copyBytes(from, to, copiedBytes), refill(to, segmentKey(header.salt), copiedBytes, header.capacity), to.datasync)
    bytes += await copy(segmentName(number), undefined, number === end.number ? cut : undefined)
  }
  if (sources.snapshot !== undefined) bytes += await copy(sources.snapshot)
  return bytes + await copy(IDENTITY_FILE, temporary(IDENTITY_FILE))
}

/** The copy as it will be: its identity under its own name. */
export const asPublished = (disk: Disk): Disk => {
  const unfinished = temporary(IDENTITY_FILE)
  return {
    ...disk,
    list: (path, done) => disk.list(path, names => done(isLeft(names) ? names : right(names.right.map(name => name === unfinished ? IDENTITY_FILE : name)))),
    open: (path, mode, done) => disk.open(path.endsWith(`/${IDENTITY_FILE}`) ? temporary(path) : path, mode, done),
  }
}

/** Makes a data folder of it, for good. */
export const publishCopy = async ({ disk, folder }: Target): Promise<void> => {
  const sync = syncFolder(disk, folder)
  await carriedOut(folder, inOrder(sync, publish(disk, `${folder}/${IDENTITY_FILE}`), sync))
}

/** Removes what was written, as far as that can be done: the identity first. */
export const removeCopied = async ({ disk, folder, names }: Target, keep?: string): Promise<void> => {
  for (const name of [IDENTITY_FILE, ...[...names].reverse()].filter(each => each !== keep)) {
    await settled(sweep(disk, `${folder}/${name}`))
    names.delete(name)
  }
}
