import { checksumOf } from '../../codecs/bytes.js'
import { left, right } from '../../lib/prelude.js'
import type { Snapshot } from '../../lib/types.js'
import { succeed } from './disk/act.js'
import type { SnapshotShelf } from './serve-snapshots.js'

/** A snapshot that is whole. */
export interface KeptSnapshot {
  readonly snapshot: Snapshot
  readonly chunks: readonly Uint8Array[]
}

/** What outlives an open store. */
export interface KeptSnapshots {
  newest: KeptSnapshot | undefined
}

/** Snapshots in memory: the newest replaces the one before, which lasts as long as somebody reads it. */
export const memorySnapshots = (kept: KeptSnapshots): SnapshotShelf => ({
  newest: () => kept.newest?.snapshot,
  begin: place => {
    const chunks: Uint8Array[] = []
    let bytes = 0
    let checksum = 0
    return succeed({
      write: chunk => done => {
        chunks.push(chunk.slice())
        bytes += chunk.length
        checksum = checksumOf(chunk, checksum)
        done(right(undefined))
      },
      finish: done => {
        const snapshot = { ...place, bytes, checksum }
        kept.newest = { snapshot, chunks }
        done(right(snapshot))
      },
      discard: succeed(undefined),
    })
  },
  open: done => {
    if (kept.newest === undefined) return done(left(new Error('there is no snapshot')))
    const { snapshot, chunks } = kept.newest
    let read = 0
    done(right({ snapshot, next: answer => answer(right(chunks[read++]?.slice())), close: succeed(undefined) }))
  },
})
