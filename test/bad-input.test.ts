/** What goes wrong on real machines: each ends in a clear error or a report, nothing acknowledged is lost, nothing hangs. */
import { existsSync, mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import * as io from 'io-ts'
import { filter, firstValueFrom, timeout } from 'rxjs'
import { demoCluster } from '../cli/demo/cluster.js'
import { freePort } from '../cli/demo/ports.js'
import { connect } from '../client/index.js'
import { numbered } from '../cli/demo/numbered.js'
import { left, right } from '../lib/prelude.js'
import { startRaft } from '../streams/create-raft.js'
import {
  type Diagnostic, type Ended, type Raft, type StartError, type Storage, createRaft, fileStorage, memoryStorage, orThrow, reducerMachine, tcpTransport,
} from '../streams/index.js'
import type { Disk, DiskFile } from '../streams/storage/disk/disk.js'
import { nodeDisk } from '../streams/storage/disk/node-disk.js'
import { systemClock } from '../streams/time/clock.js'
import { scratch } from './run.js'

const counter = reducerMachine({
  command: io.intersection([io.type({ add: io.number }), io.partial({ padding: io.string })]), result: io.number, state: io.number, initial: 0,
  reduce: (total, { add }): readonly [number, number] => [total + add, total + add],
})
type Counter = Raft<{ add: number; padding?: string }, number, number>
interface Given { readonly id?: string; readonly cluster?: string; readonly folder: string; readonly members: Readonly<Record<string, string>>; readonly listen?: string; readonly join?: string }

const TIMES = { electionTimeoutMs: 400, heartbeatMs: 50 }
const PATIENCE_MS = 15_000

const addresses = async (...ids: readonly string[]): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(await Promise.all(ids.map(async id => [id, `127.0.0.1:${await freePort()}`])))

const open = ({ id = 'n1', cluster = 'c', folder, members, listen, join }: Given) => createRaft({
  cluster, id, members, ...(join !== undefined && { join }), machine: counter, storage: fileStorage(folder), transport: tcpTransport(listen === undefined ? {} : { listen }), ...TIMES,
})

const running = async (t: ExecutionContext, given: Given): Promise<Counter> => {
  const raft = orThrow(await open(given))
  t.teardown(() => raft.stop())
  return raft
}

const refused = async (given: Given): Promise<StartError> => {
  const outcome = await open(given)
  if (outcome._tag === 'Right') {
    await outcome.right.stop()
    throw new Error('it started')
  }
  return outcome.left
}

const noticed = (raft: Counter, type: Diagnostic['type']): Promise<Diagnostic> =>
  firstValueFrom(raft.diagnostics$.pipe(filter(diagnostic => diagnostic.type === type), timeout(PATIENCE_MS)))

test.serial('a data folder in use is refused by name, and its owner does not notice', async t => {
  const folder = join(scratch(t), 'data')
  const raft = await running(t, { folder, members: await addresses('n1') })
  const error = await refused({ folder, members: await addresses('n1') })
  t.is(error._tag, 'FolderInUse')
  t.true(error.message.includes(folder))
  t.is(orThrow(await raft.propose({ add: 1 })), 1)
})

test.serial('a folder of another member, of another cluster, or of something else altogether is refused', async t => {
  const folder = join(scratch(t), 'data')
  const members = await addresses('n1', 'n2')
  await orThrow(await open({ folder, members })).stop()
  t.is((await refused({ folder, members, id: 'n2' }))._tag, 'WrongFolder')
  t.is((await refused({ folder, members, cluster: 'another' }))._tag, 'WrongFolder')
  const file = join(scratch(t), 'file')
  writeFileSync(file, 'no folder')
  t.true(['WrongFolder', 'StorageFailed'].includes((await refused({ folder: file, members }))._tag))
  t.true(['WrongFolder', 'StorageFailed'].includes((await refused({ folder: join(file, 'below'), members }))._tag))
  t.is((await refused({ folder: '/proc/rxraft', members }))._tag, 'StorageFailed', 'a folder that nobody can write')
})

test.serial('a folder without an identity in which somebody else keeps something is refused, and nothing is put into it', async t => {
  const folder = scratch(t)
  const members = await addresses('n1')
  mkdirSync(join(folder, 'src'))
  for (const name of ['package.json', 'src/main.ts', 'notes.tmp']) writeFileSync(join(folder, name), 'precious')
  const error = await refused({ folder, members })
  t.is(error._tag, 'WrongFolder')
  t.regex(error.message, /it is no data folder, and it holds notes\.tmp and 2 more; give it a folder of its own\.$/)
  t.deepEqual(readdirSync(folder), ['notes.tmp', 'package.json', 'src'])
  for (const name of ['package.json', 'notes.tmp']) unlinkSync(join(folder, name))
  t.regex((await refused({ folder, members })).message, /it holds src; give/)
})

test.serial('a disk of its own, what is hidden, empty folders and what an interrupted start left are in nobody\'s way', async t => {
  const folder = scratch(t)
  const members = await addresses('n1')
  for (const name of ['lost+found', 'flight']) mkdirSync(join(folder, name))
  for (const name of ['.gitignore', 'identity.tmp', 'hard-state.tmp', 'segment-0000000001.tmp', 'names.tmp', 'lock-0123456789abcdef']) writeFileSync(join(folder, name), '')
  await orThrow(await open({ folder, members })).stop()
  writeFileSync(join(folder, 'README'), 'what was put there later is not asked about')
  const raft = orThrow(await open({ folder, members }))
  t.is(orThrow(await raft.propose({ add: 1 })), 1)
  await raft.stop()
})

test.serial('whoever is to join, and was started as one of the first before, is told the way out; others are not told to remove a folder', async t => {
  const folder = join(scratch(t), 'data')
  const { n4, ...first } = await addresses('n1', 'n2', 'n3', 'n4')
  await orThrow(await open({ id: 'n4', folder, members: { ...first, n4: n4! } })).stop()
  t.regex((await refused({ id: 'n4', folder, members: first, join: n4! })).message, /ids may not\. If this member was started without join before, to found a cluster that never was, remove the folder\.$/)
  t.regex((await refused({ id: 'n4', folder, members: { n4: n4! } })).message, /ids may not\.$/)
})

test.serial('a start that is refused for what it was given leaves no folder, and one that is refused for what is stored says so', async t => {
  const folder = join(scratch(t), 'data')
  const far = { n1: '192.0.2.1:7000' }
  t.is((await refused({ folder, members: far }))._tag, 'InvalidOptions')
  t.false(existsSync(folder))
  const raft = orThrow(await createRaft({ cluster: 'c', id: 'n1', members: far, machine: counter, storage: fileStorage(folder), transport: tcpTransport({ listen: '127.0.0.1:0', plaintext: true }), ...TIMES }))
  await raft.stop()
  t.regex((await refused({ folder, members: await addresses('n1') })).message, /^Invalid options: storage\.address: 192\.0\.2\.1:7000 is beyond loopback/)
})

test.serial('a port in use is refused, and the folder is free again afterwards', async t => {
  const members = await addresses('n1')
  const first = await running(t, { folder: join(scratch(t), 'first'), members })
  const folder = join(scratch(t), 'second')
  const error = await refused({ folder, members })
  t.is(error._tag, 'PortInUse')
  t.is(error.message, `Cannot listen on ${members['n1']!}: the address is in use.`)
  const again = await refused({ folder, members: await addresses('n1') })
  t.is(again.message, `Cannot listen on ${members['n1']!}, which the data folder says is this member's address: the address is in use.`)
  await first.stop()
  await running(t, { folder, members })
})

test.serial('a member whose folder was wiped is a stranger: refused and reported by both sides, and the others go on', async t => {
  const members = await addresses('n1', 'n2', 'n3')
  const base = scratch(t)
  const given = (id: string): Given => ({ id, members, folder: join(base, id) })
  const [n1, n2] = await Promise.all([running(t, given('n1')), running(t, given('n2'))])
  const n3 = orThrow(await open(given('n3')))
  t.is(orThrow(await n3.propose({ add: 1 })), 1)
  await firstValueFrom(n3.state$.pipe(filter(({ state }) => state === 1), timeout(PATIENCE_MS)))
  await n3.stop()
  rmSync(join(base, 'n3'), { recursive: true })
  const seen = noticed(n1, 'handshakeRefused')
  const wiped = await running(t, given('n3'))
  t.is((await noticed(wiped, 'refusedByPeer')).severity, 'error')
  await seen
  t.is(orThrow(await n2.propose({ add: 1 })), 2)
  const status = await firstValueFrom(wiped.status$)
  t.is(status.lastIndex, 0, 'nothing is sent to a stranger')
})

test.serial('a second member with the same id is refused and reported, and the first goes on', async t => {
  const members = await addresses('n1', 'n2')
  const base = scratch(t)
  const n1 = await running(t, { id: 'n1', members, folder: join(base, 'n1') })
  const n2 = await running(t, { id: 'n2', members, folder: join(base, 'n2') })
  t.is(orThrow(await n1.propose({ add: 1 })), 1)
  const seen = noticed(n2, 'handshakeRefused')
  const impostor = await running(t, { id: 'n1', members, folder: join(base, 'again'), listen: `127.0.0.1:${await freePort()}` })
  t.is((await noticed(impostor, 'refusedByPeer')).severity, 'error')
  await seen
  t.is(orThrow(await n2.propose({ add: 1 })), 2)
})

test.serial('without a majority a proposal ends within its deadline, and says that nothing was appended', async t => {
  const raft = await running(t, { folder: join(scratch(t), 'data'), members: await addresses('n1', 'n2', 'n3') })
  const began = performance.now()
  const outcome = await raft.propose({ add: 1 }, { timeoutMs: 300 })
  t.true(performance.now() - began < 5_000)
  t.is(outcome._tag === 'Left' ? outcome.left.appended : 'it has a result', 'never')
})

test.serial('a client of another cluster gets a reason', async t => {
  const members = await addresses('n1')
  await running(t, { folder: join(scratch(t), 'data'), members })
  const outcome = await connect({ cluster: 'another', members, protocol: counter, timeoutMs: 500 })
  t.is(outcome._tag, 'Left')
  if (outcome._tag === 'Left') t.regex(outcome.left.message, /^No member of cluster "another" could be reached .*n1: .*another cluster/)
})

test.serial('options: every fault is named with its path, and nothing is started', async t => {
  const storage = memoryStorage()
  const outcome = await createRaft({
    cluster: '', id: 'n9', members: { n1: 'nowhere' }, machine: counter, transport: tcpTransport(), storage, electionTimeoutMs: Number.NaN,
    limits: { maxFrameBytes: -1 },
  })
  t.is(outcome._tag, 'Left')
  if (outcome._tag === 'Left') for (const path of ['cluster', 'members', 'electionTimeoutMs', 'limits']) t.true(outcome.left.message.includes(path), path)
})

const throwing = (): never => { throw new Error('not now') }
/** Options of a call as plain JavaScript makes them, and what is said of each. */
const NONSENSE: readonly (readonly [given: unknown, fault: RegExp])[] = [
  [null, /^options: must be an object$/],
  [7, /^options: must be an object, not 7$/],
  ['soon', /^options: must be an object, not "soon"$/],
  [[], /^options: must be an object$/],
  [{ timeoutMs: null }, /^options\.timeoutMs: must be a number of milliseconds$/],
  [{ timeoutMs: Object.create(null) }, /^options\.timeoutMs: must be a number of milliseconds$/],
  [{ timeout: 100 }, /^options\.timeout: is not an option$/],
  [{ '': 1, term: 3 }, /is not an option.*; .*options\.term: is not an option/],
  [{ signal: Symbol('stop') }, /^options\.signal: must be an AbortSignal/],
  [{ get signal(): unknown { return throwing() } }, /not now/],
  [new Proxy({}, { ownKeys: throwing }), /not now/],
]

test.serial('an action never rejects: whatever it is called with, what is wrong is its outcome, and named', async t => {
  const members = await addresses('n1')
  const raft = await running(t, { folder: join(scratch(t), 'data'), members })
  orThrow(await raft.propose({ add: 1 }, { timeoutMs: PATIENCE_MS }))
  const leadership = await firstValueFrom(raft.leadership$.pipe(filter(current => current !== undefined)))
  const client = orThrow(await connect({ cluster: 'c', members, protocol: counter }))
  t.teardown(() => client.close())
  for (const [given, fault] of NONSENSE) {
    const options = given as { readonly timeoutMs?: number }
    const outcomes = await Promise.all([
      raft.propose({ add: 1 }, options), leadership.propose({ add: 1 }, options), client.propose({ add: 1 }, options), raft.read(total => total, options),
      raft.transferLeadership(undefined, options),
    ])
    for (const outcome of outcomes) {
      t.true(outcome._tag === 'Left' && outcome.left._tag === 'Rejected')
      if (outcome._tag === 'Left' && outcome.left._tag === 'Rejected') t.regex(outcome.left.report.join('; '), fault)
    }
  }
  t.is(orThrow(await raft.read(total => total, { timeoutMs: undefined, signal: undefined })), 1, 'nothing of all that was proposed')
  for (const [given, message] of [
    [Symbol('n2'), /^What was asked is not acceptable: to: must be .*, not a symbol$/], [null, /to: must be /], ['', /to: must be .*, not ""$/],
    [{ id: 'n1' }, /to: must be /], ['n2', /to "n2": "n2" is no voter\.$/], ['n1', /to "n1": "n1" leads already\.$/],
  ] as const) {
    const outcome = await raft.transferLeadership(given as string)
    t.regex(outcome._tag === 'Left' ? outcome.left.message : 'it moved', message)
  }
})

/** A disk on which `after` bytes more can be written; the rest is refused as it is on a full one. */
const fillingDisk = (after: number): { readonly disk: Disk; makeRoom(): void } => {
  const disk = nodeDisk()
  let room = after
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const limited = (file: DiskFile): DiskFile => ({
    ...file,
    write: (bytes, offset, done) => {
      room -= bytes.reduce((sum, piece) => sum + piece.length, 0)
      if (room >= 0) file.write(bytes, offset, done)
      else setImmediate(() => done(left(full)))
    },
  })
  return {
    disk: { ...disk, open: (path, mode, done) => disk.open(path, mode, outcome => done(outcome._tag === 'Left' ? outcome : right(limited(outcome.right)))) },
    makeRoom: () => { room = Number.POSITIVE_INFINITY },
  }
}

test.serial('a full disk ends its member with the reason; the others go on, and with room it comes back to all that was acknowledged', async t => {
  const members = await addresses('n1', 'n2', 'n3')
  const base = scratch(t)
  const filling = fillingDisk(4 * 1024 * 1024)
  const openWith = (id: string, storage: Storage) => createRaft({ cluster: 'c', id, members, machine: counter, storage, transport: tcpTransport(), ...TIMES })
  const n1 = orThrow(await openWith('n1', fileStorage(join(base, 'n1'), { disk: filling.disk })))
  const [n2, n3] = await Promise.all(['n2', 'n3'].map(id => running(t, { id, members, folder: join(base, id) })))
  let acknowledged = 0
  const ended = firstValueFrom(n1.ended$)
  let end: Ended | undefined
  void ended.then(how => { end = how })
  const outcomes = new Set<string>()
  const padded = { add: 1, padding: 'x'.repeat(20_000) }
  while (end === undefined) {
    for (const raft of [n1, n2!]) {
      const outcome = await raft.propose(padded, { timeoutMs: PATIENCE_MS })
      if (outcome._tag === 'Right') acknowledged++
      else outcomes.add(outcome.left._tag)
    }
  }
  t.is(end._tag, 'Failed')
  t.regex(end._tag === 'Failed' ? end.error.message : '', /ENOSPC/)
  t.deepEqual([...outcomes].filter(tag => !['Stopped', 'OutcomeUnknown'].includes(tag)), [])
  const after = orThrow(await n2!.propose({ add: 1 }, { timeoutMs: PATIENCE_MS }))
  t.true(after > acknowledged)
  filling.makeRoom()
  const again = orThrow(await openWith('n1', fileStorage(join(base, 'n1'), { disk: filling.disk })))
  t.teardown(() => again.stop())
  await firstValueFrom(again.state$.pipe(filter(({ state }) => state >= after), timeout(PATIENCE_MS)))
  t.is((await firstValueFrom(n3!.state$.pipe(filter(({ state }) => state >= after), timeout(PATIENCE_MS)))).state, after)
})

test.serial('a wall clock that is set back and forth decides nothing: no election, and the time on entries never falls', async t => {
  const members = await addresses('n1', 'n2', 'n3')
  const base = scratch(t)
  let shift = 0
  const clock = { ...systemClock, wall: () => systemClock.wall() + shift }
  const rafts = await Promise.all(Object.keys(members).map((id, seed) => new Promise<Counter>((resolve, reject) => startRaft(
    { cluster: 'c', id, members, machine: counter, storage: fileStorage(join(base, id)), transport: tcpTransport(), electionTimeoutMs: 2_000 }, { clock, seed },
    outcome => { if (outcome._tag === 'Right') resolve(outcome.right); else reject(outcome.left) },
  ))))
  t.teardown(() => Promise.all(rafts.map(raft => raft.stop())))
  const [n1] = rafts
  const times: number[] = []
  n1!.state$.subscribe(({ index, time }) => { if (index > 0) times.push(time) })
  orThrow(await n1!.propose({ add: 1 }, { timeoutMs: PATIENCE_MS }))
  const { term } = await firstValueFrom(n1!.status$)
  const HOURS = 3_600_000
  for (const step of [2 * HOURS, -4 * HOURS, 0, 24 * HOURS, -48 * HOURS]) {
    shift += step
    orThrow(await n1!.propose({ add: 1 }, { timeoutMs: PATIENCE_MS }))
  }
  await new Promise(resume => setTimeout(resume, 1_000))
  orThrow(await n1!.propose({ add: 1 }, { timeoutMs: PATIENCE_MS }))
  t.is((await firstValueFrom(n1!.status$)).term, term)
  t.deepEqual(times, [...times].sort((a, b) => a - b))
})

test.serial('a leader stopped for seconds and resumed gives way, and nothing acknowledged is lost', async t => {
  const cluster = await demoCluster(['n1', 'n2', 'n3'], scratch(t))
  const pids = new Map<string, () => void>()
  t.teardown(() => {
    for (const wake of pids.values()) wake()
    return cluster.stop()
  })
  const leads = (after: number) => firstValueFrom(cluster.status$.pipe(filter(({ role, term }) => role === 'leader' && term > after), timeout(PATIENCE_MS)))
  const elected = leads(0)
  await Promise.all(['n1', 'n2', 'n3'].map(id => cluster.start(id)))
  const first = await elected
  const client = orThrow(await connect({ cluster: 'demo', members: cluster.members, protocol: numbered }))
  const send = (seq: number) => client.propose({ seq, bytes: Buffer.from(`${seq}\n`) }, { timeoutMs: PATIENCE_MS })
  t.is(orThrow(await send(0)), 'accepted')
  const next = leads(first.term)
  cluster.pause(first.id)
  pids.set(first.id, () => cluster.resume(first.id))
  const successor = await next
  t.not(successor.id, first.id)
  // The paused one may have taken it along: then the outcome is unknown, and sending it again does no harm.
  for (let outcome = await send(1); outcome._tag === 'Left'; outcome = await send(1)) t.not(outcome.left.appended, 'yes')
  cluster.resume(first.id)
  t.is(orThrow(await send(2)), 'accepted')
  await client.close()
  for (const id of Object.keys(cluster.members)) {
    const end = Date.now() + PATIENCE_MS
    let applied = await cluster.applied(id)
    while (applied.pieces < 3 && Date.now() < end) applied = await cluster.applied(id)
    t.is(applied.pieces, 3, id)
  }
})
