import { SECTOR_BYTES } from '../streams/storage/disk/disk.js'

/** A file of a memory disk: what programs see, and what of it would survive. */
export interface MemoryFile {
  size(): number
  write(bytes: Uint8Array, offset: number): void
  /** How many bytes there were to read. */
  read(into: Uint8Array, offset: number): number
  /** Cuts it to `length` bytes; until that is synced a crash may bring back all that stood there. */
  truncate(length: number): void
  /** Begins to sync what is unsynced now: that, and nothing of what is written meanwhile, is durable once the result has been called, and may be lost until then. */
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
  /** The shortest length to which it was cut since the last sync began. */
  cut: number | undefined
  /** Syncs under way: what they bring to disk is still as good as unsynced. */
  readonly syncing: Set<Sync>
}

/** What a sync brings to disk. */
interface Sync {
  readonly sectors: Set<number>
  readonly cut: number | undefined
}

const shorter = (a: number | undefined, b: number | undefined): number | undefined => a === undefined || b === undefined ? a ?? b : Math.min(a, b)

const cutTo = (bytes: Bytes, length: number | undefined): void => {
  if (length !== undefined) bytes.size = Math.min(bytes.size, length)
}

const NONE: readonly Sync[] = []

const startSync = (content: Content): (() => void) => {
  const { seen, durable, syncing, dirty: sectors } = content
  const earlier = syncing.size === 0 ? NONE : [...syncing]
  for (const covered of earlier) for (const sector of covered.sectors) sectors.add(sector)
  const cut = cutOf(content)
  content.dirty = new Set()
  content.cut = undefined
  const sync = { sectors, cut }
  syncing.add(sync)
  const { size } = seen
  const taken = [...sectors].map(sector => ({ start: sector * SECTOR_BYTES, bytes: seen.store.slice(sector * SECTOR_BYTES, Math.min((sector + 1) * SECTOR_BYTES, size)) }))
  return () => {
    if (!syncing.delete(sync)) return
    for (const covered of earlier) syncing.delete(covered)
    cutTo(durable, cut)
    ensureSize(durable, size)
    for (const { start, bytes } of taken) if (start < size) durable.store.set(bytes, start)
  }
}

const unsynced = ({ dirty, syncing }: Content): Set<number> => new Set([...dirty, ...[...syncing].flatMap(({ sectors }) => [...sectors])])

const cutOf = ({ cut, syncing }: Content): number | undefined => [...syncing].reduce((shortest, sync) => shorter(shortest, sync.cut), cut)

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
  const { seen } = content
  if (length < seen.size) content.cut = shorter(content.cut, length)
  cutTo(seen, length)
}

/** What is on disk is what there is: a cut is there whole or not at all, and then each sector that was written is, or is not. */
const crash = (content: Content, survives: () => boolean): void => {
  const { seen, durable } = content
  const cut = cutOf(content)
  if (cut !== undefined && survives()) cutTo(durable, cut)
  for (const sector of [...unsynced(content)].sort((a, b) => a - b)) {
    if (survives()) copyRange(seen, durable, sector * SECTOR_BYTES, Math.min((sector + 1) * SECTOR_BYTES, seen.size))
  }
  seen.store = durable.store.slice(0, durable.size)
  seen.size = durable.size
  clean(content)
}

const clean = (content: Content): void => {
  content.dirty.clear()
  content.lost.clear()
  content.cut = undefined
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
    clone: () => fileOf({ seen: copyOf(seen), durable: copyOf(durable), dirty: unsynced(content), lost: new Set(content.lost), cut: cutOf(content), syncing: new Set() }),
  }
}

const nothing = (): Bytes => ({ store: new Uint8Array(0), size: 0 })

export const createMemoryFile = (): MemoryFile => fileOf({ seen: nothing(), durable: nothing(), dirty: new Set(), lost: new Set(), cut: undefined, syncing: new Set() })
