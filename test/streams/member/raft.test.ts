import { execFile } from 'node:child_process'
import test, { type ExecutionContext } from 'ava'
import * as t from 'io-ts'
import { NEVER, type Observable, filter, firstValueFrom, from, lastValueFrom, map, toArray } from 'rxjs'
import type { ProposeError } from '../../../lib/errors.js'
import { type Either, right } from '../../../lib/prelude.js'
import {
  ApplyFailed, type Ended, type Machine, StepFailed, createRaft, memoryCluster, memoryStorage, orThrow, reducerMachine, whileLeader,
} from '../../../streams/index.js'
import type { Links } from '../../../streams/transport/port.js'
import { own, root } from '../../run.js'
import { type Add, type Counter, type World, addBatch, counter, errorOf, leaderOf, optionsOf, worldOf } from './world.js'

const cluster = async (c: ExecutionContext, members: readonly string[] = ['n1', 'n2', 'n3'], machine = counter): Promise<readonly Counter[]> => {
  const rafts: Counter[] = Object.values(orThrow(await memoryCluster({ machine, members, electionTimeoutMs: 1000, heartbeatMs: 50 })))
  c.teardown(() => Promise.all(rafts.map(raft => raft.stop())))
  return rafts
}

const leaderAmong = (rafts: readonly Counter[]): Promise<Counter> =>
  Promise.race(rafts.map(async raft => {
    await firstValueFrom(raft.leadership$.pipe(filter(leadership => leadership !== undefined)), { defaultValue: undefined })
    return raft
  }))

const reached = (raft: Counter, total: number): Promise<unknown> => firstValueFrom(raft.state$.pipe(filter(({ state }) => state === total)))

const record = <A>(stream$: Observable<A>): A[] => {
  const values: A[] = []
  stream$.subscribe(value => values.push(value))
  return values
}

// ── a cluster at work ───────────────────────────────────────────────────────────────────────────────────────────────────────────

test('every member takes proposals, whoever leads, and all machines reach the same state', async c => {
  const rafts = await cluster(c)
  const results = []
  for (const raft of rafts) results.push(orThrow(await raft.propose({ add: 2 })))
  c.deepEqual(results, [2, 4, 6])
  await Promise.all(rafts.map(raft => reached(raft, 6)))
  c.pass()
})

test('proposals of one member keep their order, also through a follower', async c => {
  const rafts = await cluster(c)
  const leader = await leaderAmong(rafts)
  const follower = rafts.find(raft => raft !== leader)!
  const outcomes = await Promise.all(Array.from({ length: 500 }, () => follower.propose({ add: 1 })))
  c.deepEqual(outcomes.map(orThrow), Array.from({ length: 500 }, (_, i) => i + 1))
})

test('when the leader stops, another leads and nothing committed is lost', async c => {
  const rafts = await cluster(c)
  const leader = await leaderAmong(rafts)
  orThrow(await leader.propose({ add: 40 }))
  await leader.stop()
  const rest = rafts.filter(raft => raft !== leader)
  c.is(orThrow(await rest[0]!.propose({ add: 2 })), 42)
  const statuses = await Promise.all(rest.map(raft => firstValueFrom(raft.status$.pipe(filter(({ leader, role }) => leader !== undefined && role !== 'candidate')))))
  c.true(statuses.every(status => status.term >= 2))
})

test('a cluster of one elects itself', async c => {
  const [only] = await cluster(c, ['solo'])
  c.is(orThrow(await only!.propose({ add: 5 })), 5)
})

test('replicate: outcomes in the order of the commands, through any member', async c => {
  const rafts = await cluster(c)
  const commands = Array.from({ length: 300 }, (_, i) => ({ add: i }))
  const outcomes = await lastValueFrom(from(commands).pipe(rafts[1]!.replicate({ window: 16 }), toArray()))
  c.deepEqual(outcomes.map(({ command }) => command), commands)
  c.is(orThrow(outcomes.at(-1)!.outcome), (300 * 299) / 2)
})

test('whileLeader: the work runs where the leadership is, in its term, and ends with it', async c => {
  const rafts = await cluster(c)
  const begun: string[] = []
  let running = 0
  for (const [i, raft] of rafts.entries()) {
    raft.leadership$.pipe(whileLeader(leadership => {
      begun.push(`${i}`)
      running++
      leadership.signal.addEventListener('abort', () => running--)
      return NEVER
    })).subscribe()
  }
  const leader = await leaderAmong(rafts)
  c.deepEqual(begun, [`${rafts.indexOf(leader)}`])
  c.is(running, 1)
  await leader.stop()
  c.is(running, 0)
  await leaderAmong(rafts.filter(raft => raft !== leader))
  c.is(begun.length, 2)
})

test('a leadership proposes in its own term and is refused in any other', async c => {
  const rafts = await cluster(c)
  const leader = await leaderAmong(rafts)
  const leadership = await firstValueFrom(leader.leadership$)
  c.is(orThrow(await leadership!.propose({ add: 1 })), 1)
  const outcomes = await lastValueFrom(leadership!.replicateFrom([{ add: 1 }, { add: 1 }]).pipe(toArray()))
  c.deepEqual(outcomes.map(({ outcome }) => orThrow(outcome)), [2, 3])
  await leader.stop()
  c.like(errorOf(await leadership!.propose({ add: 1 })), { appended: 'never' })
})

test('whoever hears of a leadership may propose at once', async c => {
  const world = worldOf(counter)
  world.disk.flow()
  const outcomes: unknown[] = []
  world.raft.leadership$.pipe(whileLeader(leadership => leadership.replicateFrom([{ add: 1 }, { add: 2 }]))).subscribe(({ outcome }) => outcomes.push(outcome))
  await turns(world, 100)
  c.deepEqual(outcomes, [right(1), right(3)])
})

test('a member that starts again on its disk has what was committed', async c => {
  const storage = memoryStorage()
  const first = orThrow(await createRaft(optionsOf({ storage })))
  orThrow(await first.propose({ add: 3 }))
  await first.stop()
  const second = orThrow(await createRaft(optionsOf({ storage })))
  c.teardown(() => second.stop())
  c.is(orThrow(await second.propose({ add: 4 })), 7)
  c.true((await firstValueFrom(second.status$)).term >= 2)
})

// ── proposals that fail ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a member that is alone leads at once, however patient it is', async c => {
  const raft = orThrow(await createRaft(optionsOf({ electionTimeoutMs: 60_000, heartbeatMs: 30_000 })))
  c.teardown(() => raft.stop())
  c.is(orThrow(await raft.propose({ add: 1 }, { timeoutMs: 10_000 })), 1)
})

test('without a leader a proposal fails in its time, and is in no log', async c => {
  const raft = orThrow(await createRaft(optionsOf({ members: { n1: 'localhost:1', n2: 'localhost:2' } })))
  c.teardown(() => raft.stop())
  const outcome = await raft.propose({ add: 1 }, { timeoutMs: 50 })
  c.like(errorOf(outcome), { _tag: 'NotLeader', appended: 'never' })
})

test('a command of the wrong shape is rejected with its path, and one that is too large by its size', async c => {
  const raft = orThrow(await createRaft(optionsOf({ limits: { maxCommandBytes: 64 } })))
  c.teardown(() => raft.stop())
  const wrong = errorOf(await raft.propose({ add: 'much' } as unknown as Add))
  c.is(wrong?._tag, 'Rejected')
  c.regex(wrong?.message ?? '', /add/)
  const large = orThrow(await createRaft({
    ...optionsOf(), limits: { maxCommandBytes: 64 }, machine: { ...counter, command: t.string } as unknown as Machine<Add, number, number>,
  }))
  c.teardown(() => large.stop())
  c.like(errorOf(await large.propose('x'.repeat(100) as unknown as Add)), { _tag: 'TooLarge', appended: 'never', maxCommandBytes: 64 })
})

test('what an object hides from JSON is rejected where it would be appended, and what is proposed beside it is not', async c => {
  const rafts = await cluster(c)
  const hiding = Object.assign(Object.create({ toJSON: () => ({}) }) as object, { add: 1 })
  for (const raft of rafts) {
    const [before, hidden, after] = await Promise.all([{ add: 1 }, hiding, { add: 1 }].map(command => raft.propose(command)))
    c.like(errorOf(hidden!), { _tag: 'Rejected', appended: 'never' })
    c.deepEqual([before, after].map(outcome => outcome?._tag), ['Right', 'Right'])
  }
  await Promise.all(rafts.map(raft => reached(raft, 6)))
})

test('a reducer that throws changes nothing and tells its proposer', async c => {
  const [n1] = await cluster(c)
  orThrow(await n1!.propose({ add: 1 }))
  const failed = errorOf(await n1!.propose({ add: 666 }))
  c.like(failed, { _tag: 'MachineFailed', appended: 'yes' })
  c.is(orThrow(await n1!.propose({ add: 1 })), 2)
})

test('an error without a message fails one command, whoever leads and whoever asks, and ends nobody', async c => {
  const speechless = reducerMachine<Add, number, number>({
    command: counter.command, result: t.number, state: t.number, initial: 0,
    reduce: (total, { add }) => {
      if (add === 666) throw Object.defineProperty(new Error(), 'message', { value: undefined })
      return [total + add, total + add]
    },
  })
  const rafts = await cluster(c, ['n1', 'n2', 'n3'], speechless)
  const ends = rafts.map(({ ended$ }) => record(ended$))
  for (const raft of rafts) {
    const [before, failed, after] = await Promise.all([1, 666, 1].map(add => raft.propose({ add })))
    c.like(errorOf(failed!), { _tag: 'MachineFailed', appended: 'yes', reason: 'an error whose message is undefined' })
    c.deepEqual([before, after].map(outcome => outcome?._tag), ['Right', 'Right'])
  }
  await Promise.all(rafts.map(raft => reached(raft, 6)))
  c.deepEqual(ends, [[], [], []])
})

// ── how members end ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('stopping twice is stopping once, and a stopped member refuses proposals', async c => {
  const raft = orThrow(await createRaft(optionsOf()))
  const ended = record(raft.ended$)
  await Promise.all([raft.stop(), raft.stop()])
  await raft[Symbol.asyncDispose]()
  c.deepEqual(ended, [{ _tag: 'Stopped' }])
  c.like(errorOf(await raft.propose({ add: 1 })), { _tag: 'Stopped', appended: 'never' })
})

test('a process whose members are stopped ends by itself; a subscriber that throws is the host\'s uncaught exception and harms nobody else', async c => {
  const out = await new Promise<string>((done, failed) => execFile(
    process.execPath, [own('test/streams/member/uncaught-program.js')], { cwd: root, timeout: 60_000 },
    (error, stdout) => error ? failed(error) : done(stdout),
  ))
  c.deepEqual(JSON.parse(out), { first: 1, second: 3, seen: 2, uncaught: ['thrown by a subscriber', 'thrown by a subscriber'] })
})

type Outcome = Either<ProposeError, number>

const propose = ({ raft, clock }: World<Add, number, number>, add = 1): { readonly outcome: () => Outcome | undefined } => {
  let outcome: Outcome | undefined
  void raft.propose({ add }).then(value => { outcome = value })
  clock.settle()
  return { outcome: () => outcome }
}

const turns = async ({ clock }: World<Add, number, number>, ms: number): Promise<void> => {
  clock.advance(ms)
  await new Promise(resolve => setImmediate(resolve))
}

test('stop waits for what was accepted', async c => {
  const world = leaderOf(counter, { electionTimeoutMs: 2000 })
  world.disk.hold()
  const { outcome } = propose(world)
  const ended = record(world.raft.ended$)
  void world.raft.stop()
  await turns(world, 1000)
  c.deepEqual([outcome(), ended], [undefined, []])
  world.disk.flow()
  await turns(world, 1000)
  c.deepEqual([outcome(), ended], [right(1), [{ _tag: 'Stopped' }]])
})

test('what has no fate when stopTimeoutMs is over is answered as unknown', async c => {
  const world = leaderOf(counter, { electionTimeoutMs: 2000, limits: { stopTimeoutMs: 300 } })
  world.disk.hold()
  const { outcome } = propose(world)
  const ended = record(world.raft.ended$)
  void world.raft.stop()
  await turns(world, 250)
  c.deepEqual([outcome(), ended], [undefined, []])
  await turns(world, 100)
  c.like(errorOf(outcome()!), { _tag: 'OutcomeUnknown', appended: 'unknown' })
  c.deepEqual(ended, [{ _tag: 'Stopped' }])
})

test('a disk or network that does not close is left to itself after stopTimeoutMs', async c => {
  const links: Links = { address: 'localhost:1', events$: NEVER, send: () => undefined, update: () => undefined, close: () => undefined }
  const world = leaderOf(counter, { limits: { stopTimeoutMs: 300 }, transport: { open: (_endpoint, done) => done(right(links)) } })
  const [ended, diagnostics] = [record(world.raft.ended$), record(world.raft.diagnostics$)]
  void world.raft.stop()
  await turns(world, 250)
  c.deepEqual(ended, [])
  await turns(world, 100)
  c.deepEqual(ended, [{ _tag: 'Stopped' }])
  c.like(diagnostics.at(-1), { type: 'closeTimedOut', severity: 'error' })
})

const endOf = (world: World<Add, number, number>): { readonly ended: readonly Ended[]; readonly outcome: () => Outcome | undefined } => {
  world.disk.hold()
  const ended = record(world.raft.ended$)
  return { ended, ...propose(world) }
}

test('a failed write ends the member: proposals have unknown outcomes, and ended$ has the error', async c => {
  const world = leaderOf(counter)
  const { ended, outcome } = endOf(world)
  const error = new Error('no space left on device')
  world.disk.say({ type: 'writeFailed', turn: 4, error })
  await turns(world, 10)
  c.like(errorOf(outcome()!), { _tag: 'OutcomeUnknown' })
  c.deepEqual(ended, [{ _tag: 'Failed', error }])
  c.is(world.disk.closings(), 1)
  const { raft } = world
  for (const refused of [raft.propose({ add: 1 }), raft.read(total => total), raft.snapshot(), raft.transferLeadership(), raft.members.add('n4', '127.0.0.1:4')]) {
    c.like(await refused, { _tag: 'Left', left: { _tag: 'Stopped', message: 'This was refused because the member failed: no space left on device.' } })
  }
})

test('a failed read ends the member too', async c => {
  const world = leaderOf(counter)
  const { ended } = endOf(world)
  world.disk.say({ type: 'readFailed', purpose: { type: 'apply' }, error: new Error('no such sector') })
  await turns(world, 10)
  c.like(ended, { 0: { _tag: 'Failed', error: { message: 'no such sector' } }, length: 1 })
})

test('a proposal that waits for a leader when the member fails is told at once that it was never appended', async c => {
  const world = worldOf(counter, ['n2', 'n3'])
  const { outcome } = propose(world)
  world.disk.say({ type: 'writeFailed', turn: 1, error: new Error('gone') })
  await turns(world, 10)
  c.like(errorOf(outcome()!), { appended: 'never' })
})

const fail = (reason: string): never => { throw new Error(reason) }

test('a step that throws ends the member, with the batches that led there', async c => {
  const world = worldOf(counter, ['n2', 'n3'])
  const { ended } = endOf(world)
  let looks = 0
  const said = { type: 'requestVote', from: 'n2', to: 'n1', term: 0, round: 1, preVote: true, transfer: false, lastLogTerm: 0 } as const
  // Well-formed whenever that is asked, and not when it is used.
  world.network.receive({ ...said, get lastLogIndex() { return ++looks <= 2 ? 0 : fail('spoilt') } })
  await turns(world, 10)
  const [end] = ended
  if (end?._tag !== 'Failed' || !(end.error instanceof StepFailed)) return c.fail('did not fail')
  c.is(end.error.batches.at(-1)?.events.at(-1)?.type, 'received')
})

test('a machine that fails ends the member with the index that is not applied', async c => {
  const world = leaderOf<Add, number, number>({
    ...counter, start: () => ({ ...counter.start(), apply: () => { throw new Error('out of order') } }),
  })
  const ended = record(world.raft.ended$)
  const { outcome } = propose(world)
  await turns(world, 10)
  const [end] = ended
  if (end?._tag !== 'Failed' || !(end.error instanceof ApplyFailed)) return c.fail('did not fail')
  c.like(end.error, { _tag: 'ApplyFailed', name: 'ApplyFailed', index: 2 })
  c.regex(end.error.message, /out of order/)
  c.like(errorOf(outcome()!), {
    _tag: 'OutcomeUnknown',
    message: 'The outcome is unknown because the member failed: The entry at 2 cannot be applied: out of order; the command may still be applied, once, or never.',
  })
})

test('stop during a failure, and failure during a stop, end once', async c => {
  const world = leaderOf(counter)
  const { ended } = endOf(world)
  void world.raft.stop()
  world.disk.say({ type: 'writeFailed', turn: 4, error: new Error('gone') })
  void world.raft.stop()
  await turns(world, 100)
  c.like(ended, { 0: { _tag: 'Failed' }, length: 1 })
  c.is(world.disk.closings(), 1)
})

// ── what comes in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

test('messages beyond maxInboxEvents of one turn are dropped and reported, that turn only', c => {
  const world = worldOf(counter, ['n2', 'n3'], { limits: { maxInboxEvents: 10 } })
  const dropped = record(world.raft.diagnostics$.pipe(map(notice => notice.type === 'inboxFull' ? notice.dropped : 0), filter(count => count > 0)))
  for (const count of [25, 10, 11]) {
    for (let i = 0; i < count; i++) world.network.receive({ type: 'appendAccepted', from: 'n2', to: 'n1', term: 0, verified: 0, durable: 0, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round: i })
    world.clock.settle()
  }
  c.deepEqual(dropped, [15, 1])
})

test('a proposal that finds the inbox full is refused as busy and comes again', async c => {
  const world = leaderOf(counter, { limits: { maxInboxEvents: 1 } })
  const { outcome } = propose(world, 0)
  await turns(world, 0)
  c.deepEqual(outcome(), right(0))
  let late: Outcome | undefined
  void world.raft.propose({ add: 3 }).then(value => { late = value })
  world.network.receive({ type: 'appendAccepted', from: 'n2', to: 'n1', term: 0, verified: 0, durable: 0, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round: 1 })
  const diagnostics = record(world.raft.diagnostics$.pipe(map(({ type }) => type)))
  await turns(world, 0)
  c.deepEqual([late, diagnostics.filter(type => type === 'inboxFull')], [undefined, ['inboxFull']])
  await turns(world, 50)
  c.deepEqual(late, right(3))
})

test('who speaks in another\'s name, or says what is not its to say, is not heard', c => {
  const world = worldOf(counter, ['n2', 'n3'])
  const notices = record(world.raft.diagnostics$.pipe(filter(({ type }) => type === 'misplacedMessage')))
  const message = { type: 'requestVote', from: 'n3', to: 'n1', term: 9, preVote: false, transfer: false, lastLogIndex: 9, lastLogTerm: 9, round: 1 } as const
  world.network.say({ type: 'received', from: { type: 'member', id: 'n2' }, message })
  world.network.say({ type: 'received', from: { type: 'client', link: 1 }, message })
  world.network.say({ type: 'received', from: { type: 'client', link: 1 }, message: { type: 'lost', id: 1 } })
  world.clock.settle()
  c.is(notices.length, 3)
  c.deepEqual(world.network.sent, [])
})

test('a request over a link is answered over it, and a refusal names the leader', c => {
  const world = worldOf(counter, ['n2', 'n3'])
  const from = { type: 'client', link: 4 } as const
  const batch = addBatch(1, 1, 7)
  if (batch.kind !== 'command') return c.fail('no commands')
  world.network.say({ type: 'connected', party: from })
  world.network.receive({ type: 'appendEntries', from: 'n2', to: 'n1', term: 1, prevLogIndex: 0, prevLogTerm: 0, batches: [], leaderCommit: 0, asks: false, round: 1 })
  world.clock.settle()
  world.network.say({ type: 'received', from, message: { type: 'propose', id: 1, epoch: 0, term: 1, body: batch.body } })
  world.clock.settle()
  c.like(world.network.sent.findLast(({ to }) => to.type === 'client'), {
    to: from, message: { type: 'refused', id: 1, reason: 'notLeader', leader: { id: 'n2', address: 'localhost:2' } },
  })
})
