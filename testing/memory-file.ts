import { SECTOR_BYTES } from '../streams/storage/disk/disk.js'

/** A file of a memory disk: what programs see, and what of it would survive. */
export interface MemoryFile {
  size(): number
  write(bytes: Uint8Array, offset: number): void
  /** How many bytes there were to read. */
  read(into: Uint8Array, offset: number): number
  /** Cuts it to `length` bytes; until that is synced a crash may bring its length back. */
  truncate(length: number): void
  /** Begins to sync what is unsynced now: it is durable once the result has been called, and may be lost until then. */
  startSync(): () => void
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

/** What programs see, what is on disk, and the sectors in between. */
interface Content {
  readonly seen: Bytes
  readonly durable: Bytes
  /** What the next sync brings to disk. */
  dirty: Set<number>
  /** What a failed sync took for done. */
  readonly lost: Set<number>
  /** Whether the next sync brings a shorter length to disk. */
  isCut: boolean
  /** Syncs under way: their sectors are still as good as unsynced. */
  readonly syncing: Set<Set<number>>
}

/** A sector is as it was at the last sync. */
const restore = ({ seen, durable }: Content, sector: number): void => {
  const start = sector * SECTOR_BYTES
  const end = Math.min(start + SECTOR_BYTES, seen.size)
  seen.store.fill(0, start, end)
  if (start < durable.size) seen.store.set(durable.store.subarray(start, Math.min(end, durable.size)), start)
}

const settle = ({ seen, durable }: Content, sectors: ReadonlySet<number>, size: number, isCut = false): void => {
  if (isCut) durable.size = Math.min(durable.size, size)
  for (const sector of sectors) copyRange(seen, durable, sector * SECTOR_BYTES, Math.min((sector + 1) * SECTOR_BYTES, size))
  ensureSize(durable, size)
}

const NONE: readonly Set<number>[] = []

const startSync = (content: Content): (() => void) => {
  const { seen: { size }, syncing, isCut } = content
  const earlier = syncing.size === 0 ? NONE : [...syncing]
  const sectors = content.dirty
  for (const covered of earlier) for (const sector of covered) sectors.add(sector)
  content.dirty = new Set()
  content.isCut = false
  syncing.add(sectors)
  return () => {
    if (!syncing.delete(sectors)) return
    for (const covered of earlier) syncing.delete(covered)
    settle(content, sectors, size, isCut)
  }
}

const unsynced = ({ dirty, syncing }: Content): Set<number> => new Set([...dirty, ...[...syncing].flatMap(sectors => [...sectors])])

const write = ({ seen, dirty, lost }: Content, bytes: Uint8Array, offset: number): void => {
  if (bytes.length === 0) return
  const first = Math.floor(Math.min(offset, seen.size) / SECTOR_BYTES)
  ensureSize(seen, offset + bytes.length)
  seen.store.set(bytes, offset)
  for (let sector = first; sector * SECTOR_BYTES < offset + bytes.length; sector++) {
    dirty.add(sector)
    if (lost.size > 0) lost.delete(sector)
  }
}

const truncate = (content: Content, length: number): void => {
  const { seen, dirty } = content
  for (let sector = Math.floor(length / SECTOR_BYTES); sector * SECTOR_BYTES < seen.size; sector++) dirty.add(sector)
  content.isCut ||= length < seen.size
  seen.size = Math.min(seen.size, length)
}

const crash = (content: Content, survives: () => boolean): void => {
  const { seen, durable, lost } = content
  ensureSize(seen, durable.size)
  const sectors = unsynced(content)
  let size = durable.size
  for (const sector of lost) restore(content, sector)
  for (const sector of [...sectors].sort((a, b) => a - b)) {
    if (survives()) size = Math.max(size, Math.min((sector + 1) * SECTOR_BYTES, seen.size))
    else restore(content, sector)
  }
  seen.size = size
  settle(content, sectors, size)
  clean(content)
}

const clean = (content: Content): void => {
  content.dirty.clear()
  content.lost.clear()
  content.isCut = false
  content.syncing.clear()
}

const fileOf = (content: Content): MemoryFile => {
  const { seen, durable } = content
  return {
    size: () => seen.size,
    write: (bytes, offset) => write(content, bytes, offset),
    read: (into, offset) => {
      const available = Math.max(0, Math.min(into.length, seen.size - offset))
      into.set(seen.store.subarray(offset, offset + available))
      return available
    },
    truncate: length => truncate(content, length),
    startSync: () => startSync(content),
    failSync: () => {
      for (const sector of content.dirty) content.lost.add(sector)
      content.dirty.clear()
    },
    crash: survives => crash(content, survives),
    contents: () => seen.store.slice(0, seen.size),
    replace: bytes => {
      seen.store = bytes.slice()
      seen.size = bytes.length
      durable.store = bytes.slice()
      durable.size = bytes.length
      clean(content)
    },
    clone: () => fileOf({ seen: copyOf(seen), durable: copyOf(durable), dirty: unsynced(content), lost: new Set(content.lost), isCut: content.isCut, syncing: new Set() }),
  }
}

const nothing = (): Bytes => ({ store: new Uint8Array(0), size: 0 })

export const createMemoryFile = (): MemoryFile => fileOf({ seen: nothing(), durable: nothing(), dirty: new Set(), lost: new Set(), isCut: false, syncing: new Set() })
