import { isLeft } from '../../../lib/prelude.js'
import type { Disk } from './disk.js'

/** Whether it has failed before the disk was asked, as no file could be opened: that says nothing of the disk. */
export const hasNotBegun = ({ code }: NodeJS.ErrnoException): boolean => code === 'EMFILE' || code === 'ENFILE'

/** The same disk; `failed` hears of the sync of a folder that failed, whoever asked for it, before they do. */
export const guardedDisk = (disk: Disk, failed: (error: Error) => void): Disk => ({
  makeDirectory: (path, done) => disk.makeDirectory(path, done),
  open: (path, mode, done) => disk.open(path, mode, done),
  rename: (from, to, done) => disk.rename(from, to, done),
  unlink: (path, done) => disk.unlink(path, done),
  syncDirectory: (path, done) => disk.syncDirectory(path, outcome => {
    if (isLeft(outcome) && !hasNotBegun(outcome.left)) failed(outcome.left)
    done(outcome)
  }),
  list: (path, done) => disk.list(path, done),
  lock: (path, done) => disk.lock(path, done),
})
