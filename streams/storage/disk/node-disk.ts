import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { Disk, DiskFile, Done } from './disk.js'
import { lockFolder } from './folder-lock.js'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
const FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const

type NodeError = NodeJS.ErrnoException | null

const answer = (done: Done) => (error: NodeError): void => done(error === null ? right(undefined) : left(error))
const answerWith = <A>(done: Done<A>) => (error: NodeError, value: A): void => done(error === null ? right(value) : left(error))

/** A write up to this goes to the page cache at once: the hop to a thread and back costs more, and half of the throughput of small groups. */
const SMALL_BYTES = 64 * 1024

const writeNow = (fd: number, bytes: readonly Uint8Array[], offset: number): Either<NodeJS.ErrnoException, number> => {
  try {
    return right(fs.writevSync(fd, bytes, offset))
  } catch (error) {
    return left(error as NodeJS.ErrnoException)
  }
}

const openFile = (fd: number): DiskFile => ({
  write: (bytes, offset, done) => {
    const total = bytes.reduce((sum, piece) => sum + piece.length, 0)
    if (total > SMALL_BYTES) return fs.writev(fd, bytes, offset, answerWith(done))
    const outcome = writeNow(fd, bytes, offset)
    if (isLeft(outcome)) setImmediate(() => done(outcome))
    else done(outcome)
  },
  read: (into, offset, done) => fs.read(fd, into, 0, into.length, offset, answerWith(done)),
  truncate: (length, done) => fs.ftruncate(fd, length, answer(done)),
  datasync: done => fs.fdatasync(fd, answer(done)),
  size: done => fs.fstat(fd, (error, stats) => done(error === null ? right(stats.size) : left(error))),
  close: done => fs.close(fd, answer(done)),
})

const syncDirectory: Disk['syncDirectory'] = (path, done) => fs.open(path, 'r', (error, fd) => {
  if (error !== null) return done(left(error))
  fs.fsync(fd, failed => fs.close(fd, () => answer(done)(failed)))
})

const makeDirectory: Disk['makeDirectory'] = (path, done) => makeBelow(path, false, done)

/** Some file systems say that a folder is missing when they mean that nobody may make one: with a parent in place that is the end. */
const makeBelow = (path: string, hasParent: boolean, done: Done): void => fs.mkdir(path, FOLDER_MODE, error => {
  if (error === null) return syncDirectory(dirname(path), done)
  if (error.code === 'ENOENT' && !hasParent && dirname(path) !== path) {
    return makeBelow(dirname(path), false, made => (isLeft(made) ? done(made) : makeBelow(path, true, done)))
  }
  if (error.code !== 'EEXIST') return done(left(error))
  fs.stat(path, (unknown, stats) => {
    if (unknown !== null) return done(left(unknown))
    if (!stats.isDirectory()) return done(left(Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR', path })))
    // Whoever made it may have been killed before its name was durable.
    syncDirectory(dirname(path), done)
  })
})

/** The file system of this machine. Files and folders are for their owner alone. */
export const nodeDisk = (): Disk => ({
  makeDirectory,
  open: (path, mode, done) => fs.open(path, FLAGS[mode], FILE_MODE, (error, fd) => done(error === null ? right(openFile(fd)) : left(error))),
  rename: (from, to, done) => fs.rename(from, to, answer(done)),
  unlink: (path, done) => fs.unlink(path, answer(done)),
  syncDirectory,
  list: (path, done) => fs.readdir(path, (error, names) => done(error === null ? right(names.sort()) : left(error))),
  lock: lockFolder,
})
