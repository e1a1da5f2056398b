import { SECTOR_BYTES } from '../streams/storage/disk/disk.js'

/** A file of a memory disk: what programs see, and what of it would survive. */
export interface MemoryFile {
  size(): number
  write(bytes: Uint8Array, offset: number): void
  /** How many bytes there were to read. */
  read(into: Uint8Array, offset: number): number
  sync(): void
  /** What is unsynced now counts as clean and will not survive, unless it is written again. */
  failSync(): void
  /** Unsynced sectors for which `survives` says no are as they were at the last sync. */
  crash(survives: () => boolean): void
  contents(): Uint8Array
  /** Replaces everything, durably. */
  replace(bytes: Uint8Array): void
  clone(): MemoryFile
}

/** A growing array of bytes. */
interface Bytes {
  store: Uint8Array
  size: number
}

const ensureSize = (bytes: Bytes, size: number): void => {
  if (size <= bytes.size) return
  if (size > bytes.store.length) {
    const larger = new Uint8Array(Math.max(size, 2 * bytes.store.length))
    larger.set(bytes.store.subarray(0, bytes.size))
    bytes.store = larger
  } else bytes.store.fill(0, bytes.size, size)
  bytes.size = size
}

const copyRange = (from: Bytes, to: Bytes, start: number, end: number): void => {
  if (start >= end) return
  ensureSize(to, end)
  to.store.set(from.store.subarray(start, end), start)
}

const copyOf = ({ store, size }: Bytes): Bytes => ({ store: store.slice(0, size), size })

/**
 * A file of which `durable` is on disk and `seen` is what programs read; `dirty` are the sectors that the next sync brings to disk, and
 * `lost` those that a failed one took for done.
 */
const fileOf = (seen: Bytes, durable: Bytes, dirty: Set<number>, lost: Set<number>): MemoryFile => {
  const restore = (sector: number): void => {
    const start = sector * SECTOR_BYTES
    const end = Math.min(start + SECTOR_BYTES, seen.size)
    seen.store.fill(0, start, end)
    if (start < durable.size) seen.store.set(durable.store.subarray(start, Math.min(end, durable.size)), start)
  }
  const settle = (): void => {
    for (const sector of dirty) copyRange(seen, durable, sector * SECTOR_BYTES, Math.min((sector + 1) * SECTOR_BYTES, seen.size))
    durable.size = seen.size
    dirty.clear()
  }
  return {
    size: () => seen.size,
    write: (bytes, offset) => {
      if (bytes.length === 0) return
      const first = Math.floor(Math.min(offset, seen.size) / SECTOR_BYTES)
      ensureSize(seen, offset + bytes.length)
      seen.store.set(bytes, offset)
      for (let sector = first; sector * SECTOR_BYTES < offset + bytes.length; sector++) {
        dirty.add(sector)
        lost.delete(sector)
      }
    },
    read: (into, offset) => {
      const available = Math.max(0, Math.min(into.length, seen.size - offset))
      into.set(seen.store.subarray(offset, offset + available))
      return available
    },
    sync: settle,
    failSync: () => {
      for (const sector of dirty) lost.add(sector)
      dirty.clear()
    },
    crash: survives => {
      let size = durable.size
      for (const sector of lost) restore(sector)
      lost.clear()
      for (const sector of [...dirty].sort((a, b) => a - b)) {
        if (survives()) size = Math.max(size, Math.min((sector + 1) * SECTOR_BYTES, seen.size))
        else restore(sector)
      }
      seen.size = size
      settle()
    },
    contents: () => seen.store.slice(0, seen.size),
    replace: bytes => {
      seen.store = bytes.slice()
      seen.size = bytes.length
      durable.store = bytes.slice()
      durable.size = bytes.length
      dirty.clear()
      lost.clear()
    },
    clone: () => fileOf(copyOf(seen), copyOf(durable), new Set(dirty), new Set(lost)),
  }
}

const nothing = (): Bytes => ({ store: new Uint8Array(0), size: 0 })

export const createMemoryFile = (): MemoryFile => fileOf(nothing(), nothing(), new Set(), new Set())
