import { isLeft, right } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { type Act, succeed } from '../../act/act.js'
import type { Disk } from '../disk/disk.js'
import { removeFile, syncFolder } from '../disk/file-access.js'
import { segmentName } from './segment.js'
import type { SegmentNotes } from './segment-notes.js'

/** Removes segments that nobody needs, beside everything else that the store does. */
export interface SegmentDropper {
  /** The log may begin after `index` now. */
  drop(index: Index): void
  /** Begins nothing more; answers when nothing is under way. */
  readonly close: Act<void, never>
}

/**
 * Removes the oldest first, each for good before the next one: whatever remains after a crash is a later part of the log without a gap.
 * One that cannot be removed costs its space, and is tried again when more of the log may go. Behind a sync that failed none is removed: it could be gone while the
 * one before is back.
 */
export const createSegmentDropper = (disk: Disk, folder: string, notes: SegmentNotes): SegmentDropper => {
  const waiting: (() => void)[] = []
  let to: Index = 0
  let isBusy = false
  let isOver = false
  const rest = (): void => {
    isBusy = false
    waiting.splice(0).forEach(done => done())
  }
  const step = (): void => {
    const segment = isOver ? undefined : notes.unneeded(to)
    if (segment === undefined) return rest()
    removeFile(disk, `${folder}/${segmentName(segment)}`)(removed => {
      if (isLeft(removed)) return rest()
      syncFolder(disk, folder)(synced => {
        if (isLeft(synced)) return rest()
        notes.dropped()
        step()
      })
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
      isOver = true
      if (isBusy) waiting.push(() => done(right(undefined)))
      else succeed(undefined)(done)
    },
  }
}
