import { having } from '../../../codecs/judging.js'
import type { Either } from '../../../lib/prelude.js'

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512

/** How an act on the disk ended. */
export type Done<A = void> = (outcome: Either<NodeJS.ErrnoException, A>) => void

/** An open file. Writes and reads name their offset; a short write is the caller's to notice by the count, and what was written from may be used for something else from then on. Success may be told during the call, but for that of `datasync`, on which what a store tells stands; failure never. */
export interface DiskFile {
  write(bytes: readonly Uint8Array[], offset: number, done: Done<number>): void
  read(into: Uint8Array, offset: number, done: Done<number>): void
  /** Cuts the file to `length` bytes; durable once it has been synced. */
  truncate(length: number, done: Done): void
  datasync(done: Done): void
  size(done: Done<number>): void
  close(done: Done): void
}

/** What a durable store needs of a file system, and nothing more; a simulation replaces this and keeps the store. */
export interface Disk {
  /** Creates the folder and its parents, and syncs the parent of each one created. */
  makeDirectory(path: string, done: Done): void
  /** `create` fails when the file exists; the others fail when it does not. */
  open(path: string, mode: 'read' | 'write' | 'create', done: Done<DiskFile>): void
  rename(from: string, to: string, done: Done): void
  unlink(path: string, done: Done): void
  /**
   * Makes creations, renames and unlinks in the folder durable. Where it fails nobody knows which of them are, and a later one, which may find nothing left to do, does
   * not vouch for them; EMFILE and ENFILE say that it has not begun.
   */
  syncDirectory(path: string, done: Done): void
  /** Names in the folder, sorted; of one that is not there none, or code ENOENT. */
  list(path: string, done: Done<readonly string[]>): void
  /** Held until released or until the process dies; refused with code EEXIST while another process, or this one, holds it. */
  lock(path: string, done: Done<{ release(done: Done): void }>): void
}

/** One that is given, by its methods. */
export const DiskShape = having(...(['makeDirectory', 'open', 'rename', 'unlink', 'syncDirectory', 'list', 'lock'] satisfies readonly (keyof Disk)[]))
