import { isLeft } from '../../../lib/prelude.js'
import type { Clock } from '../../time/clock.js'
import type { Disk } from './disk.js'

/** Whether it has failed before the disk was asked, as no file could be opened: that says nothing of the disk. */
export const hasNotBegun = (error: Error): boolean => 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')

/** So often a file is opened that is to be read, where the process or the machine has no file left; after the first wait each one is twice as long, six seconds in all. */
export const OPENINGS = 7
const OPEN_AGAIN_MS = 100

type GuardClock = Pick<Clock, 'after' | 'endOfTurn'>

/** Opens files; where one is to be read and that has not begun, once more after a wait. From `end` on nothing waits, and what does is answered with what it waits for. */
const patience = (disk: Disk, { after, endOfTurn }: GuardClock): { readonly open: Disk['open']; readonly end: () => void } => {
  const waiting = new Set<() => void>()
  let isOver = false
  const open: Disk['open'] = (path, mode, done) => {
    const attempt = (opening: number): void => disk.open(path, mode, outcome => {
      if (isOver || mode !== 'read' || !isLeft(outcome) || !hasNotBegun(outcome.left) || opening === OPENINGS) return done(outcome)
      const cancel = after(OPEN_AGAIN_MS * 2 ** (opening - 1), () => {
        waiting.delete(giveUp)
        attempt(opening + 1)
      })
      const giveUp = (): void => {
        cancel()
        endOfTurn(() => done(outcome))
      }
      waiting.add(giveUp)
    })
    attempt(1)
  }
  return {
    open,
    end: () => {
      isOver = true
      waiting.forEach(giveUp => giveUp())
      waiting.clear()
    },
  }
}

export interface GuardedDisk {
  readonly disk: Disk
  /** Nobody who reads is waited with any more: the store closes or has failed. */
  readonly endPatience: () => void
}

/** The same disk, patient with those who read; `failed` hears of the sync of a folder that failed, whoever asked for it, before they do. */
export const guardedDisk = (disk: Disk, clock: GuardClock, failed: (error: Error) => void): GuardedDisk => {
  const { open, end } = patience(disk, clock)
  const guarded: Disk = {
    makeDirectory: (path, done) => disk.makeDirectory(path, done),
    open,
    rename: (from, to, done) => disk.rename(from, to, done),
    unlink: (path, done) => disk.unlink(path, done),
    syncDirectory: (path, done) => disk.syncDirectory(path, outcome => {
      if (isLeft(outcome) && !hasNotBegun(outcome.left)) failed(outcome.left)
      done(outcome)
    }),
    list: (path, done) => disk.list(path, done),
    lock: (path, done) => disk.lock(path, done),
  }
  return { disk: guarded, endPatience: end }
}
