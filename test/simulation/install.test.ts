/** Members that were away for longer than the log reaches back, in a simulated cluster. */
import * as t from 'io-ts'
import test from 'ava'
import { checksumOf } from '../../codecs/bytes.js'
import type { InstallSnapshot } from '../../lib/messages.js'
import { type SnapshotEvent, orThrow, reducerMachine } from '../../streams/index.js'
import { type SimulatedCluster, type SimulationOptions, simulate } from '../../testing/index.js'

type Command = { add: number; pad?: string }
type State = { total: number; pads: readonly string[] }
type Cluster = SimulatedCluster<Command, number, State>

const counter = reducerMachine({
  command: t.intersection([t.strict({ add: t.number }), t.partial({ pad: t.string })]), result: t.number,
  state: t.strict({ total: t.number, pads: t.readonlyArray(t.string) }), initial: { total: 0, pads: [] },
  reduce: ({ total, pads }, { add, pad }) => [{ total: total + add, pads: pad === undefined ? pads : [...pads, pad] }, total + add],
})

const LIMITS = { snapshotEntries: 5, snapshotKeepEntries: 0, snapshotChunkBytes: 100 }

const clusterOf = (options: Partial<SimulationOptions<Command, number, State>> = {}): Cluster =>
  simulate({ machine: counter, segmentBytes: 4096, limits: LIMITS, ...options })

const add = async (cluster: Cluster, times: number, pad?: string): Promise<void> => {
  await cluster.until(() => cluster.leader() !== undefined)
  for (let i = 0; i < times; i++) {
    orThrow(await cluster.settle(cluster.propose({ add: 1, ...(pad !== undefined && { pad }) }, { at: cluster.leader()!, timeoutMs: 10_000 })))
  }
}

const eventsOf = (cluster: Cluster, id: string): SnapshotEvent[] => {
  const events: SnapshotEvent[] = []
  cluster.member(id).snapshots$.subscribe(event => events.push(event))
  return events
}

const types = (events: readonly SnapshotEvent[]): readonly string[] => [...new Set(events.map(({ type }) => type))]

const follower = (cluster: Cluster): string => cluster.ids.find(id => id !== cluster.leader())!

test('a member that was away comes back by a snapshot in chunks, and then by the log', async c => {
  const cluster = clusterOf()
  await add(cluster, 3)
  const away = follower(cluster)
  cluster.crash(away)
  await add(cluster, 20, 'x'.repeat(50))
  await cluster.run(1000)
  const events = eventsOf(cluster, away)
  const sent = eventsOf(cluster, cluster.leader()!)
  const chunks: number[] = []
  cluster.member(cluster.leader()!).snapshotChunks$.subscribe(({ chunk }) => chunks.push(chunk.length))
  cluster.start(away)
  await cluster.recover()
  c.deepEqual(types(events).filter(type => !type.startsWith('captur')), ['receiving', 'received', 'restored'])
  c.deepEqual(types(sent).filter(type => !type.startsWith('captur')), ['sending', 'sent'])
  c.true(chunks.length > 5 && Math.max(...chunks) === 100, `${chunks.length} chunks`)
  c.deepEqual(cluster.ids.map(id => cluster.member(id).state?.total), [23, 23, 23])
  await add(cluster, 3)
  await cluster.recover()
  await cluster.check()
})

test('whoever looks on at the chunks of a snapshot may keep them, however often the sender uses its memory again', async c => {
  const cluster = clusterOf({ limits: { ...LIMITS, snapshotChunkBytes: 65_536 } })
  await add(cluster, 3)
  const away = follower(cluster)
  cluster.crash(away)
  await add(cluster, 10, 'x'.repeat(60_000))
  await cluster.run(1000)
  const seen: InstallSnapshot[] = []
  cluster.member(cluster.leader()!).snapshotChunks$.subscribe(message => seen.push(message))
  cluster.start(away)
  await cluster.recover()
  const { snapshot } = seen[0]!
  const kept = new Uint8Array(snapshot.bytes)
  for (const { offset, chunk } of seen) kept.set(chunk, offset)
  c.true(seen.length > 6)
  c.is(checksumOf(kept), snapshot.checksum)
})

test('a receiver that is killed in the middle goes on where it was, and a sender that is killed is followed by another', async c => {
  // With this seed the crash leaves some of what was not synced.
  const cluster = clusterOf({ seed: 4, limits: { ...LIMITS, snapshotBytesPerSecond: 2000 } })
  await add(cluster, 3)
  const away = follower(cluster)
  cluster.crash(away)
  await add(cluster, 20, 'x'.repeat(100))
  await cluster.run(1000)
  const events = eventsOf(cluster, away)
  const offsets: number[] = []
  for (const id of cluster.ids) cluster.member(id).snapshotChunks$.subscribe(({ offset }) => offsets.push(offset))
  cluster.start(away)
  await cluster.until(() => offsets.length >= 5)
  cluster.crash(away)
  offsets.length = 0
  cluster.start(away)
  await cluster.until(() => offsets.length >= 2)
  c.true(offsets[0]! >= 300, `it went on at ${offsets[0]}`)
  c.false(types(events).includes('received'))
  const leader = cluster.leader()!
  cluster.crash(leader)
  await cluster.until(() => types(events).includes('restored'))
  cluster.start(leader)
  await cluster.recover()
  c.deepEqual(cluster.ids.map(id => cluster.member(id).state?.total), [23, 23, 23])
  await cluster.check()
})

for (const [damaged, at] of [['its contents', 8 * 1300], ['its header', 100]] as const) {
  test(`a member whose own snapshot is damaged in ${damaged} gets the leader's`, async c => {
    const cluster = clusterOf({ seed: 5 })
    await add(cluster, 12, 'x'.repeat(100))
    await cluster.run(1000)
    const hurt = follower(cluster)
    const told: string[] = []
    cluster.member(hurt).diagnostics$.subscribe(({ type }) => told.push(type))
    const events = eventsOf(cluster, hurt)
    cluster.crash(hurt)
    cluster.inflict({ type: 'damage', id: hurt, kind: 'snapshot', file: 0, at })
    cluster.start(hurt)
    await cluster.until(() => types(events).includes('restored'))
    c.true(told.includes('snapshotUnusable'))
    await add(cluster, 3)
    await cluster.recover()
    c.deepEqual(cluster.ids.map(id => cluster.member(id).state?.total), [15, 15, 15])
    await cluster.check()
  })
}

test('a snapshot that could not be read for a moment is sent all the same, also where nothing happens that would bring another', async c => {
  const cluster = clusterOf({ seed: 7 })
  await add(cluster, 3)
  const away = follower(cluster)
  cluster.crash(away)
  await add(cluster, 8)
  const leader = cluster.leader()!
  orThrow(await cluster.settle(cluster.member(leader).raft!.snapshot()))
  const told: string[] = []
  cluster.member(leader).diagnostics$.subscribe(({ type }) => told.push(type))
  cluster.inflict({ type: 'failDisk', id: leader, operation: 'open', code: 'EMFILE', skip: 0 })
  cluster.start(away)
  await cluster.until(() => cluster.member(away).state?.total === 11, 5000)
  c.false(told.includes('snapshotUnsendable'))
  c.is(cluster.leader(), leader)
  await cluster.check()
})
