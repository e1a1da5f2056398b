import { left, right } from '../lib/prelude.js'
import type { Disk, DiskFile, Done } from '../streams/storage/disk/disk.js'
import { type MemoryFile, createMemoryFile } from './memory-file.js'
import { type Folder, memoryFolders } from './memory-folders.js'

/** Every act on the disk, by name. */
export type DiskOperation =
  | 'makeDirectory' | 'open' | 'create' | 'write' | 'read' | 'truncate' | 'datasync' | 'close' | 'rename' | 'unlink' | 'syncDirectory' | 'list' | 'lock'

export interface MemoryDiskOptions {
  /** Decides what a crash loses; the same seed loses the same. */
  readonly seed?: number
  /** How much all files together may hold; what does not fit is written short and then refused with ENOSPC. */
  readonly capacityBytes?: number
  /** How an answer is delivered: never during the call that asked for it. */
  readonly later?: (work: () => void, operation: DiskOperation) => void
}

/** A range of a file. */
export interface Written {
  readonly path: string
  readonly from: number
  readonly to: number
}

/** A disk in memory with a page cache: what was not synced may be lost. */
export interface MemoryDisk extends Disk {
  /** Acts so far that can change what a crash leaves: the points at which one can be tried. */
  operations(): readonly DiskOperation[]
  /** Once `count` more of them have been done the process counts as dead: nothing is answered any more. `died` hears of it. */
  dieAfter(count: number, died?: () => void): void
  /**
   * The act of this name that comes after `skip` others fails with `code` and has no effect. After a failed sync what it was to make
   * durable counts as clean and is lost all the same, as on the systems that people use; names only until one that follows a later change to their folder.
   */
  failNext(operation: DiskOperation, code?: string, skip?: number): void
  /** Whether an act has failed in the life of this process, because it was made to or for want of room. */
  hasFailed(): boolean
  /** Failures that were asked for and have not come yet will not come. */
  forgetFailures(): void
  setCapacity(bytes: number): void
  usedBytes(): number
  /**
   * The machine stops and starts again. Of what was not synced each sector survives with probability `keep`, and so does a random first
   * part of the unsynced changes to folders: all of it with 1, nothing with 0. Open files are dead and locks are free.
   */
  crash(options: { readonly keep: number }): void
  /** Like a crash of the process alone: nothing is lost, open files are dead, locks are free. */
  kill(): void
  /** How many files the living process has open. */
  openFiles(): number
  /** Paths of all files, sorted. */
  files(): readonly string[]
  contents(path: string): Uint8Array
  /** What was written last, if all of it is still there. */
  lastWritten(): Written | undefined
  /** Changes what lies on the disk, behind everybody's back. */
  tamper(path: string, change: (bytes: Uint8Array) => Uint8Array): void
  remove(path: string): void
  /** An independent disk with the same files; nobody holds or has opened anything on it. */
  clone(): MemoryDisk
}

const errorOf = (code: string, path: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: ${path}`), { code, path })

const CHANGES: ReadonlySet<DiskOperation> = new Set(['makeDirectory', 'create', 'write', 'truncate', 'datasync', 'rename', 'unlink', 'syncDirectory'])

/** A reproducible sequence of numbers from 0 to 1 (mulberry32). */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Fault {
  readonly operation: DiskOperation
  readonly code: string
  skip: number
}

/** What else belongs to an act. */
interface Phases {
  /** It was made to fail. */
  readonly failed: () => void
  /** It has been done. */
  readonly finish: () => void
}

/** What a disk consists of, apart from its files. */
interface Machine {
  readonly folders: Folder
  readonly random: () => number
  readonly later: (work: () => void, operation: DiskOperation) => void
  readonly locks: Map<string, number>
  lastWritten: { readonly file: MemoryFile; readonly from: number; readonly to: number } | undefined
  /** How many files are open. */
  open: number
  readonly log: DiskOperation[]
  readonly faults: Fault[]
  hasFailed: boolean
  capacity: number
  lastOperation: number
  died: () => void
  /** Counts lives of the process: what an earlier one opened is dead. */
  life: number
}

/** The failure that was asked for of this act, if any. */
const faultOf = ({ faults }: Machine, operation: DiskOperation): Fault | undefined => {
  if (faults.length === 0) return undefined
  const at = faults.findIndex(candidate => candidate.operation === operation && candidate.skip-- === 0)
  return at < 0 ? undefined : faults.splice(at, 1)[0]
}

const NO_PHASES: Partial<Phases> = {}

/** Runs `act` and answers later, unless the process has died by then. What `finish` brings about is not so before the answer. */
const perform = <A>(
  machine: Machine, life: number, operation: DiskOperation, path: string, done: Done<A>,
  act: () => A | NodeJS.ErrnoException, { failed, finish }: Partial<Phases> = NO_PHASES,
): void => {
  if (life !== machine.life || machine.log.length >= machine.lastOperation) return
  if (CHANGES.has(operation)) machine.log.push(operation)
  const fault = faultOf(machine, operation)
  if (fault !== undefined) {
    machine.hasFailed = true
    failed?.()
  }
  const result = fault === undefined ? act() : errorOf(fault.code, path)
  if (machine.log.length >= machine.lastOperation) {
    finish?.()
    return machine.later(machine.died, operation)
  }
  machine.later(() => {
    if (life !== machine.life) return
    finish?.()
    done(result instanceof Error ? left(result) : right(result))
  }, operation)
}

/** A sync begins when it is asked for, and what it was asked for is durable when it answers. */
const performSync = (
  machine: Machine, life: number, operation: DiskOperation, path: string, done: Done, start: () => (() => void) | NodeJS.ErrnoException, failed?: () => void,
): void => {
  let finish = (): void => undefined
  perform(machine, life, operation, path, done, () => {
    const started = start()
    if (started instanceof Error) return started
    finish = started
    return undefined
  }, { finish: () => finish(), ...(failed && { failed }) })
}

const usedBytes = (machine: Machine): number => machine.folders.files().reduce((sum, [, file]) => sum + file.size(), 0)

/** What of `bytes` fits on the disk at `offset` of `file`. */
const fitting = (machine: Machine, file: MemoryFile, offset: number, bytes: number): number => {
  if (offset + bytes <= file.size() || machine.capacity === Number.POSITIVE_INFINITY) return bytes
  const room = machine.capacity - usedBytes(machine)
  return Math.max(0, Math.min(bytes, file.size() - offset + room))
}

const openFile = (machine: Machine, file: MemoryFile, path: string): DiskFile => {
  const { life } = machine
  let isOpen = true
  machine.open++
  const run = <A>(operation: DiskOperation, done: Done<A>, act: () => A | NodeJS.ErrnoException): void =>
    perform(machine, life, operation, path, done, () => (isOpen ? act() : errorOf('EBADF', path)))
  return {
    write: (pieces, offset, done) => run('write', done, () => {
      const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      const fits = fitting(machine, file, offset, bytes.length)
      if (fits === 0 && bytes.length > 0) {
        machine.hasFailed = true
        return errorOf('ENOSPC', path)
      }
      file.write(fits === bytes.length ? bytes : bytes.subarray(0, fits), offset)
      machine.lastWritten = { file, from: offset, to: offset + fits }
      return fits
    }),
    read: (into, offset, done) => run('read', done, () => file.read(into, offset)),
    truncate: (length, done) => run('truncate', done, () => file.truncate(length)),
    datasync: done => performSync(machine, life, 'datasync', path, done, () => (isOpen ? file.startSync() : errorOf('EBADF', path)), file.failSync),
    size: done => run('read', done, () => file.size()),
    close: done => run('close', done, () => {
      isOpen = false
      machine.open--
    }),
  }
}

const diskOf = (machine: Machine): Disk => {
  const { folders } = machine
  const run = <A>(operation: DiskOperation, path: string, done: Done<A>, act: () => A | NodeJS.ErrnoException): void =>
    perform(machine, machine.life, operation, path, done, act)
  return {
    // Folders are there as soon as they are named; a file in the place of one is not.
    makeDirectory: (path, done) => run('makeDirectory', path, done, () => (folders.find(path) === undefined ? undefined : errorOf('ENOTDIR', path))),
    open: (path, mode, done) => run(mode === 'create' ? 'create' : 'open', path, done, () => {
      const found = folders.find(path)
      if ((found === undefined) !== (mode === 'create')) return errorOf(mode === 'create' ? 'EEXIST' : 'ENOENT', path)
      const file = found ?? createMemoryFile()
      if (found === undefined) folders.link(path, file)
      return openFile(machine, file, path)
    }),
    rename: (from, to, done) => run('rename', from, done, () =>
      (folders.find(from) === undefined ? errorOf('ENOENT', from) : folders.rename(from, to))),
    unlink: (path, done) => run('unlink', path, done, () => (folders.find(path) === undefined ? errorOf('ENOENT', path) : folders.unlink(path))),
    syncDirectory: (path, done) => performSync(machine, machine.life, 'syncDirectory', path, done, () => folders.startSync(path), () => folders.failSync(path)),
    list: (path, done) => run('list', path, done, () => folders.list(path)),
    lock: (path, done) => run('lock', path, done, () => {
      const { life } = machine
      if (machine.locks.get(path) === life) return errorOf('EEXIST', path)
      machine.locks.set(path, life)
      return {
        release: released => run('list', path, released, () => {
          if (machine.locks.get(path) === life) machine.locks.delete(path)
        }),
      }
    }),
  }
}

/** A disk in memory, with a page cache that a crash loses, faults on demand and every act counted. For tests and simulations. */
export const memoryDisk = (options: MemoryDiskOptions = {}, folders: Folder = memoryFolders()): MemoryDisk => {
  const machine: Machine = {
    folders, random: randomFrom(options.seed ?? 1), later: options.later ?? setImmediate, locks: new Map(), lastWritten: undefined, log: [], faults: [], hasFailed: false, open: 0,
    capacity: options.capacityBytes ?? Number.POSITIVE_INFINITY, lastOperation: Number.POSITIVE_INFINITY,
    died: () => undefined, life: 0,
  }
  const kill = (): void => {
    machine.life++
    machine.open = 0
    machine.hasFailed = false
    machine.lastOperation = Number.POSITIVE_INFINITY
    machine.faults.length = 0
  }
  const fileAt = (path: string): MemoryFile => {
    const file = folders.find(path)
    if (file === undefined) throw errorOf('ENOENT', path)
    return file
  }
  return {
    ...diskOf(machine),
    operations: () => machine.log,
    dieAfter: (count, died = () => undefined) => {
      machine.lastOperation = machine.log.length + count
      machine.died = died
    },
    failNext: (operation, code = 'EIO', skip = 0) => void machine.faults.push({ operation, code, skip }),
    hasFailed: () => machine.hasFailed,
    forgetFailures: () => { machine.faults.length = 0 },
    usedBytes: () => usedBytes(machine),
    setCapacity: bytes => void (machine.capacity = bytes),
    crash: ({ keep }) => {
      kill()
      const survives = keep >= 1 ? () => true : () => machine.random() < keep
      folders.crash(survives)
      for (const [, file] of folders.files()) file.crash(survives)
    },
    kill,
    openFiles: () => machine.open,
    files: () => folders.files().map(([path]) => path),
    contents: path => fileAt(path).contents(),
    lastWritten: () => {
      const { lastWritten } = machine
      const path = folders.files().find(([, file]) => file === lastWritten?.file)?.[0]
      if (lastWritten === undefined || path === undefined || lastWritten.to > lastWritten.file.size()) return undefined
      return { path, from: lastWritten.from, to: lastWritten.to }
    },
    tamper: (path, change) => fileAt(path).replace(change(fileAt(path).contents())),
    remove: path => {
      fileAt(path)
      folders.unlink(path)
      folders.startSync(path.slice(0, path.lastIndexOf('/')))()
    },
    clone: () => memoryDisk({ ...options, capacityBytes: machine.capacity }, folders.clone()),
  }
}
