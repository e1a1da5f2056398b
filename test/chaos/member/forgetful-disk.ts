/**
 * A disk that keeps what is not synced in this process, and so loses it with the process, as a machine loses its page cache with its power.
 * Bytes reach the real file when it is synced. A new file lives in a limbo and gets its name when the folder is synced; renames and
 * removals happen then, too. A kill in the middle of all that is one that a real disk could suffer.
 */
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import { dirname } from 'node:path'
import { type Act, chain, forEach, inOrder, map, oneAtATime } from '../../../streams/act/act.js'
import { type Disk, type DiskFile, type Done, SECTOR_BYTES } from '../../../streams/storage/disk/disk.js'
import { openFile, sizeOf, writeFully } from '../../../streams/storage/disk/file-access.js'

export interface ForgetfulDisk extends Disk {
  /** Nothing is answered any more; of what was not synced each sector reaches its file with probability `keep`; then `done` is called. */
  cutPower(keep: number, random: () => number, done: () => void): void
}

interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A file under whatever name; it stays open as long as the process lives. */
interface Inode {
  readonly real: DiskFile
  dirty: readonly Piece[]
  size: number
}

const missing = (path: string): NodeJS.ErrnoException => Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT', path })
const taken = (path: string): NodeJS.ErrnoException => Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST', path })
const later = <A>(done: Done<A>, outcome: Either<NodeJS.ErrnoException, A>): void => void setImmediate(() => done(outcome))

const flush = (inode: Inode): Act<void> => done => {
  const pieces = inode.dirty
  inOrder(forEach(pieces, ({ offset, bytes }) => writeFully(inode.real, [bytes], offset)), end => inode.real.datasync(end))(outcome => {
    if (!isLeft(outcome)) inode.dirty = inode.dirty.filter(piece => !pieces.includes(piece))
    done(outcome)
  })
}

const read = (inode: Inode, into: Uint8Array, offset: number, done: Done<number>): void => {
  const length = Math.max(0, Math.min(into.length, inode.size - offset))
  const target = into.subarray(0, length).fill(0)
  if (length === 0) return later(done, right(0))
  inode.real.read(target, offset, outcome => {
    if (isLeft(outcome)) return done(outcome)
    for (const piece of inode.dirty) {
      const from = Math.max(offset, piece.offset)
      const to = Math.min(offset + length, piece.offset + piece.bytes.length)
      if (from < to) target.set(piece.bytes.subarray(from - piece.offset, to - piece.offset), from - offset)
    }
    done(right(length))
  })
}

const fileOf = (inode: Inode): DiskFile => ({
  write: (pieces, offset, done) => {
    const bytes = Buffer.concat(pieces)
    inode.dirty = [...inode.dirty, { offset, bytes }]
    inode.size = Math.max(inode.size, offset + bytes.length)
    later(done, right(bytes.length))
  },
  read: (into, offset, done) => read(inode, into, offset, done),
  // Nothing says how long a disk may wait before it cuts a file: this one does it at once.
  truncate: (length, done) => {
    inode.dirty = inode.dirty.filter(({ offset }) => offset < length).map(({ offset, bytes }) => ({ offset, bytes: bytes.subarray(0, length - offset) }))
    inode.size = Math.min(inode.size, length)
    inode.real.truncate(length, done)
  },
  datasync: done => flush(inode)(done),
  size: done => later(done, right(inode.size)),
  close: done => later(done, right(undefined)),
})

/** The parts of a piece that lie in one sector each. */
const sectorsOf = ({ offset, bytes }: Piece): readonly Piece[] => {
  const parts: Piece[] = []
  for (let at = offset; at < offset + bytes.length;) {
    const end = Math.min(offset + bytes.length, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    parts.push({ offset: at, bytes: bytes.subarray(at - offset, end - offset) })
    at = end
  }
  return parts
}

/** `syncMs` is how long a sync takes before it begins to help: the longer, the more there is to lose. */
export const forgetfulDisk = (disk: Disk, limbo: string, syncMs = 0): ForgetfulDisk => {
  /** What is known by name: a file, or that there is none any more. */
  const names = new Map<string, Inode | 'gone'>()
  /** Changes to a folder that its next sync makes real. */
  const pending = new Map<string, Act<void>[]>()
  const inodes = new Set<Inode>()
  const inTurn = oneAtATime()
  let born = 0
  let isDead = false

  const living = <A>(done: Done<A>): Done<A> => outcome => { if (!isDead) done(outcome) }
  const change = (path: string, act: Act<void>): void => {
    const folder = dirname(path)
    pending.set(folder, [...pending.get(folder) ?? [], act])
  }
  const remember = (path: string, real: DiskFile, size: number): Inode => {
    const inode: Inode = { real, dirty: [], size }
    names.set(path, inode)
    inodes.add(inode)
    return inode
  }
  const find = (path: string): Act<Inode> => done => {
    const known = names.get(path)
    if (known === 'gone') return later(done, left(missing(path)))
    if (known !== undefined) return later(done, right(known))
    chain(openFile(disk, path, 'write'), real => map(sizeOf(real), size => {
      const other = names.get(path)
      return typeof other === 'object' ? other : remember(path, real, size)
    }))(done)
  }
  const create = (path: string): Act<Inode> => done => find(path)(found => {
    if (!isLeft(found)) return done(left(taken(path)))
    if (found.left.code !== 'ENOENT') return done(found)
    const hidden = `${limbo}/${born++}`
    map(openFile(disk, hidden, 'create'), real => {
      change(path, end => disk.rename(hidden, path, end))
      return remember(path, real, 0)
    })(done)
  })

  return {
    makeDirectory: disk.makeDirectory,
    lock: disk.lock,
    open: (path, mode, done) => map(mode === 'create' ? create(path) : find(path), inode => {
      const file = fileOf(inode)
      const mortal: DiskFile = {
        ...file,
        write: (pieces, offset, end) => { if (!isDead) file.write(pieces, offset, living(end)) },
        truncate: (length, end) => { if (!isDead) file.truncate(length, living(end)) },
        datasync: end => void setTimeout(() => { if (!isDead) file.datasync(living(end)) }, syncMs),
      }
      return mortal
    })(living(done)),
    rename: (from, to, done) => map(find(from), inode => {
      names.set(to, inode)
      names.set(from, 'gone')
      change(to, end => disk.rename(from, to, end))
    })(living(done)),
    unlink: (path, done) => map(find(path), () => {
      names.set(path, 'gone')
      change(path, end => disk.unlink(path, end))
    })(living(done)),
    syncDirectory: (path, done) => {
      // One at a time: what one makes real the next may build upon.
      inTurn<void, NodeJS.ErrnoException>(synced => {
        if (isDead) return
        const changes = pending.get(path) ?? []
        pending.delete(path)
        inOrder(forEach(changes, act => act), end => disk.syncDirectory(path, end))(synced)
      })(living(done))
    },
    list: (path, done) => disk.list(path, outcome => {
      if (isLeft(outcome)) return done(outcome)
      const inFolder = [...names].filter(([name]) => dirname(name) === path)
      const gone = new Set(inFolder.filter(([, inode]) => inode === 'gone').map(([name]) => name.slice(path.length + 1)))
      const here = inFolder.filter(([, inode]) => inode !== 'gone').map(([name]) => name.slice(path.length + 1))
      done(right([...new Set([...outcome.right.filter(name => !gone.has(name)), ...here])].sort()))
    }),
    cutPower: (keep, random, done) => {
      isDead = true
      const survivors = [...inodes].flatMap(({ real, dirty }) => dirty.flatMap(sectorsOf).filter(() => random() < keep).map(piece => ({ real, ...piece })))
      forEach(survivors, ({ real, offset, bytes }) => writeFully(real, [bytes], offset))(() => done())
    },
  }
}
