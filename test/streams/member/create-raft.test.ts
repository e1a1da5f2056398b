import test, { type ExecutionContext } from 'ava'
import { filter, firstValueFrom } from 'rxjs'
import { StorageFailed } from '../../../lib/errors.js'
import { isRight, left, right } from '../../../lib/prelude.js'
import { InvalidOptions, type RaftOptions, type Recorder, SnapshotLost, type Storage, type StoreOwner, createRaft, memoryCluster, memoryNetwork, memoryStorage, memoryTransport, orThrow } from '../../../streams/index.js'
import { flightRecorder } from '../../../streams/recorder/index.js'
import { type Add, counter, errorOf, optionsOf } from './world.js'

const untouched = (c: ExecutionContext): Storage => ({ open: () => c.fail('something was started') })

test('options that are wrong are a value with their paths, and nothing is started', async c => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /object/], [undefined, /object/], [7, /object/], [[], /object/],
    [{}, /cluster.*id.*members/], [{ ...optionsOf(), transport: undefined }, /transport/], [{ ...optionsOf(), storage: {} }, /storage/],
    [{ ...optionsOf(), id: 'n2' }, /members: must name this member, n2, unless it is to join/], [{ ...optionsOf(), join: 'nowhere' }, /join/], [{ ...optionsOf(), join: 7 }, /join/],
    [{ ...optionsOf(), id: 'n2', join: 'localhost:1' }, /join: must be an address of its own, not that of n1/], [{ ...optionsOf(), heartbeatMs: -1 }, /heartbeatMs/],
    [{ ...optionsOf(), limits: { maxComandBytes: 1 } }, /maxComandBytes/],
    [{ get cluster() { throw new Error('gotcha') } }, /gotcha/],
    [{ ...optionsOf(), get machine() { throw new Error('gotcha') } }, /gotcha/],
    [{ ...optionsOf(), machine: { start: () => counter.start() } }, /machine.command/],
    [{ ...optionsOf(), machine: { ...counter, version: -1 } }, /machine.version: must be an integer from 0/],
    [{ ...optionsOf(), machine: { ...counter, start: () => { throw new Error('no fuel') } } }, /no fuel/],
    [new Proxy({}, { get: () => { throw new Error('gotcha') }, ownKeys: () => { throw new Error('gotcha') } }), /gotcha/],
  ]
  for (const [options, pattern] of bad) {
    const given = typeof options === 'object' && options !== null && 'storage' in options && 'open' in Object(options.storage)
      ? Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(options), storage: { value: untouched(c), enumerable: true } })
      : options
    const error = errorOf(await createRaft(given as RaftOptions<Add, number, number>))
    c.true(error instanceof InvalidOptions, String(pattern))
    c.regex(error?.message ?? '', pattern)
  }
})

test('wrong options of a memory cluster are a value too', async c => {
  for (const options of [null, {}, { machine: counter, members: [] }, { machine: counter, members: ['a', 'a'] }, { machine: counter, members: [7] },
    { machine: {}, members: ['a'] }, { members: ['a'], get machine() { throw new Error('gotcha') } }]) {
    c.true(errorOf(await memoryCluster(options as never)) instanceof InvalidOptions)
  }
})

test('an option that is undefined is left out, and what a cluster sets for its members itself is none of its options', async c => {
  const { a } = orThrow(await memoryCluster({ machine: counter, members: ['a'], heartbeatMs: undefined, recorder: undefined }))
  c.teardown(() => a.stop())
  c.regex(errorOf(await memoryCluster({ machine: counter, members: ['a'], electionTimeoutMs: undefined, readLeaseMs: 200 }))?.message ?? '', /electionTimeoutMs = 150/)
  const error = errorOf(await memoryCluster({ machine: counter, members: ['a'], cluster: 'mine', id: 'a', storage: memoryStorage(), transport: {} } as never))
  c.regex(error?.message ?? '', /cluster: is not an option.*id: is not an option.*storage: is not an option.*transport: is not an option/)
  const recorder = flightRecorder('/recording', { folder: '/elsewhere' } as never)
  c.regex(errorOf(await createRaft(optionsOf({ recorder, storage: untouched(c) })))?.message ?? '', /recorder\.folder: is not an option/)
})

test('where the recorder of one member throws, no member of the cluster starts', async c => {
  let started = 0
  const machine = { ...counter, start: () => { started++; return counter.start() } }
  const quiet: Recorder = { open: () => right({ record: () => undefined, close: (_end, done) => done() }) }
  const error = errorOf(await memoryCluster({
    machine, members: ['n1', 'n2', 'n3'],
    recorder: id => {
      if (id === 'n3') throw new Error(`no folder for ${id}`)
      return quiet
    },
  }))
  c.true(error instanceof InvalidOptions)
  c.regex(error?.message ?? '', /no folder for n3/)
  c.is(started, 0)
})

test('a disk that cannot be opened is the start error', async c => {
  const error = new StorageFailed('/data', 'permission denied')
  c.true(errorOf(await createRaft(optionsOf({ storage: { open: (_owner, done) => done(left(error)) } }))) === error)
})

test('ports that throw instead of answering are a value', async c => {
  const thrower = { open: () => { throw new Error('not today') } }
  c.regex(errorOf(await createRaft(optionsOf({ storage: thrower })))?.message ?? '', /not today/)
  const storage = memoryStorage()
  c.regex(errorOf(await createRaft(optionsOf({ storage, transport: thrower })))?.message ?? '', /not today/)
  const raft = orThrow(await createRaft(optionsOf({ storage })))
  await raft.stop()
})

test('when the address is taken the disk is closed again', async c => {
  const network = memoryNetwork()
  const taken = orThrow(await createRaft(optionsOf({ transport: memoryTransport(network) })))
  c.teardown(() => taken.stop())
  const storage = memoryStorage()
  c.is(errorOf(await createRaft(optionsOf({ storage, transport: memoryTransport(network) })))?._tag, 'PortInUse')
  const raft = orThrow(await createRaft(optionsOf({ storage })))
  await raft.stop()
})

test('a log that was cut, without the snapshot that it was cut behind, is refused, and the disk is free again', async c => {
  const storage = memoryStorage()
  const isCut: Storage = {
    open: (owner, done) => storage.open(owner, outcome => done(isRight(outcome) ? right({
      ...outcome.right, recovered: { ...outcome.right.recovered, base: { ...outcome.right.recovered.base, index: 5, term: 1 }, lastIndex: 5 },
    }) : outcome)),
  }
  const error = errorOf(await createRaft(optionsOf({ storage: isCut })))
  c.true(error instanceof SnapshotLost)
  c.like(error, { baseIndex: 5, reason: 'there is no snapshot' })
  await orThrow(await createRaft(optionsOf({ storage }))).stop()
})

test('two members on one disk: the second is refused', async c => {
  const storage = memoryStorage()
  const first = orThrow(await createRaft(optionsOf({ storage })))
  c.teardown(() => first.stop())
  c.is(errorOf(await createRaft(optionsOf({ storage })))?._tag, 'FolderInUse')
})

test('members that differ from the stored ones are reported, and the stored ones count', async c => {
  const storage = memoryStorage()
  await orThrow(await createRaft(optionsOf({ storage }))).stop()
  const raft = orThrow(await createRaft(optionsOf({ storage, members: { n1: 'localhost:99' } })))
  c.teardown(() => raft.stop())
  const differs = await firstValueFrom(raft.diagnostics$.pipe(filter(({ type }) => type === 'membersDiffer')))
  c.like(differs as object, { severity: 'warning', configured: { n1: 'localhost:99' }, stored: { n1: 'localhost:1' } })
})

test('of members that the log has changed, and of an id that is to join, nothing is reported', async c => {
  const quiet = async (given: Partial<RaftOptions<Add, number, number>>): Promise<void> => {
    const raft = orThrow(await createRaft(optionsOf(given)))
    const told: string[] = []
    raft.diagnostics$.subscribe(({ type }) => told.push(type))
    await new Promise(resolve => setImmediate(resolve))
    await raft.stop()
    c.false(told.includes('membersDiffer'))
  }
  const storage = memoryStorage()
  await quiet({ storage, id: 'n2', join: 'localhost:2' })
  await quiet({ storage, id: 'n2', join: 'localhost:3' })
  const changed = memoryStorage()
  const membership = { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:7' } }
  await quiet({
    storage: {
      open: (owner, done) => changed.open(owner, outcome => done(isRight(outcome) ? right({
        ...outcome.right, recovered: { ...outcome.right.recovered, lastIndex: 1, terms: [{ firstIndex: 1, term: 1 }], memberships: [{ index: 1, membership }], tail: [{ kind: 'membership', firstIndex: 1, term: 1, count: 1, time: 1, membership }] },
      }) : outcome)),
    },
  })
})

test('a member that joins begins with an empty membership in the same cluster, and leads nothing', async c => {
  const owners: StoreOwner[] = []
  const watched = (storage: Storage): Storage => ({ open: (owner, done) => {
    owners.push(owner)
    storage.open(owner, done)
  } })
  const first = orThrow(await createRaft(optionsOf({ storage: watched(memoryStorage()) })))
  const joiner = orThrow(await createRaft(optionsOf({ id: 'n2', join: 'localhost:2', storage: watched(memoryStorage()), electionTimeoutMs: 20, heartbeatMs: 5 })))
  c.teardown(() => Promise.all([first.stop(), joiner.stop()]))
  c.is(owners[0]!.clusterId, owners[1]!.clusterId)
  c.deepEqual(owners[1]!.membership, { voters: [], outgoing: [], learners: [], addresses: {} })
  c.is(errorOf(await joiner.propose({ add: 1 }, { timeoutMs: 100 }))?._tag, 'NotLeader')
  c.is((await firstValueFrom(joiner.status$)).term, 0, 'it has not stood')
  c.is(errorOf(await joiner.snapshot())?._tag, 'SnapshotFailed')
})

test('what is shown of the core nobody can write to', async c => {
  const { b } = orThrow(await memoryCluster({ machine: counter, members: ['b'] }))
  c.teardown(() => b.stop())
  const lists = (shown: object): readonly unknown[] => Object.values(shown).filter(value => typeof value === 'object')
  c.true(lists(await firstValueFrom(b.membership$)).every(Object.isFrozen))
  orThrow(await b.propose({ add: 1 }))
  const snapshot = orThrow(await b.snapshot())
  c.true([snapshot, ...lists(snapshot), ...lists(snapshot.membership)].every(Object.isFrozen))
  const added = orThrow(await b.members.change({ learners: { c: 'localhost:7' } }))
  c.true([added, ...lists(added)].every(Object.isFrozen))
})
