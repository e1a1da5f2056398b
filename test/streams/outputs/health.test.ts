/** A test for every promise about health$ in docs/streams.md but those that hold for each of the streams. */
import ava from 'ava'
import { NOTHING_SEEN } from '../../../lib/health.js'
import { follower } from '../../lib/build.js'
import { createHealthWatch } from '../../../streams/outputs/health.js'
import { addBatch, counter, fromLeader, leaderOf, worldOf } from '../member/world.js'
import { namedTests, promises, quoted, record } from './promises.js'

const { names, test } = namedTests()

// Heartbeats of these members are 20 ms apart, and ticks 10 ms.
const HEARTBEAT_MS = 20

test('health$ replays the current value, the same one to all', t => {
  const { raft } = leaderOf(counter)
  const [one, other] = [record(raft.health$), record(raft.health$)]
  t.like(one, { 0: { id: 'n1', role: 'leader', isInTouch: true, quorumSilentMs: 0, behindEntries: 0, pendingWriteMs: 0 }, length: 1 })
  t.is(one[0], other[0])
})

test('health$ emits once a heartbeat, whatever happens meanwhile', t => {
  const { raft, clock } = leaderOf(counter)
  const values = record(raft.health$)
  for (let turn = 0; turn < 1_000; turn++) {
    void raft.propose({ add: 1 })
    clock.settle()
  }
  t.is(values.length, 1)
  clock.advance(10 * HEARTBEAT_MS)
  t.is(values.length, 11)
})

test('health$ tells the worst since the value before', t => {
  const { raft, clock } = leaderOf(counter)
  const values = record(raft.health$)
  clock.advance(HEARTBEAT_MS)
  void raft.propose({ add: 1 })
  void raft.propose({ add: 1 })
  clock.stall(35)
  clock.advance(2 * HEARTBEAT_MS)
  const [delays, fullest] = [values.map(({ loopDelayMs }) => loopDelayMs), values.map(({ bounds }) => bounds.maxInboxEvents.used)]
  t.is(delays[0], 0)
  t.is(Math.max(...delays), 25)
  t.is(delays.filter(ms => ms > 0).length, 1)
  t.is(Math.max(...fullest), 1, 'what is proposed in one turn is one event')
  t.is(fullest.at(-1), 0)
})

test('health$ does not wait for the disk', t => {
  const { raft, clock, disk } = worldOf(counter)
  clock.advance(50)
  const [terms, values] = [record(raft.status$).map(({ term }) => term), record(raft.health$)]
  clock.advance(5 * HEARTBEAT_MS)
  t.deepEqual(terms, [0], 'the vote is not durable, and the gate is closed')
  const pending = values.map(({ pendingWriteMs }) => pendingWriteMs)
  t.is(pending.length, 6)
  t.true(pending.every((ms, i) => i === 0 || ms === pending[i - 1]! + HEARTBEAT_MS), pending.join())
  disk.flow()
  clock.advance(2 * HEARTBEAT_MS)
  t.is(values.at(-1)?.pendingWriteMs, 0)
  t.true(values.some(({ slowestWriteMs, pendingWriteMs }) => pendingWriteMs === 0 && slowestWriteMs > 5 * HEARTBEAT_MS))
})

test('health$ tells what waits: proposals, reads, and what a machine has not applied', t => {
  const follows = worldOf(counter, ['n2', 'n3'])
  follows.disk.flow()
  follows.network.receive(fromLeader(1, 0, 0, 0, { kind: 'noop', firstIndex: 1, term: 1, count: 1, time: 5 }, addBatch(2, 1, 4, 5)))
  follows.clock.settle()
  void follows.raft.propose({ add: 1 })
  void follows.raft.read(state => state)
  follows.clock.settle()
  const values = record(follows.raft.health$)
  t.like(values[0], {
    role: 'follower', leader: { id: 'n2', silentMs: 0 }, bounds: { maxPendingProposals: { used: 1, limit: 100_000 }, maxPendingReads: { used: 1 } },
  })
  follows.disk.hold()
  follows.network.receive(fromLeader(1, 3, 1, 4, addBatch(4, 1, 6)))
  follows.clock.advance(HEARTBEAT_MS)
  t.like(values.at(-1), { behindEntries: 1, behindMs: 1_000_000 + HEARTBEAT_MS - 5 })
})

test('health$ leaves after the messages of its turn', t => {
  const { raft, journal, network, clock, disk } = worldOf(counter, ['n2', 'n3'])
  disk.flow()
  raft.health$.subscribe(({ role }) => journal.push(role))
  clock.advance(300)
  t.true(network.sent.length > 0)
  const first = journal.indexOf('candidate')
  t.true(first > journal.indexOf('send requestVote') && journal.indexOf('send requestVote') >= 0, journal.join('\n'))
})

test('after the end health$ still replays its last value, and completes', t => {
  const { raft, clock } = leaderOf(counter)
  const values = record(raft.health$)
  void raft.stop()
  clock.advance(10_000)
  const told = values.length
  const last: unknown[] = []
  let completed = 0
  raft.health$.subscribe({ next: value => last.push(value), complete: () => completed++ })
  t.like(last, { 0: { id: 'n1', role: 'leader' }, length: 1 })
  t.is(completed, 1)
  t.is(values.length, told)
  t.is(new Set(values).size, told, 'the end tells nothing twice')
})

test('nothing of health$ is worked out while nobody looks', t => {
  let looks = 0
  const state = follower({ leader: 'L' })
  const health = createHealthWatch(state, () => {
    looks++
    return { appliedIndex: 0, pendingProposals: 0, pendingReads: 0, limits: { maxPendingProposals: 1, maxInboxEvents: 1 } }
  })
  const tick = (lateMs: number): void => {
    health.stepped(state, { now: state.now, wall: 0, get events() { looks++; return [{ type: 'ticked', due: state.now - lateMs } as const] } }, state)
    health.show()
  }
  for (let beat = 0; beat < 10; beat++) tick(900)
  t.is(looks, 0)
  const values: number[] = []
  const subscription = health.value$.subscribe(({ loopDelayMs }) => values.push(loopDelayMs))
  t.deepEqual(values, [NOTHING_SEEN.loopDelayMs])
  tick(3)
  tick(2)
  t.deepEqual(values, [0, 3])
  subscription.unsubscribe()
  const before = looks
  tick(7)
  tick(7)
  t.is(looks, before)
  health.value$.subscribe(({ loopDelayMs }) => values.push(loopDelayMs))
  t.deepEqual(values, [0, 3, 0])
})

ava('docs/streams.md names tests of health$ that there are', t => {
  const promised = promises('health.test.ts').map(quoted)
  t.is(promised.length, names.length)
  t.deepEqual(promised.filter(name => !names.includes(name)), [])
})
