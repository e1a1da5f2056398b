import { checksumOf } from '../../codecs/bytes.js'
import { left, right } from '../../lib/prelude.js'
import { isSameSnapshot } from '../../lib/snapshot-id.js'
import type { Snapshot } from '../../lib/types.js'
import { type Act, succeed } from '../act/act.js'
import type { Incoming, SnapshotShelf } from './serve-snapshots.js'
import { isSamePlace } from './snapshots/snapshot-file.js'

/** A snapshot that is whole, or as much of it as there is. */
export interface KeptSnapshot {
  readonly snapshot: Snapshot
  readonly chunks: readonly Uint8Array[]
}

/** What outlives an open store. */
export interface KeptSnapshots {
  newest: KeptSnapshot | undefined
  /** What is being received. */
  incoming: KeptSnapshot | undefined
}

/** Contents that grow chunk by chunk, from those that are there. */
const growing = (found: readonly Uint8Array[]) => {
  const chunks = [...found]
  let bytes = chunks.reduce((sum, { length }) => sum + length, 0)
  let checksum = chunks.reduce((before, chunk) => checksumOf(chunk, before), 0)
  return {
    chunks,
    written: () => ({ bytes, checksum }),
    write: (chunk: Uint8Array): Act<void, never> => done => {
      chunks.push(new Uint8Array(chunk))
      bytes += chunk.length
      checksum = checksumOf(chunk, checksum)
      done(right(undefined))
    },
  }
}

/** Also in all that the name of a file does not say. */
const isSame = (a: Snapshot, b: Snapshot): boolean => isSameSnapshot(a, b) && isSamePlace(a, b)

const receiving = (kept: KeptSnapshots, snapshot: Snapshot): Incoming => {
  const before = kept.incoming
  const { chunks, written, write } = growing(before !== undefined && isSame(before.snapshot, snapshot) ? before.chunks : [])
  kept.incoming = { snapshot, chunks }
  return {
    written, write, close: succeed(undefined),
    finish: done => {
      kept.newest = { snapshot, chunks }
      kept.incoming = undefined
      done(right(snapshot))
    },
    discard: done => {
      kept.incoming = undefined
      done(right(undefined))
    },
  }
}

/** Snapshots in memory: the newest replaces the one before, which lasts as long as somebody reads it. */
export const memorySnapshots = (kept: KeptSnapshots): SnapshotShelf => ({
  newest: () => kept.newest?.snapshot,
  begin: place => {
    const { chunks, written, write } = growing([])
    return succeed({
      write,
      finish: done => {
        const snapshot = { ...place, ...written() }
        kept.newest = { snapshot, chunks }
        done(right(snapshot))
      },
      discard: succeed(undefined),
    })
  },
  receive: snapshot => done => done(right(receiving(kept, snapshot))),
  forget: index => done => {
    if (kept.incoming !== undefined && kept.incoming.snapshot.index <= index) kept.incoming = undefined
    done(right(undefined))
  },
  open: () => done => {
    if (kept.newest === undefined) return done(left(new Error('there is no snapshot')))
    const { snapshot, chunks } = kept.newest
    let read = 0
    done(right({
      // Of pure `Uint8Array`s, which `slice` copies: of a `Buffer` it would be a view.
      snapshot, next: answer => answer(right(chunks[read++]?.slice())), close: succeed(undefined),
      rewind: answer => {
        read = 0
        answer(right(undefined))
      },
    }))
  },
})
