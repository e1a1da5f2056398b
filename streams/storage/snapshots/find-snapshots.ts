import { Damaged } from '../../../lib/errors.js'
import { isLeft, right } from '../../../lib/prelude.js'
import type { EntryId, Snapshot } from '../../../lib/types.js'
import { type Act, forEach, map, succeed } from '../disk/act.js'
import type { Disk } from '../disk/disk.js'
import type { CheckOwner, Failure } from '../files/store-file.js'
import { openSnapshot } from './read-snapshot.js'
import { snapshotName, snapshotNamed } from './snapshot-file.js'

/** What a folder holds of snapshots. */
export interface FoundSnapshots {
  /** The newest whose header, place and end are whole. */
  readonly newest: Snapshot | undefined
  /** Files that it replaced, and that a crash kept from being removed. */
  readonly replaced: readonly string[]
  readonly notes: readonly string[]
}

/** The snapshot in the file, or what is damaged about it; it is closed again. */
const inspect = (disk: Disk, folder: string, id: EntryId, checkOwner: CheckOwner): Act<Snapshot | Damaged, Failure> => done =>
  openSnapshot(disk, folder, id, checkOwner)(outcome => {
    if (!isLeft(outcome)) return outcome.right.file.close(closed => done(isLeft(closed) ? closed : right(outcome.right.snapshot)))
    done(outcome.left instanceof Damaged ? right(outcome.left) : outcome)
  })

/**
 * Finds the newest whole snapshot without reading contents. A damaged file is named and left where it is: damage is never a reason to
 * delete. What is older than the newest whole one is not looked into.
 */
export const findSnapshots = (disk: Disk, folder: string, names: readonly string[], checkOwner: CheckOwner): Act<FoundSnapshots, Failure> => {
  const ids = names.map(snapshotNamed).filter(id => id !== undefined).sort((a, b) => b.index - a.index || b.term - a.term)
  const replaced: string[] = []
  const notes: string[] = []
  let newest: Snapshot | undefined
  const look = (id: EntryId): Act<void, Failure> => {
    if (newest !== undefined) {
      const path = `${folder}/${snapshotName(id)}`
      replaced.push(path)
      notes.push(`${path}: an older snapshot was removed`)
      return succeed(undefined)
    }
    return map(inspect(disk, folder, id, checkOwner), found => {
      if (found instanceof Damaged) notes.push(`${found.message} This snapshot is not used, and not removed.`)
      else newest = found
    })
  }
  return map(forEach(ids, look), () => ({ newest, replaced, notes }))
}
