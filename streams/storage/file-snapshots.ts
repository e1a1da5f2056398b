import { right } from '../../lib/prelude.js'
import type { Snapshot } from '../../lib/types.js'
import { type Act, chain, fail, map, succeed } from './disk/act.js'
import { sweep, syncFolder } from './disk/file-access.js'
import type { CheckOwner } from './files/store-file.js'
import type { SnapshotShelf } from './serve-snapshots.js'
import { chunksOf, openSnapshot } from './snapshots/read-snapshot.js'
import { snapshotName } from './snapshots/snapshot-file.js'
import { type SnapshotFolder, createDraft } from './snapshots/write-snapshot.js'

/** Snapshots as files of a folder. The one before is removed once its successor is durable; who has it open reads on. */
export const fileSnapshots = (options: SnapshotFolder, checkOwner: CheckOwner, found: Snapshot | undefined): SnapshotShelf => {
  const { disk, folder } = options
  let newest = found
  /** For good, also where the power fails next; what cannot be removed is swept at the next start. */
  const remove = (snapshot: Snapshot): Act<void> => done =>
    sweep(disk, `${folder}/${snapshotName(snapshot)}`)(() => syncFolder(disk, folder)(() => done(right(undefined))))
  return {
    newest: () => newest,
    begin: place => map(createDraft(options, place), ({ write, publish, discard }) => ({
      write, discard,
      finish: chain(publish, snapshot => {
        const before = newest
        newest = snapshot
        return map(before === undefined ? succeed(undefined) : remove(before), () => snapshot)
      }),
    })),
    open: done => {
      if (newest === undefined) return fail(new Error('there is no snapshot'))(done)
      map(openSnapshot(disk, folder, newest, checkOwner), file => ({ snapshot: file.snapshot, next: chunksOf(file), close: file.file.close }))(done)
    },
  }
}
