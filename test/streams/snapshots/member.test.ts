/** Real members that take snapshots while they work, and start from them. */
import test, { type ExecutionContext } from 'ava'
import { type Observable, filter, firstValueFrom, lastValueFrom, take, toArray } from 'rxjs'
import { type Machine, type RaftOptions, type Storage, createRaft, fileStorage, memoryCluster, memoryStorage, orThrow } from '../../../streams/index.js'
import { around } from '../../../testing/around.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import type { SnapshotEvent } from '../../../streams/snapshots/events.js'
import { type Add, type Counter, counter, errorOf, optionsOf } from '../member/world.js'

const record = <A>(stream$: Observable<A>): A[] => {
  const values: A[] = []
  stream$.subscribe(value => values.push(value))
  return values
}

const start = async (c: ExecutionContext, options: RaftOptions<Add, number, number>): Promise<Counter> => {
  const raft = orThrow(await createRaft(options))
  c.teardown(() => raft.stop())
  return raft
}

const add = async (raft: Counter, ...adds: readonly number[]): Promise<void> => {
  for (const one of adds) orThrow(await raft.propose({ add: one }))
}

/** The counter, and every index that any copy of it was handed. */
const watched = () => {
  const handed: number[] = []
  const machine = around(counter, running => ({
    apply: entries => {
      handed.push(...entries.map(({ index }) => index))
      return running.apply(entries)
    },
  }))
  return { machine, handed }
}

const eventOf = <T extends SnapshotEvent['type']>(raft: Counter, type: T): Promise<Extract<SnapshotEvent, { type: T }>> =>
  firstValueFrom(raft.snapshots$.pipe(filter((event): event is Extract<SnapshotEvent, { type: T }> => event.type === type)))
const stateIs = (raft: Counter, total: number): Promise<unknown> => firstValueFrom(raft.state$.pipe(filter(({ state }) => state === total)))

const FOLDER = '/data/n1'
const onDisk = (disk: MemoryDisk): Storage => fileStorage(FOLDER, { disk, segmentBytes: 4096 })

const storages: Readonly<Record<string, () => () => Storage>> = {
  'in memory': () => {
    const storage = memoryStorage()
    return () => storage
  },
  'in files': () => {
    const disk = memoryDisk()
    return () => onDisk(disk)
  },
}

for (const [where, make] of Object.entries(storages)) {
  test(`${where}: a member that starts again begins from its snapshot, and only what follows is applied`, async c => {
    const storage = make()
    const first = await start(c, optionsOf({ storage: storage() }))
    await add(first, 1, 2, 3)
    const snapshot = orThrow(await first.snapshot())
    c.like(snapshot, { index: 4, term: 1, membership: { voters: ['n1'] } })
    await add(first, 10, 20)
    await first.stop()

    const { machine, handed } = watched()
    const second = await start(c, optionsOf({ storage: storage(), machine }))
    const events = record(second.snapshots$)
    const commits = record(second.commits$)
    c.deepEqual(record(second.state$), [{ index: 4, term: 1, time: snapshot.time, state: 6 }])
    const status = await firstValueFrom(second.status$)
    c.true(status.appliedIndex === 4 && status.commitIndex >= 4)
    await stateIs(second, 36)
    c.deepEqual(handed, [5, 6])
    c.deepEqual(commits.flatMap(event => event._tag === 'Applied' ? event.commits.map(({ index, result }) => [index, result]) : []), [[5, 16], [6, 36]])
    c.deepEqual(events, [{ type: 'restored', snapshot }])
    c.is(orThrow(await second.propose({ add: 1 })), 37)
  })

  test(`${where}: a member takes snapshots by itself, and goes on from the newest again and again`, async c => {
    const storage = make()
    let total = 0
    for (let life = 1; life <= 3; life++) {
      const { machine, handed } = watched()
      const raft = await start(c, optionsOf({ storage: storage(), machine, limits: { snapshotEntries: 10 } }))
      const [began] = record(raft.state$)
      c.is(began!.state, life === 1 ? 0 : began!.state)
      c.true(life === 1 || began!.index >= 10, 'it began from a snapshot')
      const captured = eventOf(raft, 'captured')
      for (let i = 0; i < 15; i++) c.is(orThrow(await raft.propose({ add: i })), total += i)
      const { snapshot } = await captured
      c.true(snapshot.index >= began!.index + 10)
      c.true(handed.length > 0 && handed[0]! > began!.index)
      await raft.stop()
    }
  })
}

test('a state that no snapshot can hold is in the log, which is not cut, and the member starts again', async c => {
  const storage = memoryStorage()
  const options = optionsOf({ storage, limits: { snapshotEntries: 2, snapshotKeepEntries: 0 } })
  const first = await start(c, options)
  void first.propose({ add: 1e308 })
  void first.propose({ add: 1e308 })
  await stateIs(first, Number.POSITIVE_INFINITY)
  c.like(errorOf(await first.snapshot()), { _tag: 'SnapshotFailed', reason: 'The state cannot be read again: must be number, not null' })
  await first.stop()
  await stateIs(await start(c, options), Number.POSITIVE_INFINITY)
})

test('an asynchronous machine is asked for its state between two calls of it, and goes on while its state is read', async c => {
  const storage = memoryStorage()
  const order: string[] = []
  let isApplying = false
  let halfway: () => void = () => undefined
  let applied: () => void = () => undefined
  const machine = (): Machine<Add, number, number> => ({
    command: counter.command, result: counter.result,
    start: () => {
      let total = 0
      return {
        get state() { return total },
        apply: async entries => {
          isApplying = true
          await new Promise(resolve => setImmediate(resolve))
          const results = entries.map(({ command }) => total += command.add)
          halfway()
          await new Promise(resolve => setImmediate(resolve))
          isApplying = false
          order.push(`applied ${total}`)
          applied()
          return results
        },
        snapshot: () => {
          c.false(isApplying, 'the machine is at rest')
          const frozen = String(total)
          const more = new Promise<void>(resolve => { applied = resolve })
          return (async function* () {
            for (const digit of frozen) {
              order.push(`chunk ${digit}`)
              yield Buffer.from(digit)
              await more
            }
          })()
        },
        restore: async chunks => {
          let text = ''
          for await (const chunk of chunks) text += Buffer.from(chunk).toString()
          total = Number(text)
        },
      }
    },
  })
  const raft = await start(c, optionsOf({ storage, machine: machine() }))
  const asked = new Promise<Awaited<ReturnType<Counter['snapshot']>>>(resolve => { halfway = () => resolve(raft.snapshot()) })
  await add(raft, 12, 30)
  const snapshot = orThrow(await asked)
  c.deepEqual(order, ['applied 12', 'chunk 1', 'applied 42', 'chunk 2'])
  c.is(snapshot.index, 2)
  await raft.stop()
  const second = await start(c, optionsOf({ storage, machine: machine() }))
  c.like(record(second.state$), { 0: { index: 2, state: 12 } })
  await stateIs(second, 42)
})

const broken: Readonly<Record<string, readonly [snapshot: () => AsyncIterable<Uint8Array>, reason: RegExp]>> = {
  'throws': [() => { throw new Error('no fuel') }, /no fuel/],
  'fails halfway': [async function* () {
    yield Buffer.from('1')
    throw new Error('no fuel')
  }, /no fuel/],
  'gives no bytes': [async function* () { yield 'text' as unknown as Uint8Array }, /no Uint8Array/],
  'stalls': [async function* () {
    yield Buffer.from('1')
    await new Promise(() => undefined)
  }, /snapshotStallMs/],
}
for (const [what, [snapshot, reason]] of Object.entries(broken)) {
  test(`a machine whose snapshot ${what} is reported, and the member goes on`, async c => {
    const disk = memoryDisk()
    const raft = await start(c, optionsOf({
      storage: onDisk(disk), machine: around(counter, () => ({ snapshot })), limits: { snapshotEntries: 3, snapshotStallMs: 20, snapshotRetryMs: 10 },
    }))
    const diagnostics = record(raft.diagnostics$)
    const twice = lastValueFrom(raft.snapshots$.pipe(filter(({ type }) => type === 'captureFailed'), take(2), toArray()))
    await add(raft, 1, 2, 3, 4)
    const failures = await twice
    c.like(failures, { 0: { type: 'captureFailed', retryMs: 10 }, 1: { retryMs: 20 }, length: 2 })
    for (const failure of failures) c.regex(failure.type === 'captureFailed' ? failure.reason : '', reason)
    c.like(diagnostics.find(({ type }) => type === 'snapshotFailed'), { severity: 'warning', retryMs: 10 })
    c.like(errorOf(await raft.snapshot()), { _tag: 'SnapshotFailed' })
    c.is(orThrow(await raft.propose({ add: 5 })), 15)
    await raft.stop()
    c.deepEqual(disk.files().filter(path => path.includes('snapshot')), [], 'nothing is left of them')
  })
}

test('stop gives up a snapshot that is being taken, and waits for no machine', async c => {
  const disk = memoryDisk()
  const returned: string[] = []
  const held: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => held,
    next: () => new Promise(() => undefined),
    return: () => {
      returned.push('return')
      return new Promise(() => undefined)
    },
  }
  const raft = await start(c, optionsOf({ storage: onDisk(disk), machine: around(counter, () => ({ snapshot: () => held })) }))
  await add(raft, 1)
  const outcome = raft.snapshot()
  await raft.stop()
  c.like(errorOf(await outcome), { _tag: 'Stopped' })
  c.deepEqual(returned, ['return'])
  c.like(errorOf(await raft.snapshot()), { _tag: 'Stopped' })
  c.deepEqual(disk.files().filter(path => path.includes('snapshot')), [])
  c.is(disk.openFiles(), 0)
})

test('a follower takes snapshots of its own, and begins from them', async c => {
  const rafts: readonly Counter[] = Object.values(orThrow(await memoryCluster({
    machine: counter, members: ['n1', 'n2', 'n3'], limits: { snapshotEntries: 10 }, electionTimeoutMs: 1000, heartbeatMs: 50,
  })))
  c.teardown(() => Promise.all(rafts.map(raft => raft.stop())))
  const captured = Promise.all(rafts.map(raft => eventOf(raft, 'captured')))
  await Promise.all(Array.from({ length: 30 }, () => rafts[0]!.propose({ add: 1 })))
  for (const { snapshot } of await captured) {
    c.true(snapshot.index >= 10)
    c.deepEqual(snapshot.membership.voters, ['n1', 'n2', 'n3'])
  }
})

const spoilt: Readonly<Record<string, (disk: MemoryDisk, path: string) => Machine<Add, number, number> | undefined>> = {
  'is damaged in its contents': (disk, path) => void disk.tamper(path, bytes => {
    // The contents, a tag and a digit, are the last thing before the end record, whose checksum may hold any byte.
    const at = Buffer.from(bytes).lastIndexOf('\0' + '6') + 1
    return Uint8Array.from(bytes, (byte, i) => i === at ? byte ^ 1 : byte)
  }),
  'the machine cannot read': () => around(counter, () => ({ restore: () => { throw new Error('no such format') } })),
}
for (const [what, spoil] of Object.entries(spoilt)) {
  test(`a snapshot that ${what} is reported, and the whole log is applied as before`, async c => {
    const disk = memoryDisk()
    const first = await start(c, optionsOf({ storage: onDisk(disk) }))
    await add(first, 1, 2, 3)
    const snapshot = orThrow(await first.snapshot())
    await add(first, 10)
    await first.stop()
    const path = disk.files().find(file => file.includes('snapshot-'))!
    const machine = spoil(disk, path) ?? counter
    const second = await start(c, optionsOf({ storage: onDisk(disk), machine }))
    const diagnostics = record(second.diagnostics$)
    const events = record(second.snapshots$)
    c.like(record(second.state$), { 0: { index: 0, state: 0 } })
    await stateIs(second, 16)
    c.like(diagnostics.find(({ type }) => type === 'snapshotUnusable'), { severity: 'error', index: snapshot.index })
    c.deepEqual(events, [])
    await add(second, 100)
    c.true(orThrow(await second.snapshot()).index > snapshot.index, 'the next one takes its place')
    await second.stop()
    if (machine !== counter) return
    const third = await start(c, optionsOf({ storage: onDisk(disk) }))
    c.like(record(third.state$), { 0: { state: 116 } })
  })
}
