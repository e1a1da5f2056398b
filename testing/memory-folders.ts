import type { MemoryFile } from './memory-file.js'

/** The names of a memory disk. Changes to names are durable once their folder has been synced. */
export interface Folder {
  find(path: string): MemoryFile | undefined
  link(path: string, file: MemoryFile): void
  rename(from: string, to: string): void
  unlink(path: string): void
  /** Begins to sync what is unsynced now: it is durable once the result has been called, and may be lost until then. */
  startSync(folder: string): () => void
  /** What is unsynced now counts as clean, and is lost where no sync follows a later change to the folder. */
  failSync(folder: string): void
  list(folder: string): readonly string[]
  /** Every file by its path, sorted. */
  files(): readonly (readonly [string, MemoryFile])[]
  /** Of the unsynced changes to each folder those before the first for which `survives` says no remain. */
  crash(survives: () => boolean): void
  clone(): Folder
}

type Names = Map<string, MemoryFile>
interface Change {
  readonly folder: string
  readonly apply: (names: Names) => void
  /** A sync that failed took it for done. */
  isLost: boolean
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

const foldersOf = (seen: Names, durable: Names, unsynced: readonly Change[]): Folder => {
  let pending = [...unsynced]
  const change = (folder: string, apply: Change['apply']): void => {
    apply(seen)
    pending.push({ folder, apply, isLost: false })
  }
  return {
    find: path => seen.get(path),
    link: (path, file) => change(folderOf(path), names => names.set(path, file)),
    rename: (from, to) => {
      const file = seen.get(from)
      if (file === undefined) return
      change(folderOf(to), names => {
        names.delete(from)
        names.set(to, file)
      })
    },
    unlink: path => change(folderOf(path), names => names.delete(path)),
    startSync: folder => {
      const changes = pending.filter(({ folder: changed }) => changed === folder)
      const covered = new Set(changes.every(({ isLost }) => isLost) ? [] : changes)
      return () => {
        for (const change of pending) if (covered.has(change)) change.apply(durable)
        pending = pending.filter(change => !covered.has(change))
      }
    },
    failSync: folder => {
      for (const change of pending) if (change.folder === folder) change.isLost = true
    },
    list: folder => [...seen.keys()].filter(path => folderOf(path) === folder).map(path => path.slice(folder.length + 1)).sort(),
    files: () => [...seen].sort(([a], [b]) => (a < b ? -1 : 1)),
    crash: survives => {
      const stopped = new Set<string>()
      for (const { folder, apply, isLost } of pending) {
        if (!stopped.has(folder) && !isLost && survives()) apply(durable)
        else stopped.add(folder)
      }
      pending = []
      seen.clear()
      for (const [path, file] of durable) seen.set(path, file)
    },
    clone: () => {
      const copies = new Map<MemoryFile, MemoryFile>()
      const copy = (file: MemoryFile): MemoryFile => {
        const known = copies.get(file) ?? file.clone()
        copies.set(file, known)
        return known
      }
      const settled = new Map([...seen].map(([path, file]): [string, MemoryFile] => [path, copy(file)]))
      return foldersOf(settled, new Map(settled), [])
    },
  }
}

export const memoryFolders = (): Folder => foldersOf(new Map(), new Map(), [])
