/**
 * Who holds a folder: a local socket that lives as long as its process, so nothing has to be cleaned up after a crash, and no
 * process id is compared across containers.
 *
 * Everyone who wants the folder raises a flag: a listening socket under a name of its own, `<path>-<random>`. Then he looks at the
 * flags of the others. A flag that refuses connections is dead for good. A flag whose owner says that he holds the folder ends the
 * attempt. Of two who both still look, the one with the smaller name stays and the other one lowers his flag and tries again. Since
 * everyone looks after raising, two can never both find themselves alone.
 *
 * A flag on which nobody listens counts as dead, and so does one that was never given its name, so none ever has to be removed: on a disk that takes no changes any more a folder is
 * given back all the same. And everybody who may use the folder may ask its flags, whoever raised them: one that may not be asked would
 * count as held for ever.
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { basename, dirname } from 'node:path'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { Disk } from './disk.js'

/** Addresses of local sockets are short: 108 bytes on Linux, 104 elsewhere, terminator included. */
const MAX_ADDRESS_BYTES = 100
const RETRY_MS = 10
/** A flag that takes the connection and says nothing in this time belongs to a process that is stopped or busy: it lives. */
const ANSWER_MS = 500

/** For all, whatever the umask: the folder itself says who comes so far. */
const FLAG_MODE = 0o666

const HELD = 'held'
const WANTED = 'wanted'
type Flag = 'dead' | typeof HELD | typeof WANTED

const inUse = (path: string): NodeJS.ErrnoException => Object.assign(new Error(`${path} is held by a running process`), { code: 'EEXIST', path })

/** A path to the folder short enough for socket addresses: its own, or the one that Linux gives to every open file. */
const shortFolder = (folder: string, name: string): { readonly path: string; readonly close: () => void } => {
  if (Buffer.byteLength(`${folder}/${name}`) <= MAX_ADDRESS_BYTES) return { path: folder, close: () => undefined }
  const fd = fs.openSync(folder, 'r')
  return { path: `/proc/self/fd/${fd}`, close: () => fs.close(fd, () => undefined) }
}

const askFlag = (address: string, done: (flag: Flag) => void): void => {
  const socket = net.connect(address)
  let said = ''
  let isAnswered = false
  const answer = (flag: Flag): void => {
    if (isAnswered) return
    isAnswered = true
    socket.destroy()
    done(flag)
  }
  socket.setEncoding('latin1').setTimeout(ANSWER_MS, () => answer(HELD))
  socket.on('data', (text: string) => (said += text))
  socket.on('end', () => answer(said === WANTED ? WANTED : HELD))
  socket.on('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? 'dead' : HELD))
}

/** Which kinds of living flags there are beside one's own: that of a holder, and those of others who want the folder, by their names. */
interface Others {
  readonly held: boolean
  readonly smaller: boolean
  readonly larger: boolean
}

/** Removes a flag if it can be removed. */
const removeFlag = (address: string, then: () => void): void => fs.unlink(address, () => then())

/** Asks every flag but one's own in turn; removes the dead ones, and those whose owner died before they had their names. */
const lookAround = (folder: string, prefix: string, own: string, done: (others: Either<NodeJS.ErrnoException, Others>) => void): void => fs.readdir(folder, (error, found) => {
  if (error !== null) return done(left(error))
  const names = found.filter(name => name.startsWith(prefix) && name !== own)
  let seen: Others = { held: false, smaller: false, larger: false }
  const next = (i: number): void => {
    const name = names[i]
    if (name === undefined) return done(right(seen))
    const address = `${folder}/${name}`
    askFlag(address, flag => {
      if (flag === 'dead') return removeFlag(address, () => next(i + 1))
      if (name.endsWith('.new')) return next(i + 1)
      if (flag === HELD) seen = { ...seen, held: true }
      else seen = name < own ? { ...seen, smaller: true } : { ...seen, larger: true }
      next(i + 1)
    })
  }
  next(0)
})

/** Holds `path` in its folder for the life of the process, or until it is released. */
export const lockFolder: Disk['lock'] = (path, done) => {
  const prefix = `${basename(path)}-`
  const own = `${prefix}${randomBytes(8).toString('hex')}`
  let state: Flag = WANTED
  const askers = new Set<net.Socket>()
  const server = net.createServer(socket => {
    askers.add(socket)
    socket.on('error', () => undefined).on('close', () => askers.delete(socket))
    socket.end(state)
  })
  const short = ((): ReturnType<typeof shortFolder> | NodeJS.ErrnoException => {
    try {
      return shortFolder(dirname(path), `${own}.new`)
    } catch (error) {
      return error as NodeJS.ErrnoException
    }
  })()
  if (short instanceof Error) return void setImmediate(() => done(left(short)))
  const flag = `${short.path}/${own}`
  const lower = (then: () => void): void => removeFlag(flag, () => {
    // Whoever asked has been answered, and may not hold up the release.
    askers.forEach(socket => socket.destroySoon())
    server.close(() => {
      short.close()
      then()
    })
  })
  const refuse = (error: NodeJS.ErrnoException): void => lower(() => done(left(error)))
  const look = (): void => lookAround(short.path, prefix, own, others => {
    if (isLeft(others)) return refuse(others.left)
    const { held, smaller, larger } = others.right
    if (held) refuse(inUse(path))
    else if (smaller) lower(() => setTimeout(() => lockFolder(path, done), RETRY_MS))
    else if (larger) setTimeout(look, RETRY_MS)
    else {
      state = HELD
      done(right({ release: released => lower(() => released(right(undefined))) }))
    }
  })
  // Whoever can raise no flag, as where the folder is mounted for reading alone, hears of those of others all the same: elsewhere it may be written to.
  const cannotRaise = (error: NodeJS.ErrnoException): void => lookAround(short.path, prefix, own, others =>
    refuse(!isLeft(others) && Object.values(others.right).includes(true) ? inUse(path) : error))
  /** Whoever looked before it listened took it for dead and removed it: it is raised anew. */
  const raised = (error: NodeJS.ErrnoException | null): void => {
    if (error === null) look()
    else if (error.code === 'ENOENT') lower(() => setTimeout(() => lockFolder(path, done), RETRY_MS))
    else refuse(error)
  }
  server.once('error', cannotRaise)
  // Named as a flag only once it listens: between binding and listening it would seem dead.
  server.listen(`${flag}.new`, () => {
    // From here on only an asker fails to be let in, who takes the flag for a holder's: it stays up.
    server.off('error', cannotRaise).on('error', () => undefined).unref()
    fs.chmod(`${flag}.new`, FLAG_MODE, () => fs.rename(`${flag}.new`, flag, raised))
  })
}
