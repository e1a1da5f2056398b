/** What a disk does about snapshots. A machine's state is the list of all that it has applied, and that is what a snapshot holds. */
import type { RaftEvent, SnapshotWork } from '../../lib/events.js'
import { isSameSnapshot } from '../../lib/snapshot-id.js'
import type { Membership, Snapshot } from '../../lib/types.js'
import { entryId } from './build.js'
import type { Disk, SnapshotFile } from './shell.js'

const checksumOf = (contents: Uint8Array): number => contents.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7)

/** A snapshot of a machine that has applied these, each as index@term. */
export const fileOf = (applied: readonly string[], membership: Membership): SnapshotFile => {
  const contents = new TextEncoder().encode(applied.join(' '))
  return { snapshot: { ...entryId(applied.at(-1)!), time: 0, compression: 'none', membership, bytes: contents.length, checksum: checksumOf(contents) }, contents }
}
export const appliedIn = ({ contents }: SnapshotFile): string[] => new TextDecoder().decode(contents).split(' ')

export interface Done {
  readonly disk: Disk
  readonly answer: RaftEvent
}

/** Finishes what has come of the snapshot. */
const finish = (disk: Disk, file: SnapshotFile): Done => {
  const { newest, incoming: _incoming, ...rest } = disk
  const { snapshot, contents } = file
  if (checksumOf(contents) !== snapshot.checksum) return { disk: { ...rest, ...newest && { newest } }, answer: { type: 'receiveFailed', snapshot } }
  return { disk: { ...rest, newest: file }, answer: { type: 'snapshotStored', snapshot } }
}

const isOf = (file: SnapshotFile | undefined, snapshot: Snapshot): file is SnapshotFile => file !== undefined && isSameSnapshot(file.snapshot, snapshot)

/** All that concerns the disk alone. A chunk is written where it belongs or not at all. */
export const workOnDisk = (disk: Disk, work: Extract<SnapshotWork, { type: 'receive' | 'write' | 'read' }>): Done => {
  const { snapshot } = work
  switch (work.type) {
    case 'receive': {
      const incoming = isOf(disk.incoming, snapshot) ? disk.incoming : { snapshot, contents: new Uint8Array(0) }
      return { disk: { ...disk, incoming }, answer: { type: 'chunkWritten', snapshot, received: incoming.contents.length } }
    }
    case 'write': {
      const { incoming } = disk
      if (!isOf(incoming, snapshot) || incoming.contents.length !== work.offset) return { disk, answer: { type: 'receiveFailed', snapshot } }
      const file = { snapshot, contents: new Uint8Array([...incoming.contents, ...work.chunk]) }
      if (file.contents.length === snapshot.bytes) return finish(disk, file)
      return { disk: { ...disk, incoming: file }, answer: { type: 'chunkWritten', snapshot, received: file.contents.length } }
    }
    case 'read': {
      const { to, offset, maxBytes } = work
      const chunk = isOf(disk.newest, snapshot) ? disk.newest.contents.slice(offset, offset + maxBytes) : undefined
      return { disk, answer: { type: 'chunkRead', to, snapshot, offset, chunk } }
    }
  }
}
