/** The log as a stream that is pulled: from anywhere, at the pace of whoever follows it, and across a log that is cut. */
import * as t from 'io-ts'
import test from 'ava'
import { EMPTY, NEVER, type ObservableInput, Observable, Subject, of, take, throwError } from 'rxjs'
import { InvalidOptions } from '../../../lib/errors.js'
import { append, compactTo, emptyLog, evict } from '../../../lib/log.js'
import type { RaftState } from '../../../lib/state.js'
import type { EntryBatch } from '../../../lib/types.js'
import { followLog } from '../../../streams/outputs/commits-from.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { type Applied, type LogEvent, type RaftOptions, type Storage, memoryNetwork, memoryStorage, memoryTransport, orThrow } from '../../../streams/index.js'
import { startRaft } from '../../../streams/create-raft.js'
import { rest } from '../snapshots/fakes.js'
import { type Add, type Counter, type VirtualClock, type World, addBatch, counter, fromLeader, leaderOf, optionsOf, virtualClock, worldOf } from '../member/world.js'

type Event = LogEvent<Add, number>
type Running = Pick<World<Add, number, number>, 'raft' | 'clock'>

/** A member alone in its cluster, which leads; what it is to forget of its log lies in `storage`. */
const member = (limits: RaftOptions<Add, number, number>['limits'] = {}, given: { clock?: VirtualClock; storage?: Storage } = {}): Running & { readonly storage: Storage } => {
  const clock = given.clock ?? virtualClock()
  const storage = given.storage ?? memoryStorage(clock)
  let raft: Counter | undefined
  startRaft(optionsOf({ storage, transport: memoryTransport(memoryNetwork()), limits }), { clock, seed: 1 }, outcome => { raft = orThrow(outcome) })
  clock.advance(1000)
  if (raft === undefined) throw new Error('the member did not start')
  return { raft, clock, storage }
}

/** Each in a turn of its own, and so in a batch of its own. */
const propose = ({ raft, clock }: Running, ...adds: readonly number[]): void => {
  for (const add of adds) {
    void raft.propose({ add })
    clock.settle()
  }
}

/** What an event brings, short: index and number of each command, or the place and the state. */
const short = (event: Event): string => event._tag === 'Committed'
  ? event.entries.map(({ index, command }) => `${index}+${command.add}`).join(' ')
  : `${event.at.index}=${event.state}`

interface Following {
  readonly events: string[]
  readonly values: unknown[]
  /** How it ended. */
  readonly end: () => string | undefined
  stop(): void
}

const follow = ({ raft }: { readonly raft: Pick<Counter, 'commitsFrom'> }, index: number, each: (event: Event) => ObservableInput<unknown> = () => EMPTY): Following => {
  const events: string[] = []
  const values: unknown[] = []
  let end: string | undefined
  const following = raft.commitsFrom(index, event => {
    events.push(short(event))
    return each(event)
  }).subscribe({ next: value => values.push(value), complete: () => { end = 'complete' }, error: (error: unknown) => { end = String(error) } })
  return { events, values, end: () => end, stop: () => following.unsubscribe() }
}

/** An inner that the test completes. */
const held = () => {
  const open: Subject<unknown>[] = []
  const each = (): Observable<unknown> => {
    const inner = new Subject<unknown>()
    open.push(inner)
    return inner
  }
  return { each, waiting: () => open.filter(({ observed }) => observed).length, go: () => open.at(-1)?.complete() }
}

// ── from where, and how far ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('from the beginning: every command with its place, what is no command left out, and then each as it is applied', c => {
  const world = leaderOf(counter)
  propose(world, 5, 6)
  const entries: unknown[] = []
  const following = follow(world, 1, event => {
    if (event._tag === 'Committed') entries.push(...event.entries)
    return EMPTY
  })
  c.deepEqual(following.events, [], 'nothing during the call')
  world.clock.settle()
  c.deepEqual(following.events, ['2+5 3+6'])
  c.like(entries, { 0: { index: 2, term: 1, command: { add: 5 } }, length: 2 })
  c.is((entries[0] as { time: number }).time, world.clock.wall())
  propose(world, 7, 8)
  c.deepEqual(following.events, ['2+5 3+6', '4+7', '5+8'])
  c.is(following.end(), undefined)
})

test('from the middle of a batch', c => {
  const world = leaderOf(counter)
  for (const add of [1, 2, 3, 4]) void world.raft.propose({ add })
  world.clock.settle()
  const following = follow(world, 4)
  world.clock.settle()
  c.deepEqual(following.events, ['4+3 5+4'])
})

test('from beyond the end it waits, and does not hear of what comes before', c => {
  const world = leaderOf(counter)
  const following = follow(world, 4)
  propose(world, 1, 2)
  c.deepEqual(following.events, [])
  propose(world, 3)
  c.deepEqual(following.events, ['4+3'])
})

test('what is in the log and not committed is not told', c => {
  const { raft, network, clock, disk } = worldOf(counter, ['n2', 'n3'])
  disk.flow()
  const following = follow({ raft }, 1)
  network.receive(fromLeader(1, 0, 0, 0, addBatch(1, 1, 4, 5, 6)))
  clock.settle()
  c.deepEqual(following.events, [])
  network.receive(fromLeader(1, 3, 1, 2))
  clock.settle()
  c.deepEqual(following.events, ['1+4 2+5'])
})

test('first entries of leaders and memberships are left out, on a follower too', c => {
  const { raft, network, clock, disk } = worldOf(counter, ['n2', 'n3'])
  disk.flow()
  const membership = { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: [], addresses: { n1: 'localhost:1', n2: 'localhost:2', n3: 'localhost:3' } }
  network.receive(fromLeader(1, 0, 0, 4,
    { kind: 'noop', firstIndex: 1, term: 1, count: 1, time: 5 }, addBatch(2, 1, 4), { kind: 'membership', firstIndex: 3, term: 1, count: 1, time: 5, membership }, addBatch(4, 1, 5)))
  clock.settle()
  const following = follow({ raft }, 1)
  const behind = follow({ raft }, 3)
  clock.settle()
  c.deepEqual([following.events, behind.events], [['2+4 4+5'], ['4+5']])
})

for (const index of [0, -1, 1.5, Number.NaN, 2 ** 60, Number.POSITIVE_INFINITY]) {
  test(`${index} is no index: an error of the stream, and not of the call`, c => {
    const { raft } = leaderOf(counter)
    let error: unknown
    raft.commitsFrom(index, () => EMPTY).subscribe({ error: (thrown: unknown) => { error = thrown } })
    c.true(error instanceof InvalidOptions)
    c.regex(String(error), new RegExp(`index: must be an integer from 1 to \\d+, not ${index}`))
  })
}

// ── at whose pace ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('the next event comes when what was made of the last one has completed, each at the pace of its own', c => {
  const world = leaderOf(counter, { limits: { maxAppendBytes: 1 } })
  propose(world, 1, 2)
  const slow = held()
  const [behind, ahead] = [follow(world, 1, slow.each), follow(world, 1)]
  world.clock.settle()
  propose(world, 3)
  c.deepEqual([behind.events, ahead.events], [['2+1'], ['2+1', '3+2', '4+3']])
  slow.go()
  c.deepEqual(behind.events, ['2+1'], 'never during the call that completes the last one')
  world.clock.settle()
  c.deepEqual(behind.events, ['2+1', '3+2'])
  slow.go()
  world.clock.settle()
  slow.go()
  world.clock.settle()
  c.deepEqual(behind.events, ahead.events)
  c.is(slow.waiting(), 0)
})

test('whoever was slow finds together what has gathered meanwhile', c => {
  const world = leaderOf(counter)
  propose(world, 1)
  const slow = held()
  const following = follow(world, 1, slow.each)
  world.clock.settle()
  propose(world, 2, 3, 4)
  slow.go()
  world.clock.settle()
  c.deepEqual(following.events, ['2+1', '3+2 4+3 5+4'])
})

test('what comes of an event comes out, in its order', c => {
  const world = leaderOf(counter, { limits: { maxAppendBytes: 1 } })
  propose(world, 1, 2)
  const following = follow(world, 1, event => of(`${short(event)} a`, `${short(event)} b`))
  world.clock.settle()
  c.deepEqual(following.values, ['2+1 a', '2+1 b', '3+2 a', '3+2 b'])
})

test('who is done at once, thousands of times, does not build a tower of calls', c => {
  const world = leaderOf(counter, { limits: { maxAppendBytes: 1 } })
  propose(world, ...Array.from({ length: 3000 }, (_, i) => i))
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 200
  const depths = new Set<number>()
  const following = follow(world, 1, () => {
    depths.add(new Error('here').stack!.split('\n').length)
    return EMPTY
  })
  world.clock.settle()
  Error.stackTraceLimit = limit
  c.is(following.events.length, 3000)
  c.true(Math.max(...depths) < 100, `${Math.max(...depths)} calls`)
  c.is(depths.size, 1)
})

// ── what is no longer at hand ───────────────────────────────────────────────────────────────────────────────────────────────────

test('what is no longer in memory is read from the disk', c => {
  const world = member({ logCacheBytes: 1, maxAppendBytes: 1 })
  propose(world, 1, 2, 3, 4)
  const [all, some] = [follow(world, 1), follow(world, 4)]
  world.clock.settle()
  c.deepEqual(all.events, ['2+1', '3+2', '4+3', '5+4'])
  c.deepEqual(some.events, ['4+3', '5+4'])
  propose(world, 5)
  c.is(all.events.at(-1), '6+5')
})

test('what the log no longer holds is told as the state, and on without a gap', async c => {
  const world = member({ snapshotKeepEntries: 1 })
  propose(world, 1, 2, 3)
  void world.raft.snapshot()
  await rest(world.clock)
  propose(world, 4)
  const [all, last, kept] = [follow(world, 1), follow(world, 3), follow(world, 4)]
  world.clock.settle()
  propose(world, 5)
  c.deepEqual([all.events, last.events], [['5=10', '6+5'], ['5=10', '6+5']])
  c.deepEqual(kept.events, ['4+3 5+4', '6+5'], 'what stays behind the snapshot is still there')
})

test('the state is told with its place', async c => {
  const world = member({ snapshotKeepEntries: 0 })
  propose(world, 1, 2)
  void world.raft.snapshot()
  await rest(world.clock)
  const events: Event[] = []
  world.raft.commitsFrom(1, event => {
    events.push(event)
    return EMPTY
  }).subscribe()
  world.clock.settle()
  c.like(events, { 0: { _tag: 'Restored', at: { index: 3, term: 1 }, state: 3 }, length: 1 })
})

test('a log that is cut under somebody who follows it: the state, and on without a gap', async c => {
  const world = member({ snapshotKeepEntries: 0, maxAppendBytes: 1 })
  propose(world, 1, 2, 3)
  const slow = held()
  const following = follow(world, 1, slow.each)
  world.clock.settle()
  c.deepEqual(following.events, ['2+1'])
  void world.raft.snapshot()
  await rest(world.clock)
  propose(world, 4)
  slow.go()
  world.clock.settle()
  slow.go()
  world.clock.settle()
  propose(world, 5)
  c.deepEqual(following.events, ['2+1', '5=10', '6+5'])
})

test('a log that is cut while it is read for somebody: the state, and on without a gap', c => {
  const clock = virtualClock()
  const membership = { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } }
  let log = emptyLog({ index: 0, term: 0, membership }, 0)
  let latest: Applied<number> = { index: 3, term: 1, time: 5, state: 6 }
  const reads: { readonly from: number; readonly to: number; readonly answer: Subject<readonly EntryBatch[]> }[] = []
  const { applied, commitsFrom } = followLog<Add, number>({
    protocol: counter, sessions: createSessions(), newest: () => ({ log }) as RaftState, from: latest, look: see => (see(latest), () => undefined), maxBytes: 1000, budgetMs: 10, clock,
    read: (from, to) => {
      const answer = new Subject<readonly EntryBatch[]>()
      reads.push({ from, to, answer })
      return answer.pipe(take(1))
    },
  })
  log = evict(append(log, [addBatch(1, 1, 1, 2, 3)]), 3, 0)
  const following = follow({ raft: { commitsFrom } }, 2)
  clock.settle()
  c.like(reads, { 0: { from: 2, to: 3 }, length: 1 })
  log = append(compactTo(log, 3), [addBatch(4, 1, 4)])
  reads[0]!.answer.next([])
  clock.settle()
  c.deepEqual(following.events, ['3=6'])
  latest = { ...latest, index: 4, state: 10 }
  applied(latest)
  clock.settle()
  c.deepEqual(following.events, ['3=6', '4+4'])
  c.is(reads.length, 1)
})

test('a machine in the midst of a call is seen once that is over, with the place where it stands then, and on without a gap', c => {
  const clock = virtualClock()
  const membership = { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } }
  const log = append(emptyLog({ index: 3, term: 1, membership }, 0), [addBatch(4, 1, 4, 5)])
  const looks = new Set<(applied: Applied<number>) => void>()
  const { applied, commitsFrom } = followLog<Add, number>({
    protocol: counter, sessions: createSessions(), newest: () => ({ log }) as RaftState, from: { index: 3, term: 1, time: 5 }, look: see => (looks.add(see), () => looks.delete(see)), maxBytes: 1000, budgetMs: 10, clock,
    read: () => EMPTY,
  })
  const following = follow({ raft: { commitsFrom } }, 1)
  const given = follow({ raft: { commitsFrom } }, 1)
  clock.settle()
  given.stop()
  c.is(looks.size, 1, 'who has gone is forgotten')
  c.deepEqual(following.events, [])
  for (const see of looks) see({ index: 4, term: 1, time: 5, state: 10 })
  applied({ index: 5, term: 1, time: 5 })
  clock.settle()
  c.deepEqual([following.events, given.events], [['4=10', '5+5'], []])
})

// ── how it ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('an error of what was made of an event ends it, and so does one that is thrown; the member goes on', c => {
  const world = leaderOf(counter)
  propose(world, 1)
  const failed = follow(world, 1, () => throwError(() => new Error('no room')))
  const thrown = follow(world, 1, () => { throw new Error('no way') })
  const other = follow(world, 1)
  world.clock.settle()
  propose(world, 2)
  c.deepEqual([failed.end(), thrown.end(), other.end()], ['Error: no room', 'Error: no way', undefined])
  c.deepEqual([failed.events, thrown.events, other.events], [['2+1'], ['2+1'], ['2+1', '3+2']])
})

test('whoever unsubscribes hears no more, and nor does what was made of the last event', c => {
  const world = leaderOf(counter)
  propose(world, 1)
  const slow = held()
  const [early, late, waiting] = [follow(world, 1), follow(world, 1, slow.each), follow(world, 1)]
  early.stop()
  world.clock.settle()
  c.is(slow.waiting(), 1)
  late.stop()
  waiting.stop()
  c.is(slow.waiting(), 0)
  propose(world, 2)
  c.deepEqual([early.events, late.events, waiting.events], [[], ['2+1'], ['2+1']])
  c.deepEqual([early.end(), late.end(), waiting.end()], [undefined, undefined, undefined])
})

test('it completes with the member: while it waits, before its first event, and afterwards', c => {
  const world = leaderOf(counter)
  propose(world, 1)
  const waiting = follow(world, 1)
  world.clock.settle()
  void world.raft.stop()
  const before = follow(world, 1)
  world.clock.advance(10_000)
  const after = follow(world, 1)
  world.clock.settle()
  c.deepEqual([waiting.end(), before.end(), after.end()], ['complete', 'complete', 'complete'])
  c.deepEqual(after.events, [])
})

test('it completes with a member that stops while entries are read for it, and is told nothing more', c => {
  const world = leaderOf(counter, { limits: { logCacheBytes: 1, maxAppendBytes: 1 } })
  propose(world, 1, 2)
  const following = follow(world, 2) // the disk of this world never answers
  world.clock.settle()
  c.deepEqual([following.events, following.end()], [[], undefined])
  world.disk.say({ type: 'writeFailed', turn: 99, error: new Error('no space left') })
  world.clock.settle()
  c.deepEqual([following.events, following.end()], [[], 'complete'])
})

test('what it is at when the member stops is left to complete, and then it does; what never does is up to whoever follows', c => {
  const world = leaderOf(counter)
  propose(world, 1)
  const slow = held()
  const [following, endless] = [follow(world, 1, slow.each), follow(world, 1, () => NEVER)]
  world.clock.settle()
  propose(world, 2)
  void world.raft.stop()
  world.clock.advance(10_000)
  c.deepEqual([slow.waiting(), following.end()], [1, undefined])
  slow.go()
  world.clock.settle()
  c.deepEqual([following.events, following.end()], [['2+1'], 'complete'])
  c.is(endless.end(), undefined)
})

test('a command that does not decode is an error, with its place', async c => {
  const first = member({ snapshotKeepEntries: 10 })
  propose(first, 1, 2)
  void first.raft.snapshot()
  await rest(first.clock)
  void first.raft.stop()
  first.clock.advance(10_000)
  const narrow = { ...counter, command: t.strict({ add: t.refinement(t.number, add => add > 1) }) }
  let raft: Counter | undefined
  startRaft(optionsOf({ machine: narrow, storage: first.storage, transport: memoryTransport(memoryNetwork()) }), { clock: first.clock, seed: 2 }, outcome => { raft = orThrow(outcome) })
  await rest(first.clock)
  const following = follow({ raft: raft! }, 1)
  const behind = follow({ raft: raft! }, 3)
  await rest(first.clock)
  c.regex(following.end() ?? '', /^Error: the command at index 2 does not decode with this member's codec: it may come from a newer version/)
  c.deepEqual([following.events, behind.events], [[], ['3+2']])
})
