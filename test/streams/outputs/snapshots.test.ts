/** The promises in docs/streams.md that are about snapshots, each with its test. */
import { Readable } from 'node:stream'
import ava from 'ava'
import { from, lastValueFrom } from 'rxjs'
import { createRaft, memoryStorage, orThrow } from '../../../streams/index.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { withSessions } from '../../../streams/machine/with-sessions.js'
import { simulate } from '../../../testing/index.js'
import { counter, leaderOf, optionsOf } from '../member/world.js'
import { rest } from '../snapshots/fakes.js'
import { namedTests, promises, quoted, record } from './promises.js'

const { names, test } = namedTests()

/** A leader of three that has cut its log, and a member that lacks what was cut; neither has heard of the other yet. */
const sendOne = async () => {
  const cluster = simulate({ machine: counter, segmentBytes: 4096, limits: { snapshotEntries: 5, snapshotKeepEntries: 0, snapshotChunkBytes: 1 } })
  const add = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! })))
  }
  await cluster.until(() => cluster.leader() !== undefined)
  const leader = cluster.leader()!
  const away = cluster.ids.find(id => id !== leader)!
  cluster.crash(away)
  await add(11)
  await cluster.run(500)
  const receive = async (): Promise<void> => {
    cluster.start(away)
    await cluster.recover()
  }
  return { sender: cluster.member(leader), receiver: cluster.member(away), receive }
}

test('snapshots$ replays nothing', t => {
  const world = leaderOf(counter)
  void world.raft.snapshot()
  t.deepEqual(record(world.raft.snapshots$), [])
})

test('snapshots$ tells how a snapshot comes about, from its beginning to its end', async t => {
  const world = leaderOf(counter)
  const events = record(world.raft.snapshots$)
  void world.raft.propose({ add: 1 })
  world.clock.settle()
  const asked = world.raft.snapshot()
  t.deepEqual(events, [{ type: 'capturing', index: 2, term: 1, bytes: 0 }])
  await rest(world.clock)
  const snapshot = orThrow(await asked)
  t.deepEqual(events.slice(1), [{ type: 'captured', snapshot }])
  const broken = leaderOf({ ...counter, start: () => ({ ...counter.start(), snapshot: () => { throw new Error('no fuel') } }) })
  const failures = record(broken.raft.snapshots$)
  void broken.raft.snapshot()
  broken.clock.settle()
  t.deepEqual(failures, [{ type: 'captureFailed', index: 1, reason: 'no fuel', retryMs: 1000 }])
})

test('snapshots$ tells at the end of the first turn from which snapshot the member began', async t => {
  const storage = memoryStorage()
  const first = orThrow(await createRaft(optionsOf({ storage })))
  orThrow(await first.propose({ add: 1 }))
  const snapshot = orThrow(await first.snapshot())
  await first.stop()
  const second = orThrow(await createRaft(optionsOf({ storage })))
  const events = record(second.snapshots$)
  await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(events, [{ type: 'restored', snapshot }])
  await second.stop()
})

test('snapshotChunks$ replays nothing', async t => {
  const { sender, receive } = await sendOne()
  const chunks = record(sender.snapshotChunks$)
  await receive()
  t.true(chunks.length > 0)
  t.deepEqual(record(sender.snapshotChunks$), [])
})

test('snapshotChunks$ emits each chunk of a snapshot that was handed over, in order', async t => {
  const { sender, receiver, receive } = await sendOne()
  const chunks = record(sender.snapshotChunks$)
  const received = record(receiver.commits$)
  await receive()
  const machine = withSessions(counter.start(), createSessions<number>(), counter.result)
  await lastValueFrom(from(machine.restore(Readable.from(chunks.map(({ chunk }) => chunk)))), { defaultValue: undefined })
  t.like(received, { 0: { _tag: 'Restored', state: machine.state } })
  t.is(machine.state, 9)
  t.true(chunks.length > 1)
  chunks.forEach(({ offset }, i) => t.is(offset, i === 0 ? 0 : chunks[i - 1]!.offset + chunks[i - 1]!.chunk.length))
})

test('snapshots$ tells of a snapshot on its way, where it is sent and where it is received', async t => {
  const { sender, receiver, receive } = await sendOne()
  const [sent, received] = [record(sender.snapshots$), record(receiver.snapshots$)]
  await receive()
  const restored = received.find(event => event.type === 'restored')
  const { snapshot } = restored!
  t.true(snapshot.bytes > 0)
  const of = (events: typeof sent): typeof sent => events.filter(({ type }) => !type.startsWith('captur'))
  t.deepEqual(of(sent), [{ type: 'sending', to: receiver.id, snapshot, bytes: 0 }, { type: 'sent', to: receiver.id, snapshot }])
  t.deepEqual(of(received), [{ type: 'receiving', snapshot, bytes: 0 }, { type: 'received', snapshot }, { type: 'restored', snapshot }])
})

test('commits$ emits Restored where a snapshot of the leader takes the place of commits', async t => {
  const { receiver, receive } = await sendOne()
  const commits = record(receiver.commits$)
  const restored = record(receiver.snapshots$)
  await receive()
  const snapshot = restored.find(event => event.type === 'restored')?.snapshot
  const { index, term, time } = snapshot!
  t.deepEqual(commits.filter(({ _tag }) => _tag === 'Restored'), [{ _tag: 'Restored', at: { index, term, time }, state: 9 }])
})

ava('docs/streams.md names each of them', t => t.deepEqual(promises('snapshots.test.ts').map(quoted), names))
