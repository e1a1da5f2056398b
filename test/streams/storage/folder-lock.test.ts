/** Who holds a folder, on the file system and by the time of this machine: not among those that share a process. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { Server, connect } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { FolderInUse } from '../../../lib/errors.js'
import { type Either, isLeft, isRight } from '../../../lib/prelude.js'
import { nodeDisk } from '../../../streams/storage/disk/node-disk.js'
import { fileStorage } from '../../../streams/storage/file.js'
import { openStore, tryOpen } from '../../../testing/open-store.js'
import { own, scratch } from '../../run.js'

interface Held {
  release(done: () => void): void
}

const tryHold = (folder: string): Promise<Either<NodeJS.ErrnoException, Held>> => new Promise(resolve => nodeDisk().lock(`${folder}/lock`, resolve))

const hold = async (folder: string): Promise<Held> => {
  const outcome = await tryHold(folder)
  if (isLeft(outcome)) throw outcome.left
  return outcome.right
}

const release = (held: Held): Promise<void> => new Promise(resolve => held.release(resolve))

test('a flag that cannot be removed keeps nobody from giving the folder back, nor from holding it', async t => {
  const folder = scratch(t)
  const held = await hold(folder)
  const [flag] = readdirSync(folder)
  // What no unlink removes.
  rmSync(join(folder, flag!))
  mkdirSync(join(folder, flag!))
  await release(held)
  t.deepEqual(readdirSync(folder), [flag])
  await release(await hold(folder))
  t.deepEqual(readdirSync(folder), [flag], 'nobody listens there')
})

test('whoever may use the folder may ask who holds it, whoever that is', async t => {
  const folder = scratch(t)
  const held = await hold(folder)
  const [flag] = readdirSync(folder)
  t.is(statSync(join(folder, flag!)).mode & 0o666, 0o666)
  await release(held)
})

test.serial('an asker who cannot be let in takes nothing from who holds the folder', async t => {
  const folder = scratch(t)
  const { listen } = Server.prototype
  const servers: Server[] = []
  Server.prototype.listen = function (this: Server, ...to: Parameters<Server['listen']>) {
    servers.push(this)
    return listen.apply(this, to)
  } as Server['listen']
  const held = await hold(folder).finally(() => { Server.prototype.listen = listen })
  const error = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })
  for (const server of servers) for (let i = 0; i < 2; i++) server.emit('error', error)
  await new Promise(resolve => setTimeout(resolve, 50))
  t.true(isLeft(await tryHold(folder)))
  await release(held)
})

test.serial('where no flag can be raised, whether somebody holds the folder is still known', async t => {
  const folder = scratch(t)
  const held = await hold(folder)
  const { listen } = Server.prototype
  t.teardown(() => { Server.prototype.listen = listen })
  Server.prototype.listen = function (this: Server) {
    queueMicrotask(() => this.emit('error', Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })))
    return this
  }
  const codeOf = async (): Promise<string | undefined> => {
    const outcome = await tryHold(folder)
    return isLeft(outcome) ? outcome.left.code : undefined
  }
  t.is(await codeOf(), 'EEXIST')
  await release(held)
  t.is(await codeOf(), 'EROFS')
})

test('a flag whose process died before it had its name is removed by the next one who wants the folder', async t => {
  const folder = scratch(t)
  const own = join(folder, 'lock-0123456789abcdef.new')
  const program = `require('node:net').createServer().listen(${JSON.stringify(own)}, () => process.kill(process.pid, 'SIGKILL'))`
  await new Promise(resolve => spawn(process.execPath, ['--eval', program]).once('exit', resolve))
  t.deepEqual(readdirSync(folder), ['lock-0123456789abcdef.new'])
  const held = await hold(folder)
  t.is(readdirSync(folder).length, 1)
  await release(held)
  t.deepEqual(readdirSync(folder), [])
})

test('one who asks for the folder and never hangs up does not hold up its release', async t => {
  const folder = scratch(t)
  const held = await hold(folder)
  const [flag] = readdirSync(folder)
  const asker = connect({ path: `${folder}/${flag}`, allowHalfOpen: true })
  t.teardown(() => asker.destroy())
  await new Promise(resolve => asker.once('data', resolve))
  await release(held)
  t.deepEqual(readdirSync(folder), [])
})

test('a folder is held by one process at a time, and is free once that one is dead', async t => {
  const folder = join(scratch(t), 'held')
  mkdirSync(folder)
  const program = `
    import { lockFolder } from ${JSON.stringify(own('streams/storage/disk/folder-lock.js'))}
    lockFolder(${JSON.stringify(`${folder}/lock`)}, outcome => { process.stdout.write(outcome._tag); setInterval(() => undefined, 1000) })`
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => void holder.kill('SIGKILL'))
  const said = await new Promise<string>(resolve => holder.stdout.once('data', data => resolve(String(data))))
  t.is(said, 'Right')
  const refused = await tryOpen(fileStorage(folder))
  t.true(isLeft(refused) && refused.left instanceof FolderInUse)
  const ended = new Promise(resolve => holder.once('exit', resolve))
  holder.kill('SIGKILL')
  await ended
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => tryOpen(fileStorage(folder, { segmentBytes: 4096 }))))
  t.is(outcomes.filter(isRight).length, 1, 'one of many takes over')
  for (const outcome of outcomes) if (isRight(outcome)) await outcome.right.close()
  t.deepEqual(readdirSync(folder).filter(name => name.startsWith('lock')), [])
})

test('a folder whose path is too long for a socket address is held all the same', async t => {
  const folder = join(scratch(t), 'long'.repeat(30), 'longer'.repeat(20))
  const first = await openStore(fileStorage(folder, { segmentBytes: 4096 }))
  const second = await tryOpen(fileStorage(folder))
  t.true(isLeft(second) && second.left instanceof FolderInUse)
  await first.close()
  const third = await openStore(fileStorage(folder))
  await third.close()
})
