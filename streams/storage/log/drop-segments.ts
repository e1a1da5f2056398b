import { isLeft, right } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { type Act, chain, succeed } from '../disk/act.js'
import type { Disk } from '../disk/disk.js'
import { syncFolder } from '../disk/file-access.js'
import { segmentName } from './segment.js'
import type { SegmentNotes } from './segment-notes.js'

/** Removes segments that nobody needs, beside everything else that the store does. */
export interface SegmentDropper {
  /** The log may begin behind `index` now. */
  drop(index: Index): void
  /** Begins nothing more; answers when nothing is under way. */
  readonly close: Act<void, never>
}

/**
 * Removes the oldest first, each for good before the next one: whatever remains after a crash is a later part of the log without a gap.
 * A failure costs space and nothing else; it is tried again when more of the log may go.
 */
export const createSegmentDropper = (disk: Disk, folder: string, notes: SegmentNotes): SegmentDropper => {
  const waiting: (() => void)[] = []
  let to: Index = 0
  let isBusy = false
  let isClosed = false
  const remove = (segment: number): Act<void> => chain(
    (done: Parameters<Disk['unlink']>[1]) => disk.unlink(`${folder}/${segmentName(segment)}`, outcome =>
      // It was removed before, and the sync of the folder failed.
      done(isLeft(outcome) && outcome.left.code === 'ENOENT' ? right(undefined) : outcome)),
    () => syncFolder(disk, folder),
  )
  const rest = (): void => {
    isBusy = false
    waiting.splice(0).forEach(done => done())
  }
  const step = (): void => {
    const segment = isClosed ? undefined : notes.unneeded(to)
    if (segment === undefined) return rest()
    remove(segment)(outcome => {
      if (isLeft(outcome)) return rest()
      notes.dropped()
      step()
    })
  }
  return {
    drop: index => {
      to = index
      if (isBusy) return
      isBusy = true
      step()
    },
    close: done => {
      isClosed = true
      if (isBusy) waiting.push(() => done(right(undefined)))
      else succeed(undefined)(done)
    },
  }
}
