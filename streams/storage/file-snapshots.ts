import { isLeft, right } from '../../lib/prelude.js'
import type { Snapshot } from '../../lib/types.js'
import { type Act, chain, fail, inOrder, map, succeed } from '../act/act.js'
import { removeFile, syncFolder } from './disk/file-access.js'
import { hasNotBegun } from './disk/guarded-disk.js'
import type { CheckOwner } from './files/store-file.js'
import type { Incoming, SnapshotShelf } from './serve-snapshots.js'
import type { FoundSnapshots } from './snapshots/find-snapshots.js'
import { incomingParts } from './snapshots/incoming-parts.js'
import { chunksOf, openSnapshot } from './snapshots/read-snapshot.js'
import { snapshotName } from './snapshots/snapshot-file.js'
import { type DraftFile, type SnapshotFolder, createDraft } from './snapshots/write-snapshot.js'

const NOTHING: Act<void, never> = succeed(undefined)

/** Removes a file for good, whether or not it is there. */
const remove = ({ disk, folder }: SnapshotFolder, name: string): Act<void> => inOrder(removeFile(disk, `${folder}/${name}`), syncFolder(disk, folder))

/** For good, also where the power fails next; what cannot be removed is swept at the next start. */
const attempt = (act: Act<void>): Act<void, never> => done => act(() => done(right(undefined)))

/**
 * Snapshots as files of a folder. The one before is removed once its successor is durable; who has it open reads on. So is one that could
 * not be read, for whatever the disk said; until then its file stays where it is, and the next start may read it again.
 */
export const fileSnapshots = (options: SnapshotFolder, checkOwner: CheckOwner, found: FoundSnapshots): SnapshotShelf => {
  const { disk, folder } = options
  /** The newest file, and whether a reading of it has failed. */
  let file = found.newest && { snapshot: found.newest, isUnreadable: false }
  const parts = incomingParts(options, checkOwner, found.incoming)

  const publish = (draft: DraftFile): Act<Snapshot> => chain(draft.complete, snapshot => {
    const before = file?.snapshot
    const become = (): void => { file = { snapshot, isUnreadable: false } }
    const isInTheWay = before !== undefined && before.index > snapshot.index
    const isReplaced = before !== undefined && !isInTheWay && snapshotName(before) !== snapshotName(snapshot)
    return map(inOrder(
      // Only an unreadable one has a higher index. It would count at the next start: it goes first.
      isInTheWay ? map(remove(options, snapshotName(before)), () => { file = undefined }) : NOTHING,
      map(draft.publish, become),
      isReplaced ? attempt(remove(options, snapshotName(before))) : NOTHING,
    ), () => snapshot)
  })
  const receiving = (draft: DraftFile): Incoming => ({
    written: draft.written, write: draft.write, close: draft.keep, discard: draft.discard,
    finish: map(publish(draft), snapshot => {
      parts.finished()
      return snapshot
    }),
  })
  /** Whoever still reads one that has been replaced says nothing about the newest, and neither does one for whom there was no file left. */
  const watched = <A, E extends Error>(snapshot: Snapshot, act: Act<A, E>): Act<A, E> => done => act(outcome => {
    if (isLeft(outcome) && !hasNotBegun(outcome.left) && file?.snapshot === snapshot) file = { snapshot, isUnreadable: true }
    done(outcome)
  })

  return {
    newest: () => (file?.isUnreadable === false ? file.snapshot : undefined),
    begin: place => map(createDraft(options, place), draft => ({ write: draft.write, finish: publish(draft), discard: draft.discard })),
    receive: snapshot => map(parts.receive(snapshot), receiving),
    forget: parts.forget,
    open: buffers => done => {
      if (file?.isUnreadable !== false) return fail(new Error('there is no snapshot'))(done)
      const { snapshot } = file
      map(watched(snapshot, openSnapshot(disk, folder, snapshot, checkOwner)), found => {
        let reading = chunksOf(found, buffers)
        const next: Act<Uint8Array | undefined, Error> = read => reading.next(read)
        const rewind: Act<void, never> = ended => map(reading.rest, () => { reading = chunksOf(found, buffers) })(ended)
        const close: Act<void> = ended => reading.close(ended)
        return { snapshot, next: watched(snapshot, next), rewind, close }
      })(done)
    },
  }
}
