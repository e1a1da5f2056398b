import { Damaged } from '../../../lib/errors.js'
import { isLeft, right } from '../../../lib/prelude.js'
import type { EntryId, Snapshot } from '../../../lib/types.js'
import { type Act, forEach, map, succeed } from '../../act/act.js'
import type { Disk } from '../disk/disk.js'
import type { CheckOwner, Failure } from '../files/store-file.js'
import { openSnapshot } from './read-snapshot.js'
import { incomingIn, incomingName, snapshotName, snapshotsIn } from './snapshot-file.js'

/** What a folder holds of snapshots. */
export interface FoundSnapshots {
  /** The newest whose header, place and end are whole. */
  readonly newest: Snapshot | undefined
  /** The name of the newest one that was being received, if it is newer. */
  readonly incoming: string | undefined
  /** Files that are older than these, and that a crash kept from being removed. */
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
 * delete. What is older than the newest whole one is not looked into, and neither is what is being received.
 */
export const findSnapshots = (disk: Disk, folder: string, names: readonly string[], checkOwner: CheckOwner): Act<FoundSnapshots, Failure> => {
  const ids = snapshotsIn(names)
  const incoming = incomingIn(names)
  const replaced: string[] = []
  const notes: string[] = []
  let newest: Snapshot | undefined
  const replace = (name: string, what: string): void => {
    replaced.push(`${folder}/${name}`)
    notes.push(`${folder}/${name}: ${what} was removed`)
  }
  const look = (id: EntryId): Act<void, Failure> => {
    if (newest !== undefined) return succeed(replace(snapshotName(id), 'an older snapshot'))
    return map(inspect(disk, folder, id, checkOwner), found => {
      if (found instanceof Damaged) notes.push(`${found.message} This snapshot is not used, and not removed.`)
      else newest = found
    })
  }
  return map(forEach(ids, look), () => {
    const [wanted, ...rest] = incoming
    const isWanted = wanted !== undefined && wanted.index > (newest?.index ?? 0)
    for (const id of isWanted ? rest : incoming) replace(incomingName(id), 'an older snapshot that was being received')
    return { newest, incoming: isWanted ? incomingName(wanted) : undefined, replaced, notes }
  })
}
