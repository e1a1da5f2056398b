/** A test for every promise in docs/streams.md but those of snapshots and of health: each stream × what it replays, when it emits, how it completes, errors and unsubscribes. */
import ava from 'ava'
import type { Observable } from 'rxjs'
import { MachineFailed } from '../../../lib/errors.js'
import type { RaftState } from '../../../lib/state.js'
import { createCurrent } from '../../../streams/outputs/current.js'
import { createLeaderships } from '../../../streams/outputs/leaderships.js'
import type { CommitEvent } from '../../../streams/machine/machine.js'
import { type Counter, type World, addBatch, counter, fromLeader, leaderOf, worldOf } from '../member/world.js'
import { namedTests, promises, quoted, record } from './promises.js'

type Streams = Pick<Counter, 'status$' | 'state$' | 'leadership$' | 'membership$' | 'health$' | 'commits$' | 'appendEntries$' | 'snapshotChunks$' | 'snapshots$' | 'diagnostics$' | 'ended$'>
type CounterWorld = World<{ add: number }, number, number>

const ALL = ['status$', 'state$', 'leadership$', 'membership$', 'health$', 'commits$', 'appendEntries$', 'snapshotChunks$', 'snapshots$', 'diagnostics$', 'ended$'] as const
const of = (raft: Streams, name: typeof ALL[number]): Observable<unknown> => raft[name]

const { names, test } = namedTests()

const propose = ({ raft, clock }: CounterWorld, ...adds: readonly number[]): void => {
  for (const add of adds) void raft.propose({ add })
  clock.settle()
}

/** A member of three that leads, although its disk has not taken the last turns yet when `hold` was called. */
const leadThree = (): CounterWorld => {
  const world = worldOf(counter, ['n2', 'n3'])
  const { clock, network, disk } = world
  disk.flow()
  for (const preVote of [true, false]) {
    clock.advance(preVote ? 250 : 0)
    const request = network.sent.map(({ message }) => message).findLast(({ type }) => type === 'requestVote') as { term: number; round: number } | undefined
    network.receive({ type: 'requestVoteReply', from: 'n2', to: 'n1', term: preVote ? 0 : 1, preVote, voteGranted: true, round: request?.round ?? 0 })
    clock.settle()
  }
  return world
}

/** A member of three that follows n2 in term 1, with one command committed. */
const followOne = (): CounterWorld => {
  const world = worldOf(counter, ['n2', 'n3'])
  world.disk.flow()
  return world
}

const noop = { kind: 'noop', firstIndex: 1, term: 1, count: 1, time: 5 } as const

// ── what each replays ───────────────────────────────────────────────────────────────────────────────────────────────────────────

test('status$ replays the current value', t => {
  const { raft } = leaderOf(counter)
  t.deepEqual(record(raft.status$), [{ id: 'n1', role: 'leader', term: 1, leader: 'n1', commitIndex: 1, appliedIndex: 1, lastIndex: 1, machineVersion: 0, lowestMachineVersion: 0 }])
})

test('state$ replays what is applied, from the very start', t => {
  const { raft } = worldOf(counter)
  t.deepEqual(record(raft.state$), [{ index: 0, term: 0, time: 0, state: 0 }])
  const world = leaderOf(counter)
  propose(world, 2, 3)
  t.like(record(world.raft.state$), { 0: { index: 3, term: 1, state: 5 }, length: 1 })
})

test('leadership$ replays the leadership that is held, or undefined', t => {
  t.deepEqual(record(worldOf(counter).raft.leadership$), [undefined])
  const { raft } = leaderOf(counter)
  const [first] = record(raft.leadership$)
  t.is(first?.term, 1)
  t.is(record(raft.leadership$)[0], first)
})

const ALONE = { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } }
const WITH_LEARNER = { ...ALONE, learners: ['n4'], addresses: { n1: 'localhost:1', n4: 'localhost:4' } }

test('membership$ replays the newest membership, and whether it is committed', t => {
  const world = leaderOf(counter)
  t.deepEqual(record(world.raft.membership$), [{ ...ALONE, isCommitted: true }])
  void world.raft.members.change({ learners: { n4: 'localhost:4' } })
  world.clock.settle()
  t.deepEqual(record(world.raft.membership$), [{ ...WITH_LEARNER, isCommitted: true }])
})

test('commits$ replays nothing', t => {
  const world = leaderOf(counter)
  propose(world, 1)
  t.deepEqual(record(world.raft.commits$), [])
})

test('appendEntries$ replays nothing', t => {
  const world = leadThree()
  t.true(world.network.sent.some(({ message }) => message.type === 'appendEntries'))
  t.deepEqual(record(world.raft.appendEntries$), [])
})

test('diagnostics$ replays nothing', t => {
  const world = leaderOf(counter)
  t.deepEqual(record(world.raft.diagnostics$), [])
})

test('ended$ has nothing to replay before the end, and then says for ever how it came', t => {
  const { raft, clock } = leaderOf(counter)
  t.deepEqual(record(raft.ended$), [])
  void raft.stop()
  clock.advance(100)
  t.deepEqual(record(raft.ended$), [{ _tag: 'Stopped' }])
})

test('status$, state$, membership$ and leadership$ still replay their last value after the end, and complete', t => {
  const world = leaderOf(counter)
  propose(world, 4)
  void world.raft.stop()
  world.clock.advance(100)
  const { raft } = world
  let completed = 0
  const last = (['status$', 'state$', 'leadership$', 'membership$'] as const).map(name => {
    const values: unknown[] = []
    of(raft, name).subscribe({ next: value => values.push(value), complete: () => completed++ })
    return values
  })
  t.like(last, { 0: { 0: { role: 'leader', commitIndex: 2 }, length: 1 }, 1: { 0: { index: 2, state: 4 }, length: 1 } })
  t.deepEqual(last[2], [undefined])
  t.deepEqual(last[3], [{ ...ALONE, isCommitted: true }])
  t.is(completed, 4)
})

// ── when each emits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('status$ emits at most once a turn, and only what differs', t => {
  const world = leaderOf(counter)
  const values = record(world.raft.status$)
  world.clock.advance(200)
  t.is(values.length, 1)
  propose(world, 1, 2, 3)
  t.deepEqual(values.map(({ lastIndex, commitIndex, appliedIndex }) => [lastIndex, commitIndex, appliedIndex]), [[1, 1, 1], [4, 1, 1], [4, 4, 4]])
})

test('status$ does not tell of a term or vote that is not durable', t => {
  const { raft, clock, disk } = worldOf(counter)
  const roles = record(raft.status$)
  clock.advance(50)
  t.deepEqual(roles.map(({ term }) => term), [0])
  disk.persist()
  t.deepEqual(roles.map(({ term }) => term), [0, 1])
})

test('membership$ emits when another membership is in the log, when it is committed, and when it is taken back', t => {
  const world = leaderOf(counter)
  const { raft, clock, disk } = world
  const values = record(raft.membership$)
  propose(world, 1)
  disk.hold()
  void raft.members.change({ learners: { n4: 'localhost:4' } })
  clock.settle()
  disk.persist()
  clock.settle()
  t.deepEqual(values, [{ ...ALONE, isCommitted: true }, { ...WITH_LEARNER, isCommitted: false }, { ...WITH_LEARNER, isCommitted: true }])
  const follower = followOne()
  const changed = { voters: ['n1', 'n2'], outgoing: ['n1', 'n2', 'n3'], learners: [], addresses: { n1: 'localhost:1', n2: 'localhost:2', n3: 'localhost:3' } }
  follower.network.receive(fromLeader(1, 0, 0, 1, noop, { kind: 'membership', firstIndex: 2, term: 1, count: 1, time: 5, membership: changed }))
  follower.clock.settle()
  const seen = record(follower.raft.membership$).map(({ voters, isCommitted }) => [voters.length, isCommitted])
  const later = record(follower.raft.membership$)
  follower.network.receive({ ...fromLeader(2, 1, 1, 2, { ...noop, firstIndex: 2, term: 2 }), from: 'n3' })
  follower.clock.settle()
  t.deepEqual([...seen, ...later.slice(1).map(({ voters, isCommitted }) => [voters.length, isCommitted])], [[2, false], [3, true]])
})

test('state$ emits once for all that one turn applied, and only when something was', t => {
  const world = leaderOf(counter)
  const values = record(world.raft.state$)
  propose(world, 1, 2, 3)
  world.clock.advance(200)
  t.deepEqual(values.map(({ index, state }) => [index, state]), [[1, 0], [4, 6]])
})

test('state$ shows a position and the state that belongs to it, also to whoever looks while a batch is being told', t => {
  const world = leaderOf(counter)
  const seen: unknown[] = []
  world.raft.commits$.subscribe(() => world.raft.state$.subscribe(({ index, state }) => seen.push([index, state])))
  propose(world, 1, 2)
  t.deepEqual(seen, [[3, 3]])
})

test('leadership$ emits a leadership only when it is ready, and the same one to all', t => {
  const world = worldOf(counter)
  const [one, other] = [record(world.raft.leadership$), record(world.raft.leadership$)]
  const roles = record(world.raft.status$)
  world.clock.advance(50)
  world.disk.persist()
  t.is(roles.at(-1)?.role, 'leader')
  t.deepEqual(one.map(leadership => leadership?.term), [undefined])
  world.disk.flow()
  world.clock.advance(50)
  t.deepEqual(one.map(leadership => leadership?.term), [undefined, 1])
  t.is(one[1], other[1])
  t.false(one[1]?.signal.aborted)
})

test('leadership$ emits undefined and aborts the signal as soon as leadership is lost, also while the disk stalls', t => {
  const world = leadThree()
  const { raft, network, disk, clock } = world
  const accepted = (round: number) => network.receive({ type: 'appendAccepted', from: 'n2', to: 'n1', term: 1, verified: 1, durable: 1, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round })
  accepted((network.sent.findLast(({ message }) => message.type === 'appendEntries')?.message as { round?: number } | undefined)?.round ?? 0)
  clock.settle()
  const values = record(raft.leadership$)
  const [held] = values
  t.is(held?.term, 1)
  const seen: unknown[] = []
  held?.signal.addEventListener('abort', () => seen.push(held.signal.aborted, values.length, record(raft.leadership$)[0]))
  disk.hold()
  network.receive(fromLeader(2, 0, 0, 0))
  clock.settle()
  t.deepEqual(disk.pending.length, 1)
  t.is(values.length, 2)
  t.is(values[1], undefined)
  t.deepEqual(seen, [true, 2, undefined], 'in a listener of the signal the stream has said so already')
})

test('commits$ emits each batch with its results after the machine has applied it', t => {
  const world = leaderOf(counter)
  const values = record(world.raft.commits$)
  propose(world, 2, 666, 3)
  const [event] = values
  t.is(values.length, 1)
  if (event?._tag !== 'Applied') return t.fail('no commits')
  t.deepEqual(event.commits.map(({ index, command }) => [index, command.add]), [[2, 2], [3, 666], [4, 3]])
  t.deepEqual(event.commits.map(({ result }) => result instanceof MachineFailed ? 'failed' : result), [2, 'failed', 5])
})

test('commits$ emits on a follower too, results included', t => {
  const { raft, network, clock } = followOne()
  const values: CommitEvent<{ add: number }, number, number>[] = record(raft.commits$)
  network.receive(fromLeader(1, 0, 0, 0, noop, addBatch(2, 1, 4, 5)))
  clock.settle()
  t.deepEqual(values, [])
  network.receive(fromLeader(1, 3, 1, 3))
  clock.settle()
  t.like(values, { 0: { _tag: 'Applied', commits: [{ index: 2, term: 1, time: 5, command: { add: 4 }, result: 4 }, { index: 3, result: 9 }] }, length: 1 })
})

test('appendEntries$ emits each AppendEntries that was handed over, in order', t => {
  const { raft, clock, network, journal } = leadThree()
  raft.appendEntries$.subscribe(({ to }) => journal.push(`seen ${to}`))
  const before = journal.length
  clock.advance(20)
  t.deepEqual(journal.slice(before), ['send appendEntries', 'send appendEntries', 'seen n2', 'seen n3'])
  t.is(network.sent.at(-1)?.message.type, 'appendEntries')
})

test('diagnostics$ emits what was noticed, with a severity, also while the disk stalls', t => {
  const { raft, clock, network, disk } = worldOf(counter)
  const values = record(raft.diagnostics$)
  clock.settle()
  clock.advance(50)
  t.is(disk.pending.length > 0, true)
  network.receive({ type: 'requestVoteReply', from: 'n2', to: 'n9', term: 0, preVote: true, voteGranted: true, round: 1 })
  network.say({ type: 'noticed', notice: { type: 'badFrame', remote: 'somewhere', reason: 'a test' } })
  clock.settle()
  t.deepEqual(values.map(({ type, severity }) => [type, severity]), [
    ['storageNote', 'info'], ['badFrame', 'warning'], ['wrongAddressee', 'warning'],
  ])
})

test('ended$ emits once, when disk and network are closed', t => {
  const { raft, clock, disk } = leaderOf(counter)
  const values: string[] = []
  raft.ended$.subscribe(({ _tag }) => values.push(`${_tag} ${disk.closings()}`))
  void raft.stop()
  void raft.stop()
  t.deepEqual(values, [])
  clock.advance(100)
  t.deepEqual(values, ['Stopped 1'])
})

test('values leave after the writes and messages of their turn were handed over', t => {
  const world = leadThree()
  const { raft, journal, network, clock } = world
  raft.status$.subscribe(({ lastIndex }) => journal.push(`status ${lastIndex}`))
  raft.leadership$.subscribe(leadership => journal.push(`leadership ${leadership?.term}`))
  raft.state$.subscribe(({ index }) => journal.push(`state ${index}`))
  raft.commits$.subscribe(() => journal.push('commits'))
  raft.diagnostics$.subscribe(({ type }) => journal.push(type))
  const round = (): number => (network.sent.findLast(({ message }) => message.type === 'appendEntries')?.message as { round?: number } | undefined)?.round ?? 0
  network.receive({ type: 'appendAccepted', from: 'n2', to: 'n1', term: 1, verified: 1, durable: 1, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round: round() })
  clock.settle()
  journal.length = 0
  void raft.propose({ add: 1 })
  network.receive({ type: 'requestVoteReply', from: 'n2', to: 'n9', term: 0, preVote: true, voteGranted: true, round: 1 })
  clock.settle()
  network.receive({ type: 'appendAccepted', from: 'n2', to: 'n1', term: 1, verified: 2, durable: 2, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round: round() })
  clock.settle()
  const at = (what: string): number => journal.indexOf(what)
  t.true(at('send appendEntries') >= 0 && at('send appendEntries') < at('write hardState,append'), journal.join('\n'))
  t.true(at('write hardState,append') < at('status 2'))
  t.true(at('write hardState,append') < at('wrongAddressee'))
  t.true(at('commits') >= 0 && at('commits') < at('state 2'))
})

// ── how each ends ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

const endOf = (world: CounterWorld, end: (world: CounterWorld) => void): readonly string[] => {
  const ends: string[] = []
  for (const name of ALL) of(world.raft, name).subscribe({ complete: () => ends.push(name), error: () => ends.push(`error of ${name}`) })
  end(world)
  world.clock.advance(10_000)
  return ends
}

for (const name of ALL) {
  test(`${name} completes when the member is stopped`, t => {
    t.is(endOf(leaderOf(counter), ({ raft }) => void raft.stop()).filter(end => end === name).length, 1)
  })
  test(`${name} completes and does not error when the disk fails`, t => {
    const ends = endOf(leaderOf(counter), ({ disk }) => disk.say({ type: 'writeFailed', turn: 9, error: new Error('no space left') }))
    t.true(ends.includes(name))
    t.false(ends.includes(`error of ${name}`))
  })
  test(`unsubscribing from ${name} ends only that subscription`, t => {
    const world = leadThree()
    let ended = 0
    let kept = 0
    of(world.raft, name).subscribe({ complete: () => kept++ })
    of(world.raft, name).subscribe({ complete: () => ended++ }).unsubscribe()
    world.clock.advance(50)
    t.is(kept, 0)
    void world.raft.stop()
    world.clock.advance(10_000)
    t.deepEqual([kept, ended], [1, 0])
  })
}

test('ended$ completes last', t => {
  t.is(endOf(leaderOf(counter), ({ raft }) => void raft.stop()).at(-1), 'ended$')
  t.is(endOf(leaderOf(counter), ({ disk }) => disk.say({ type: 'readFailed', purpose: { type: 'apply' }, error: new Error('gone') })).at(-1), 'ended$')
})

test('leadership$ ends with undefined and an aborted signal', t => {
  const world = leaderOf(counter)
  const values = record(world.raft.leadership$)
  endOf(world, ({ raft }) => void raft.stop())
  t.is(values.at(-1), undefined)
  t.true(values[0]?.signal.aborted)
})

test('a leadership that passes the gate after it is known to be lost never begins', t => {
  const ready = { role: 'leader', term: 3, turn: 5, appliedIndex: 9, noopIndex: 9 } as RaftState
  const leaderships = createLeaderships(term => term, () => undefined)
  leaderships.follow({ role: 'follower', term: 4, turn: 6 } as RaftState)
  leaderships.begin(ready)
  t.is(leaderships.current(), undefined)
  leaderships.begin({ ...ready, turn: 8, term: 5 })
  t.is(leaderships.current(), 5)
})

// ── what they cost ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a value that nobody looks at is not read', t => {
  let reads = 0
  const value = createCurrent(() => ++reads)
  value.show()
  t.is(reads, 0)
  const subscription = value.value$.subscribe()
  value.show()
  t.is(reads, 2)
  subscription.unsubscribe()
  value.show()
  t.is(reads, 2)
})

test('commits are not made while nobody looks', t => {
  let results = 0
  const world = leaderOf({ ...counter, start: () => {
    const machine = counter.start()
    return { ...machine, get state() { return machine.state }, apply: entries => { results += entries.length; return machine.apply(entries) } }
  } })
  propose(world, 1)
  t.is(results, 1)
  const values = record(world.raft.commits$)
  propose(world, 1)
  t.is(values.length, 1)
})

ava('docs/streams.md names tests that there are, for every stream', t => {
  const promised = promises('outputs.test.ts')
  t.deepEqual(promised.map(quoted).filter(name => !names.includes(name)), [])
  const perStream = promised.flatMap(line => line.includes('the same for each') ? ALL.map(name => quoted(line).replace('status$', name)) : [])
  t.is(perStream.length, 3 * ALL.length)
  t.deepEqual(perStream.filter(name => !names.includes(name)), [])
})
