import test, { type ExecutionContext } from 'ava'
import { filter, firstValueFrom } from 'rxjs'
import { StorageFailed } from '../../../lib/errors.js'
import { isRight, left, right } from '../../../lib/prelude.js'
import { createAdmission } from '../../../streams/member/admission.js'
import { InvalidOptions, type RaftOptions, SnapshotLost, type Storage, createRaft, memoryCluster, memoryNetwork, memoryStorage, memoryTransport, orThrow } from '../../../streams/index.js'
import { type Add, counter, errorOf, optionsOf } from './world.js'

const untouched = (c: ExecutionContext): Storage => ({ open: () => c.fail('something was started') })

test('options that are wrong are a value with their paths, and nothing is started', async c => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /object/], [undefined, /object/], [7, /object/], [[], /object/],
    [{}, /cluster.*id.*members/], [{ ...optionsOf(), transport: undefined }, /transport/], [{ ...optionsOf(), storage: {} }, /storage/],
    [{ ...optionsOf(), id: 'n2' }, /n2/], [{ ...optionsOf(), heartbeatMs: -1 }, /heartbeatMs/],
    [{ ...optionsOf(), limits: { maxComandBytes: 1 } }, /maxComandBytes/],
    [{ get cluster() { throw new Error('gotcha') } }, /gotcha/],
    [{ ...optionsOf(), get machine() { throw new Error('gotcha') } }, /gotcha/],
    [{ ...optionsOf(), machine: { start: () => counter.start() } }, /machine.command/],
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

test('a peer is known by its first incarnation for good, and durably before it is let in', c => {
  const decisions: string[] = []
  const remembered: (() => void)[] = []
  const admit = createAdmission({
    recovered: { peers: { n2: 'two' } } as never,
    remember: (peer, _incarnation, done) => remembered.push(() => done(peer === 'n4' ? left(new Error('disk')) : right(undefined))),
  }, ({ type }) => decisions.push(type))
  const ask = (peer: string, incarnation: string): void =>
    admit(peer, incarnation, outcome => decisions.push(`${peer} ${incarnation} ${isRight(outcome) ? 'admitted' : 'refused'}`))
  ask('n2', 'two')
  ask('n2', 'other')
  ask('n3', 'three')
  ask('n3', 'other')
  c.deepEqual(decisions.splice(0), ['n2 two admitted', 'n2 other refused', 'n3 other refused'])
  remembered.splice(0).forEach(done => done())
  ask('n3', 'three')
  c.deepEqual(decisions.splice(0), ['n3 three admitted', 'n3 three admitted'])
  ask('n4', 'four')
  remembered.splice(0).forEach(done => done())
  c.deepEqual(decisions, ['rememberFailed', 'n4 four refused'])
})

