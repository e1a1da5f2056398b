import { isLeft } from '../../../lib/prelude.js'
import type { Clock } from '../../time/clock.js'
import type { Disk } from './disk.js'

/** Whether it has failed before the disk was asked, as no file could be opened: that says nothing of the disk. */
export const hasNotBegun = (error: Error): boolean => 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')

/** So often a file is opened that is to be read, where the process or the machine has no file left; after the first wait each one is twice as long, six seconds in all. */
export const OPENINGS = 7
const OPEN_AGAIN_MS = 100

/** Opens a file; where it is to be read and that has not begun, once more after a wait. */
const patiently = (disk: Disk, { after }: Pick<Clock, 'after'>): Disk['open'] => (path, mode, done) => {
  const attempt = (opening: number): void => disk.open(path, mode, outcome => {
    if (mode !== 'read' || !isLeft(outcome) || !hasNotBegun(outcome.left) || opening === OPENINGS) done(outcome)
    else after(OPEN_AGAIN_MS * 2 ** (opening - 1), () => attempt(opening + 1))
  })
  attempt(1)
}

/** The same disk, patient with those who read; `failed` hears of the sync of a folder that failed, whoever asked for it, before they do. */
export const guardedDisk = (disk: Disk, clock: Pick<Clock, 'after'>, failed: (error: Error) => void): Disk => ({
  makeDirectory: (path, done) => disk.makeDirectory(path, done),
  open: patiently(disk, clock),
  rename: (from, to, done) => disk.rename(from, to, done),
  unlink: (path, done) => disk.unlink(path, done),
  syncDirectory: (path, done) => disk.syncDirectory(path, outcome => {
    if (isLeft(outcome) && !hasNotBegun(outcome.left)) failed(outcome.left)
    done(outcome)
  }),
  list: (path, done) => disk.list(path, done),
  lock: (path, done) => disk.lock(path, done),
})
