/** Folders of members that a change was to leave out, or has left out, when they were the last that is left of their cluster. */
import { mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { filter, firstValueFrom } from 'rxjs'
import { backUp } from '../../cli/backup/back-up.js'
import { carriedOut, withFolder } from '../../cli/folder/hold.js'
import { survey } from '../../cli/folder/survey.js'
import { keyValueMachine } from '../../cli/machine/key-value.js'
import { command as recover } from '../../cli/recover/command.js'
import { planFor } from '../../cli/recover/plan.js'
import { makeAlone } from '../../cli/recover/rewrite.js'
import { command as verify } from '../../cli/verify/command.js'
import { warningFor } from '../../cli/recover/warning.js'
import { clusterIdOf } from '../../codecs/cluster-id.js'
import { NO_MEMBERSHIP } from '../../lib/membership.js'
import { isRight, right } from '../../lib/prelude.js'
import type { Membership } from '../../lib/types.js'
import { nodeDisk } from '../../streams/storage/disk/node-disk.js'
import { type Survey, surveyFolder } from '../../streams/storage/survey.js'
import type { Storage } from '../../streams/storage/port.js'
import { createRaft, fileStorage, memoryNetwork, memoryTransport, orThrow } from '../../streams/index.js'
import { type MemoryDisk, memoryDisk } from '../../testing/memory-disk.js'
import { append, commands, hardState, openStore } from '../../testing/open-store.js'
import { scratch } from '../run.js'

const MEMBERS = { a: 'localhost:1', b: 'localhost:2' }
const look = (folder: string): Promise<Survey> => withFolder(folder, held => survey(held, true, { event: () => undefined, bar: () => undefined, end: () => undefined }))

/** So that a is the one that leads. */
const PATIENCE_MS = { a: 300, b: 3000 }

type Network = ReturnType<typeof memoryNetwork>
const member = async (t: ExecutionContext, id: 'a' | 'b', storage: Storage, network: Network, join?: string) => {
  const raft = orThrow(await createRaft({
    cluster: 'orders', id, members: MEMBERS, ...join === undefined ? {} : { join }, machine: keyValueMachine, transport: memoryTransport(network), storage,
    electionTimeoutMs: PATIENCE_MS[id], limits: { stopTimeoutMs: 200 },
  }))
  t.teardown(raft.stop)
  return raft
}
type Member = Awaited<ReturnType<typeof member>>

const isAlone = ({ voters, outgoing }: Membership, id: string): boolean => voters.join() === id && outgoing.length === 0

/** A disk that takes nothing any more from the moment at which it is to hold that b decides alone. */
const dying = (storage: Storage): Storage => ({
  ...storage,
  open: (owner, done) => storage.open(owner, opened => {
    if (!isRight(opened)) return done(opened)
    const store = opened.right
    let isDead = false
    done(right(Object.assign(Object.create(store) as typeof store, store, {
      write: (...[turn, writes]: Parameters<typeof store.write>) => {
        isDead ||= writes.some(write => write.type === 'append' && write.batches.some(batch => batch.kind === 'membership' && isAlone(batch.membership, 'b')))
        if (!isDead) store.write(turn, writes)
      },
    })))
  }),
})

/** Both members, of which a leads and has had something acknowledged. */
const pair = async (t: ExecutionContext, folder: string, storageOfB: (folder: string) => Storage) => {
  const network = memoryNetwork()
  const a = await member(t, 'a', fileStorage(join(folder, 'a')), network)
  const b = await member(t, 'b', storageOfB(join(folder, 'b')), network)
  await firstValueFrom(a.leadership$.pipe(filter(leadership => leadership !== undefined)))
  orThrow(await a.propose({ put: 'precious', value: 1 }))
  return { a, b }
}

const storedBy = (raft: Member, key: string): Promise<unknown> => raft.read(state => state.get(key)).then(orThrow)

/** The lone member serves all that was acknowledged; the other comes back with nothing, and is let in. */
const servesAgain = async (t: ExecutionContext, folder: string): Promise<void> => {
  const network = memoryNetwork()
  const a = await member(t, 'a', fileStorage(join(folder, 'a')), network)
  await firstValueFrom(a.leadership$.pipe(filter(leadership => leadership !== undefined)))
  t.is(await storedBy(a, 'precious'), 1)
  orThrow(await a.propose({ put: 'later', value: 2 }))
  t.like(await firstValueFrom(a.membership$), { voters: ['a'], outgoing: [], learners: [], isCommitted: true })
  rmSync(join(folder, 'b'), { recursive: true, force: true })
  const b = await member(t, 'b', fileStorage(join(folder, 'b')), network, 'localhost:2')
  t.deepEqual(orThrow(await a.members.add('b', 'localhost:2')).voters, ['a', 'b'])
  t.deepEqual([await storedBy(b, 'precious'), await storedBy(b, 'later')], [1, 2])
}

/** Runs what speaks to people, whose words are of no interest here. */
const quietly = async (run: () => Promise<number>): Promise<number> => {
  const { stderr, stdout } = process
  const writes = [stderr.write, stdout.write]
  stderr.write = stdout.write = () => true
  try {
    return await run()
  } finally {
    [stderr.write, stdout.write] = writes as [typeof stderr.write, typeof stdout.write]
  }
}

const recovered = (...args: readonly string[]): Promise<number> => quietly(() => recover.run([...args, '--yes-i-understand', 'orders']))

test.serial('a leader that was asked to leave is saved, where that was never committed and the other one is lost', async t => {
  const folder = scratch(t)
  const { a, b } = await pair(t, folder, path => dying(fileStorage(path)))
  t.true((await a.members.remove('a', { timeoutMs: 1000 }))._tag === 'Left')
  t.like(await firstValueFrom(a.membership$), { voters: ['b'], outgoing: [], isCommitted: false })
  await Promise.all([a.stop(), b.stop()])

  const own = join(folder, 'a')
  const plan = planFor(await look(own))
  t.like(plan, { others: ['b'], leftOut: 'unknown', committed: plan.last.index - 1, after: { addresses: { a: 'localhost:1' } } })
  t.regex(warningFor(own, plan), /lost for good: b must never run again[\s\S]*The last membership here leaves a out\. Whether it was committed is not known[\s\S]*the last entry, \d+, of which it is not known/)
  await t.throwsAsync(recovered(own, '--although-left-out', 'localhost:1'), { name: 'Mistake', message: /^a is not left out of the cluster for certain/ })
  t.is(await recovered(own), 0)
  await servesAgain(t, folder)
})

test.serial('a member that has left is saved where it is told to be, and only then', async t => {
  const folder = scratch(t)
  const { a, b } = await pair(t, folder, fileStorage)
  orThrow(await a.members.remove('a'))
  await firstValueFrom(a.membership$.pipe(filter(({ voters, isCommitted }) => isCommitted && voters.join() === 'b')))
  await firstValueFrom(a.status$.pipe(filter(({ commitIndex, appliedIndex }) => appliedIndex === commitIndex)))
  orThrow(await a.snapshot())
  orThrow(await b.propose({ put: 'late', value: 3 }))
  await Promise.all([a.stop(), b.stop()])

  const own = join(folder, 'a')
  await t.throwsAsync(recovered(own), { name: 'Trouble', message: /^a does not belong to the cluster, by its own log: .*--although-left-out HOST:PORT .* its log had it last at localhost:1\.$/ })
  const plan = planFor(await look(own), 'localhost:1')
  t.like(plan, { others: ['b'], leftOut: 'yes', before: { voters: ['b'] } })
  t.regex(warningFor(own, plan), /A committed membership leaves a out:\s+others may have gone on without it/)
  t.is(await recovered(own, '--although-left-out', 'localhost:1'), 0)
  await servesAgain(t, folder)
})

const of = (...ids: readonly string[]): Membership => ({ voters: ids, outgoing: [], learners: [], addresses: Object.fromEntries(ids.map((id, at) => [id, `localhost:${at + 1}`])) })

/** The folder of a, whose log lacks the last of three entries that were all committed. */
const lacking = async (t: ExecutionContext, membership: Membership): Promise<string> => {
  const own = join(scratch(t), 'a')
  const storage = fileStorage(own)
  const segment = join(own, 'segment-0000000001')
  const { write, close } = await openStore(storage, { membership, clusterId: clusterIdOf('orders', membership) })
  await write(1, append(commands(1, 1, 'x', 'y')))
  const before = readFileSync(segment)
  await write(2, append(commands(3, 1, 'z')))
  await write(3, hardState(2, 'a', 3))
  await close()
  writeFileSync(segment, before)
  return own
}

for (const [who, membership] of [['of several', of('a', 'b')], ['that was alone', of('a')]] as const) {
  test.serial(`a member ${who}, whose disk has lost what was committed, starts after a recovery alone, which says what is missing`, async t => {
    const own = await lacking(t, membership)
    const refused = await createRaft({ cluster: 'orders', id: 'a', members: membership.addresses, machine: keyValueMachine, transport: memoryTransport(memoryNetwork()), storage: fileStorage(own) })
    t.like(refused, { left: { _tag: 'Damaged', index: 3 } })
    t.is(await quietly(() => verify.run([own])), 1)
    await t.throwsAsync(backUp({ disk: nodeDisk(), folder: own, copy: join(scratch(t), 'copy'), tell: () => undefined }), { message: /the log ends with 2, and .* committed up to 3/ })
    const plan = planFor(await look(own))
    t.like(plan, { last: { index: 2 }, lostTo: 3, committed: 2 })
    t.regex(warningFor(own, plan), /Missing at its end is 1 committed entry, 3: its disk\s+confirmed that and did not keep/)
    t.is(await recovered(own), 0)
    t.deepEqual((await look(own)).faults, [])
    const again = await openStore(fileStorage(own), { membership, clusterId: clusterIdOf('orders', membership) })
    t.like(again.store.recovered, { lastIndex: 3, memberships: [{ index: 3, membership: { voters: ['a'] } }], hardState: { term: 3, votedFor: 'a', commitIndex: 2 } })
    await again.close()
  })
}

test.serial('a recovery that fails says where the copy is, leaves what tells of the lost end, and can be done again', async t => {
  const own = await lacking(t, of('a', 'b'))
  // No start can remove it, nor can whoever mends the folder.
  mkdirSync(join(own, 'unused.tmp'))
  await t.throwsAsync(recovered(own), { name: 'Trouble', message: /may have been changed in part: .*unused\.tmp.*The copy of what it was is \S+a\.before-recovery-/ })
  t.like((await look(own)).lost, { last: 2, committed: 3 })
  rmdirSync(join(own, 'unused.tmp'))
  t.is(await recovered(own), 0)
  t.deepEqual((await look(own)).faults, [])
})

for (const lost of [1, 2]) {
  test(`wherever a recovery is interrupted, the folder tells of its lost end or is a lone member's: ${lost} lost`, async t => {
    const folder = '/data/a'
    const surveyed = (disk: MemoryDisk): Promise<Survey> => carriedOut(folder, surveyFolder({ disk, folder, withContents: true, looked: () => undefined }))
    const alone = async (disk: MemoryDisk): Promise<void> => void await makeAlone({ folder, disk, release: () => Promise.resolve() }, planFor(await surveyed(disk)), Date.now())
    const disk = memoryDisk({ later: queueMicrotask })
    const { write } = await openStore(fileStorage(folder, { disk }), { membership: of('a', 'b') })
    await write(1, append(commands(1, 1, 'x', 'y')))
    const before = Uint8Array.from(disk.contents(`${folder}/segment-0000000001`))
    await write(2, append(commands(3, 1, ...['z', 'z'].slice(0, lost))))
    await write(3, hardState(2, 'a', 2 + lost))
    disk.kill()
    disk.tamper(`${folder}/segment-0000000001`, () => before)
    const whole = disk.clone()
    await alone(whole)
    t.deepEqual((await surveyed(whole)).lost, undefined)
    for (let act = 1; act <= whole.operations().length; act++) {
      for (const keep of [0, 1]) {
        const dying = disk.clone()
        const death = new Promise<void>(resolve => dying.dieAfter(act, resolve))
        await Promise.race([alone(dying), death])
        dying.crash({ keep })
        const found = await surveyed(dying)
        t.deepEqual(found.faults.filter(fault => fault !== found.lost?.fault), [], `act ${act}, kept ${keep}`)
        t.true(found.lost !== undefined || isAlone(found.log!.memberships.at(-1)?.membership ?? found.log!.base.membership, 'a'), `act ${act}, kept ${keep}`)
        if (found.lost !== undefined) await alone(dying)
        const again = await openStore(fileStorage(folder, { disk: dying }), { membership: of('a', 'b') })
        t.true(isAlone(again.store.recovered.memberships.at(-1)!.membership, 'a'))
        await again.close()
      }
    }
  })
}

/** A folder of a with these memberships, one entry each, of which the first so many are known to be committed. */
const folderWith = async (t: ExecutionContext, committed: number, base: Membership, ...later: readonly Membership[]): Promise<Survey> => {
  const own = join(scratch(t), 'a')
  const { write, close } = await openStore(fileStorage(own), { membership: base })
  const batches = later.map((membership, at) => ({ kind: 'membership', firstIndex: at + 1, term: 1, count: 1, time: at, membership } as const))
  await write(1, append(...batches, commands(later.length + 1, 1, 'x')), hardState(1, 'a', committed))
  await close()
  return look(own)
}

test('of several memberships that may count, the newest that names the member has its address, and all others are named', async t => {
  const moved = { ...of('a', 'b'), addresses: { a: 'elsewhere:1', b: 'localhost:2' } }
  const after = { addresses: { a: 'elsewhere:1' } }
  t.like(planFor(await folderWith(t, 0, of('a', 'b'), moved, of('b', 'c'))), { leftOut: 'unknown', committed: 0, others: ['b', 'c'], after })
  t.like(planFor(await folderWith(t, 1, of('a', 'b', 'c'), moved, of('b'))), { leftOut: 'unknown', committed: 1, others: ['b'], after })
  t.like(planFor(await folderWith(t, 1, of('a', 'b'), of('b')), 'there:1'), { leftOut: 'yes', committed: 1, others: ['b'], after: { addresses: { a: 'there:1' } } })
  t.like(planFor(await folderWith(t, 1, of('a', 'b'), of('b'), moved)), { leftOut: 'no', others: ['b'], after }, 'it was let in again')
})

test('what a snapshot stands for is committed, as it is for a start', async t => {
  const found = await folderWith(t, 1, of('a', 'b'), of('a', 'b'), of('b'))
  const snapshot = { index: 2, term: 1, time: 0, membership: of('b') } as Survey['snapshots'][number]
  t.throws(() => planFor({ ...found, snapshots: [snapshot] }), { name: 'Trouble', message: /^a does not belong/ })
  t.like(planFor({ ...found, snapshots: [snapshot] }, 'there:1'), { leftOut: 'yes', committed: 2, after: { addresses: { a: 'there:1' } } })
})

test('one that waits to be let in has nothing to save', async t => {
  const own = join(scratch(t), 'a')
  const { write, close } = await openStore(fileStorage(own), { membership: NO_MEMBERSHIP })
  await write(1, hardState(1))
  await close()
  const found = await look(own)
  for (const address of [undefined, 'localhost:1']) t.throws(() => planFor(found, address), { name: 'Trouble', message: /^a has joined and was sent nothing yet, and nothing was changed/ })
})
