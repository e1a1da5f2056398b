import { isRight } from '../../../lib/prelude.js'
import type { Act } from '../../act/act.js'
import type { DiskFile } from './disk.js'
import { readFully } from './file-access.js'

/** A moving view of a file. */
export interface FileWindow {
  /** Whether `length` bytes at `offset` are in memory. */
  covers(offset: number, length: number): boolean
  /** What is in memory. */
  bytes(): Buffer
  /** Where in `bytes` the file's `offset` stands. */
  position(offset: number): number
  /** How far the view reaches in the file. */
  end(): number
  /** Moves the view to `offset`, with at least `length` bytes. */
  load(offset: number, length: number): Act<void>
}

/**
 * A view of a file of `capacity` bytes that holds about `chunkBytes`. With `reuse` one buffer serves all of them, so nothing
 * may be kept of it; without, each load has a buffer of its own, which belongs to whoever keeps something of it.
 */
export const createFileWindow = (file: DiskFile, capacity: number, chunkBytes: number, reuse: boolean): FileWindow => {
  let store = Buffer.alloc(0)
  let bytes = store
  let start = 0
  return {
    covers: (offset, length) => offset >= start && offset + length <= start + bytes.length,
    bytes: () => bytes,
    position: offset => offset - start,
    end: () => start + bytes.length,
    load: (offset, length) => done => {
      const wanted = Math.min(Math.max(length, chunkBytes), capacity - offset)
      if (!reuse || store.length < wanted) store = Buffer.allocUnsafeSlow(wanted)
      const target = store.subarray(0, wanted)
      readFully(file, target, offset)(outcome => {
        if (isRight(outcome)) {
          bytes = target
          start = offset
        }
        done(outcome)
      })
    },
  }
}
