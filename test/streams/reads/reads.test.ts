/** Reads on whole members: what they see, what they cost, and what becomes of them where no leader can be sure of itself. */
import test from 'ava'
import { Observable, filter, from } from 'rxjs'
import { isLeft, isRight, right } from '../../../lib/prelude.js'
import { memoryCluster, orThrow } from '../../../streams/index.js'
import { around } from '../../../testing/around.js'
import { type SimulatedCluster, type SimulationOptions, simulate } from '../../../testing/index.js'
import { type Add, counter, errorOf, leaderOf, worldOf } from '../member/world.js'

type Counter = SimulatedCluster<Add, number, number>
const whole = (total: number): number => total

/** A cluster that has a leader and one entry. */
const begun = async (options: Partial<SimulationOptions<Add, number, number>> = {}): Promise<Counter> => {
  const cluster = simulate<Add, number, number>({ machine: counter, seed: 3, ...options })
  await cluster.until(() => cluster.leader() !== undefined)
  orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! })))
  return cluster
}
const othersOf = (cluster: Counter, ...ids: readonly string[]): readonly string[] => cluster.ids.filter(id => !ids.includes(id))
const tagOf = (outcome: Awaited<ReturnType<Counter['read']>>): string => isLeft(outcome) ? outcome.left._tag : 'seen'

test('every member sees what was acknowledged to anybody before it was asked', async t => {
  const cluster = await begun({ members: 5 })
  for (let add = 2; add < 12; add++) {
    const total = orThrow(await cluster.settle(cluster.propose({ add }, { at: cluster.ids[add % 5]! })))
    const reads = await cluster.settle(Promise.all(cluster.ids.map(at => cluster.read(whole, { at }))))
    t.deepEqual(reads, cluster.ids.map(() => right(total)))
  }
  await cluster.check()
})

test('a read leaves nothing in the log', async t => {
  const { n1, n2, n3 } = orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'] }))
  const all = [n1, n2, n3]
  orThrow(await n1.propose({ add: 7 }))
  let last = 0
  const subscriptions = all.map(member => member.status$.subscribe(({ lastIndex }) => { last = Math.max(last, lastIndex) }))
  const before = last
  const reads = await Promise.all(Array.from({ length: 300 }, (_, i) => all[i % 3]!.read(total => total + i)))
  t.deepEqual(reads, reads.map((_, i) => right(7 + i)))
  t.is(last, before)
  subscriptions.forEach(subscription => subscription.unsubscribe())
  await Promise.all(all.map(member => member.stop()))
})

test('however many read at a time, a round of questions serves them all', async t => {
  const cluster = await begun({ members: 3 })
  for (const at of [cluster.leader()!, othersOf(cluster, cluster.leader()!)[0]!]) {
    let questions = 0
    const subscription = cluster.member(cluster.leader()!).appendEntries$.pipe(filter(message => message.type === 'appendEntries' && message.asks)).subscribe(() => { questions++ })
    await cluster.settle(Promise.all(Array.from({ length: 1000 }, () => cluster.read(whole, { at }))))
    t.is(questions, 2, 'one to each follower')
    subscription.unsubscribe()
  }
})

test('a leader that was cut off shows nobody what it has; the others are read meanwhile', async t => {
  const cluster = await begun({ members: 5 })
  const old = cluster.leader()!
  const [near, ...rest] = othersOf(cluster, old)
  cluster.partition([old, near!], rest)
  const first = [old, near!].map(at => cluster.read(whole, { at, timeoutMs: 8000 }))
  await cluster.until(() => rest.includes(cluster.leader() ?? ''), 10_000)
  t.is(orThrow(await cluster.settle(cluster.propose({ add: 10 }, { at: cluster.leader()! }))), 11)
  const second = [old, near!].map(at => cluster.read(whole, { at, timeoutMs: 3000 }))
  for (const at of rest) t.deepEqual(await cluster.settle(cluster.read(whole, { at })), right(11))
  for (const outcome of await cluster.settle(Promise.all([...first, ...second]))) t.true(['NotLeader', 'TimedOut'].includes(tagOf(outcome)), tagOf(outcome))
  cluster.heal()
  t.deepEqual(await cluster.settle(cluster.read(whole, { at: old, timeoutMs: 10_000 })), right(11))
  await cluster.recover()
  await cluster.check()
})

test('a read that a leader cannot answer any more is answered by the next one', async t => {
  const cluster = await begun({ members: 3 })
  const old = cluster.leader()!
  const [near, far] = othersOf(cluster, old)
  cluster.pause(old)
  const reads = [near!, far!].map(at => cluster.read(whole, { at, timeoutMs: 20_000 }))
  t.deepEqual(await cluster.settle(Promise.all(reads)), [right(1), right(1)])
  t.not(cluster.leader(), old)
})

test('a leader that wakes up from a pause, or whose clock goes slow, shows nothing that others have overwritten', async t => {
  for (let seed = 1; seed <= 6; seed++) {
    const cluster = await begun({ members: 3, seed })
    const old = cluster.leader()!
    if (seed % 2 === 0) cluster.pause(old)
    else {
      cluster.inflict({ type: 'skew', id: old, rate: 0.01 })
      cluster.partition([old], othersOf(cluster, old))
    }
    await cluster.until(() => othersOf(cluster, old).includes(cluster.leader() ?? ''), 10_000)
    t.is(orThrow(await cluster.settle(cluster.propose({ add: 10 }, { at: cluster.leader()! }))), 11)
    const read = cluster.read(whole, { at: old, timeoutMs: 20_000 })
    await cluster.run(10)
    cluster.resume(old)
    cluster.heal()
    cluster.inflict({ type: 'skew', id: old, rate: 1 })
    t.deepEqual(await cluster.settle(read), right(11), `seed ${seed}`)
    await cluster.recover()
    await cluster.check()
  }
})

test('a link that breaks loses no read', async t => {
  const cluster = await begun({ members: 3 })
  const [follower] = othersOf(cluster, cluster.leader()!)
  const reads = Array.from({ length: 20 }, async () => {
    const read = cluster.read(whole, { at: follower!, timeoutMs: 20_000 })
    cluster.inflict({ type: 'reset', a: follower!, b: cluster.leader()! })
    return cluster.settle(read)
  })
  for (const read of reads) t.deepEqual(await read, right(1))
})

test('after all have lost power nothing is read before it is there again', async t => {
  const cluster = await begun({ members: 3 })
  for (let add = 2; add < 40; add++) orThrow(await cluster.settle(cluster.propose({ add })))
  for (const id of cluster.ids) cluster.crash(id)
  for (const id of cluster.ids) cluster.start(id)
  await cluster.until(() => cluster.ids.every(id => cluster.member(id).raft !== undefined))
  const reads = cluster.ids.map(at => cluster.read(whole, { at, timeoutMs: 20_000 }))
  t.deepEqual(await cluster.settle(Promise.all(reads)), reads.map(() => right(780)))
})

/** A counter whose calls end when they are told to, once it is held. */
const heldCounter = () => {
  const calls: (() => void)[] = []
  let isHeld = false
  const machine = around(counter, running => ({
    apply: entries => new Observable(subscriber => {
      const call = (): void => { subscriber.add(from(running.apply(entries)).subscribe(subscriber)) }
      if (isHeld) calls.push(call)
      else call()
    }),
  }))
  return { machine, hold: (): void => { isHeld = true }, letGo: (): void => calls.splice(0).forEach(call => call()) }
}

test('a member whose machine lags reads when it has caught up', async t => {
  const { machine, hold, letGo } = heldCounter()
  const { raft, clock } = leaderOf(machine)
  const outcomes: unknown[] = []
  const see = async (): Promise<readonly unknown[]> => {
    clock.advance(5)
    await new Promise(setImmediate)
    return outcomes
  }
  hold()
  void raft.propose({ add: 5 }).then(outcome => outcomes.push(['propose', outcome]))
  clock.advance(5)
  void raft.read(whole).then(outcome => outcomes.push(['read', outcome]))
  t.deepEqual(await see(), [], 'the entry is committed and not yet applied')
  letGo()
  t.deepEqual(await see(), [['propose', right(5)], ['read', right(5)]])
})

test('whoever stops tells those who still wait', async t => {
  const cluster = await begun({ members: 3 })
  const [follower] = othersOf(cluster, cluster.leader()!)
  cluster.partition([follower!], othersOf(cluster, follower!))
  const { raft } = cluster.member(follower!)
  const waiting = raft!.read(whole, { timeoutMs: 100_000 })
  const stopped = raft!.stop()
  t.is(errorOf(await raft!.read(whole))?._tag, 'Stopped')
  await cluster.settle(stopped)
  t.is(errorOf(await waiting)?._tag, 'Stopped')
})

test('a cluster of one reads without asking anybody', async t => {
  const { raft, clock, network } = leaderOf(counter)
  const proposed = raft.propose({ add: 2 })
  clock.advance(10)
  t.true(isRight(await proposed))
  const read = raft.read(whole)
  clock.advance(10)
  t.deepEqual(await read, right(2))
  t.deepEqual(network.sent, [])
})

test('a question over a link is answered over it, by who does not lead with a refusal; clients may not ask', t => {
  const world = worldOf(counter, ['n2', 'n3'])
  const from = { type: 'member', id: 'n3' } as const
  const client = { type: 'client', link: 1 } as const
  const misplaced: string[] = []
  world.raft.diagnostics$.pipe(filter(({ type }) => type === 'misplacedMessage')).subscribe(({ type }) => misplaced.push(type))
  world.network.say({ type: 'connected', party: from })
  world.network.say({ type: 'connected', party: client })
  world.network.say({ type: 'received', from, message: { type: 'readIndex', id: 41 } })
  world.network.say({ type: 'received', from: client, message: { type: 'readIndex', id: 42 } })
  world.clock.settle()
  t.deepEqual(world.network.sent.filter(({ message }) => message.type !== 'members'), [{ to: from, message: { type: 'readRefused', id: 41, reason: 'notLeader' } }])
  t.deepEqual(misplaced, ['misplacedMessage'])
  world.network.say({ type: 'received', from, message: { type: 'readIndex', id: 43 } })
  world.network.say({ type: 'disconnected', party: from, unanswered: 'unknown' })
  world.network.say({ type: 'connected', party: from })
  world.clock.settle()
  t.is(world.network.sent.filter(({ message }) => message.type !== 'members').length, 1, 'whoever asked over another link has asked again by itself')
})

test('where the inbox is full a question is refused', t => {
  const world = worldOf(counter, ['n2', 'n3'], { limits: { maxInboxEvents: 2 } })
  const from = { type: 'member', id: 'n3' } as const
  world.network.say({ type: 'connected', party: from })
  for (const id of [1, 2, 3]) world.network.say({ type: 'received', from, message: { type: 'readIndex', id } })
  world.clock.settle()
  t.deepEqual(world.network.sent.map(({ message }) => message).sort((a, b) => Reflect.get(a, 'id') - Reflect.get(b, 'id')), [
    { type: 'readRefused', id: 1, reason: 'notLeader' }, { type: 'readRefused', id: 2, reason: 'notLeader' }, { type: 'readRefused', id: 3, reason: 'inboxFull' },
  ])
})
