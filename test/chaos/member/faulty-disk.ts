import { left } from '../../../lib/prelude.js'
import { type Disk, type DiskFile, type Done, SECTOR_BYTES } from '../../../streams/storage/disk/disk.js'
import { type DiskFaults, HEALTHY } from './protocol.js'

/** A disk between the store and `disk`, which does what it is told from outside. */
export interface FaultyDisk extends Disk {
  suffer(faults: DiskFaults): void
}

const errorOf = (code: string, path: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: ${path}`), { code, path })

/** The first `room` bytes of the pieces. */
const cutTo = (pieces: readonly Uint8Array[], room: number): readonly Uint8Array[] => [Buffer.concat(pieces).subarray(0, room)]

export const faultyDisk = (disk: Disk): FaultyDisk => {
  let faults = HEALTHY
  let room = Number.POSITIVE_INFINITY
  let waiting: (() => void)[] = []
  /** Begins `work` when the disk answers again, and not before `delayMs`. */
  const begin = (delayMs: number, work: () => void): void => {
    if (faults.isStalled) waiting.push(work)
    else if (delayMs > 0) setTimeout(() => begin(0, work), delayMs)
    else work()
  }
  const write = (file: DiskFile, path: string, pieces: readonly Uint8Array[], offset: number, done: Done<number>): void => begin(faults.writeDelayMs, () => {
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
    // A disk is full at the end of a sector.
    const fits = room >= bytes ? bytes : Math.max(0, Math.floor((offset + room) / SECTOR_BYTES) * SECTOR_BYTES - offset)
    if (fits === 0 && bytes > 0) return void setImmediate(() => done(left(errorOf('ENOSPC', path))))
    room -= fits
    file.write(fits === bytes ? pieces : cutTo(pieces, fits), offset, done)
  })
  const over = (file: DiskFile, path: string): DiskFile => ({
    write: (pieces, offset, done) => write(file, path, pieces, offset, done),
    read: (into, offset, done) => begin(0, () => file.read(into, offset, done)),
    truncate: (length, done) => begin(faults.writeDelayMs, () => file.truncate(length, done)),
    datasync: done => begin(faults.syncDelayMs, () => {
      if (faults.syncFails) setImmediate(() => done(left(errorOf('EIO', path))))
      else file.datasync(done)
    }),
    size: done => file.size(done),
    close: done => begin(0, () => file.close(done)),
  })
  return {
    ...disk,
    open: (path, mode, done) => begin(0, () => {
      if (room < SECTOR_BYTES && mode === 'create') return void setImmediate(() => done(left(errorOf('ENOSPC', path))))
      disk.open(path, mode, outcome => done(outcome._tag === 'Left' ? outcome : { ...outcome, right: over(outcome.right, path) }))
    }),
    syncDirectory: (path, done) => begin(faults.syncDelayMs, () => {
      if (faults.syncFails) setImmediate(() => done(left(errorOf('EIO', path))))
      else disk.syncDirectory(path, done)
    }),
    suffer: next => {
      faults = next
      room = next.roomBytes ?? Number.POSITIVE_INFINITY
      if (next.isStalled) return
      const released = waiting
      waiting = []
      released.forEach(work => work())
    },
  }
}
