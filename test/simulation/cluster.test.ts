/** What a test can do to a simulated cluster, one thing at a time. */
import test from 'ava'
import { isLeft, isRight } from '../../lib/prelude.js'
import { step } from '../../lib/step.js'
import { type Machine, orThrow } from '../../streams/index.js'
import { SimulationFailed, type SimulatedCluster, type SimulationOptions, simulate } from '../../testing/index.js'
import { drawStorm } from '../../testing/simulation/faults/mix.js'
import { unleash } from '../../testing/simulation/faults/nemesis.js'
import { recipeOf } from '../../testing/simulation/options.js'
import { createWorld } from '../../testing/simulation/world.js'
import { createDice } from '../../testing/simulation/world/dice.js'
import { counter } from './counters.js'

type Counter = SimulatedCluster<{ add: number }, number, number>

/** A cluster that has a leader and one entry. */
const begun = async (options: Partial<SimulationOptions<{ add: number }, number, number>> = {}): Promise<Counter> => {
  const cluster = simulate({ machine: counter, seed: 1, ...options })
  await cluster.until(() => cluster.leader() !== undefined)
  orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! })))
  return cluster
}
const othersOf = (cluster: Counter, ...ids: readonly string[]): readonly string[] => cluster.ids.filter(id => !ids.includes(id))
const addAt = async (cluster: Counter, at: string, add: number): Promise<number> => orThrow(await cluster.settle(cluster.propose({ add }, { at })))

test('any member forwards a proposal, and every machine comes to the same state', async t => {
  const cluster = await begun({ members: 4 })
  for (const [i, id] of cluster.ids.entries()) t.is(await addAt(cluster, id, 1), i + 2)
  await cluster.run(500)
  t.deepEqual(cluster.ids.map(id => cluster.member(id).state), [5, 5, 5, 5])
})

test('a leader behind a partition loses its office, and its side takes no writes', async t => {
  const cluster = await begun({ members: 5 })
  const first = cluster.leader()!
  const [with1, ...rest] = othersOf(cluster, first)
  cluster.partition([first, with1!], rest)
  const lost = cluster.propose({ add: 10 }, { at: first, timeoutMs: 3000 })
  await cluster.until(() => rest.includes(cluster.leader() ?? ''), 10_000)
  t.is(await addAt(cluster, cluster.leader()!, 1), 2)
  const outcome = await cluster.settle(lost)
  t.true(isLeft(outcome) && outcome.left.appended === 'unknown')
  cluster.heal()
  await cluster.recover()
  t.deepEqual(cluster.ids.map(id => cluster.member(id).state), [2, 2, 2, 2, 2])
  await cluster.check()
})

test('a client connects, follows the leader over a crash, and what it is told is held against the log', async t => {
  const cluster = await begun({ members: 3, seed: 4 })
  const client = orThrow(await cluster.settle(cluster.connect('ann')))
  const add = (add: number) => cluster.settle(cluster.propose({ add }, { through: 'ann', timeoutMs: 10_000 }))
  t.is(orThrow(await add(1)), 2)
  const first = cluster.leader()!
  const lost = cluster.propose({ add: 2 }, { through: 'ann', timeoutMs: 10_000 })
  cluster.crash(first)
  await cluster.settle(lost)
  t.true(isRight(await add(3)))
  t.not(cluster.leader(), first)
  await cluster.recover()
  await cluster.check()
  t.deepEqual(cluster.history().map(({ client, at }) => [client, at]).slice(1), [['ann', 'ann'], ['ann', 'ann'], ['ann', 'ann']])
  await cluster.settle(client.close())
  t.deepEqual([await add(4)].map(outcome => isLeft(outcome) && outcome.left._tag), ['Stopped'])
})

test('a client that no answer reaches learns that the outcome is unknown; one that reaches nobody is told why', async t => {
  const cluster = await begun({ members: 3 })
  orThrow(await cluster.settle(cluster.connect('ann')))
  orThrow(await cluster.settle(cluster.propose({ add: 1 }, { through: 'ann' })))
  for (const id of cluster.ids) cluster.cut(id, 'ann')
  const deaf = await cluster.settle(cluster.propose({ add: 10 }, { through: 'ann', timeoutMs: 500 }))
  t.true(isLeft(deaf) && deaf.left.appended === 'unknown')
  t.is(cluster.member(cluster.leader()!).state, 12)
  for (const id of cluster.ids) cluster.pause(id)
  const nobody = await cluster.settle(cluster.connect('bob', { timeoutMs: 2000 }))
  t.true(isLeft(nobody) && nobody.left._tag === 'Unreachable')
  const never = await cluster.settle(cluster.propose({ add: 100 }, { through: 'bob' }))
  t.true(isLeft(never) && never.left.appended === 'never')
})

test('one way alone can be cut: who is not heard by its followers does not stay the leader', async t => {
  const cluster = await begun({ members: 3 })
  const first = cluster.leader()!
  for (const other of othersOf(cluster, first)) cluster.cut(first, other)
  await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== first, 10_000)
  t.not(cluster.leader(), first)
})

test('a way that is cut comes to those that are cut by then, whatever was mended before and whatever was left', async t => {
  const cluster = await begun({ members: 3 })
  const leader = cluster.leader()!
  const [a, b] = othersOf(cluster, leader) as [string, string]
  cluster.partition([a], [leader, b])
  await cluster.run(1000)
  await cluster.recover()
  cluster.cut(leader, b)
  await cluster.run(3000)
  t.is(cluster.leader(), leader, 'it has its quorum: what was mended stays mended')

  await cluster.recover({ links: [`${leader}>${a}`, `${b}>${a}`] })
  cluster.cut(a, b)
  const before = cluster.member(a).state
  await addAt(cluster, b, 5)
  await cluster.run(3000)
  t.is(cluster.member(a).state, before, 'nobody reaches whom the rest has left cut off')
})

test('a loss of power loses what was not synced, never what was acknowledged', async t => {
  const cluster = await begun({ members: 3 })
  for (let add = 2; add < 30; add++) await addAt(cluster, cluster.leader()!, add)
  for (const id of cluster.ids) cluster.crash(id)
  for (const id of cluster.ids) cluster.start(id)
  await cluster.until(() => cluster.leader() !== undefined)
  t.is(await addAt(cluster, cluster.leader()!, 0), 435)
})

test('a member that was stopped goes on late, and does not disturb those that went on without it', async t => {
  const cluster = await begun({ members: 3 })
  const leader = cluster.leader()!
  const [follower] = othersOf(cluster, leader)
  cluster.pause(follower!)
  await cluster.run(5000)
  cluster.resume(follower!)
  await cluster.calm(5000)
  t.is(cluster.leader(), leader)
  cluster.stall(leader, 4000)
  await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== leader, 10_000)
  t.pass()
})

test('whoever is stopped is not kept busy, and stays stopped when that would be over', async t => {
  const cluster = await begun({ members: 3 })
  const leader = cluster.leader()!
  const [follower] = othersOf(cluster, leader) as [string]
  /** Whether it hears of what is committed within a tenth of a second. */
  const goesOn = async (add: number): Promise<boolean> => {
    await addAt(cluster, leader, add)
    await cluster.run(100)
    return cluster.member(follower).state === cluster.member(leader).state
  }
  cluster.pause(follower)
  cluster.stall(follower, 100)
  await cluster.run(200)
  t.false(await goesOn(2), 'it was stopped before')
  cluster.resume(follower)
  await cluster.run(500)
  t.true(await goesOn(3))
  cluster.stall(follower, 100)
  cluster.pause(follower)
  await cluster.run(200)
  t.false(await goesOn(4), 'it was stopped while it was busy')
  cluster.resume(follower)
  cluster.stall(follower, 100)
  cluster.stall(follower, 400)
  await cluster.run(200)
  t.false(await goesOn(5), 'it is busy for longer')
  await cluster.run(500)
  t.true(await goesOn(6))
})

test('a storm that is over looks at no step any more', t => {
  const world = createWorld(recipeOf({ machine: counter }).recipe, undefined)
  const dice = createDice(1)
  let looking = 0
  const onStep: typeof world.onStep = listener => {
    const off = world.onStep(listener)
    looking++
    return () => {
      looking--
      off()
    }
  }
  const end = unleash({ world: { ...world, onStep }, dice, mix: drawStorm(dice, 1000), electionTimeoutMs: 1000, inflict: world.perform, struck: () => undefined })
  t.is(looking, 1)
  end()
  t.is(looking, 0)
})

test('a storm that ends before its time is over like any other', async t => {
  const cluster = await begun()
  cluster.clock.after(500, () => { throw new Error('a test of its own') })
  await t.throwsAsync(cluster.storm(5000), { message: 'a test of its own' })
  const faults = { ...cluster.counts.faults() }
  await cluster.run(10_000)
  t.deepEqual(cluster.counts.faults(), faults)
})

test('a full disk and a failing one end their member, and only that one', async t => {
  for (const fault of ['fillDisk', 'failDisk'] as const) {
    const cluster = await begun({ members: 3, segmentBytes: 4096 })
    const [victim] = othersOf(cluster, cluster.leader()!)
    cluster.inflict(fault === 'fillDisk' ? { type: fault, id: victim!, freeBytes: 0 } : { type: fault, id: victim!, operation: 'datasync', code: 'EIO', skip: 0 })
    for (let add = 0; add < 30; add++) await addAt(cluster, cluster.leader()!, add)
    t.is(cluster.member(victim!).raft, undefined)
    await cluster.recover()
    t.deepEqual(cluster.ids.map(id => cluster.member(id).state), [436, 436, 436])
  }
})

test('a flipped bit is never a lost entry: the member refuses to start, or has lost nothing', async t => {
  let refused = 0
  for (let at = 0; at < 8; at++) {
    const cluster = await begun({ members: 3, seed: at + 1 })
    for (let add = 2; add < 6; add++) await addAt(cluster, cluster.leader()!, add)
    const [victim] = othersOf(cluster, cluster.leader()!)
    cluster.kill(victim!)
    cluster.inflict({ type: 'damage', id: victim!, file: 2, at: 4096 + 700 * at })
    await cluster.recover()
    if (cluster.member(victim!).raft === undefined) refused++
    else t.is(cluster.member(victim!).state, 15)
  }
  t.true(refused > 0, 'no damage was noticed')
})

test('skewed clocks and a bad network change nothing but the time it takes', async t => {
  const cluster = await begun({ members: 3 })
  cluster.inflict({ type: 'skew', id: 'n1', rate: 1.1, wallMs: -3_600_000 })
  cluster.inflict({ type: 'skew', id: 'n2', rate: 0.9, wallMs: 3_600_000 })
  cluster.network({ delayMs: 10, drop: 0.05, duplicate: 0.2, stray: 0.1, split: 0.3, loss: 0.02, corrupt: 0.002, reset: 0.002 })
  for (let add = 2; add < 40; add++) await cluster.settle(cluster.propose({ add }, { at: cluster.ids[add % 3]! }))
  await cluster.recover()
  await cluster.check()
  t.true(cluster.history().filter(({ outcome }) => outcome !== undefined && isRight(outcome)).length > 20)
})

/** The same counter, which takes its time about it. */
const promising: Machine<{ add: number }, number, number> = {
  ...counter,
  start: () => {
    let total = 0
    return {
      get state() { return total },
      apply: async entries => {
        await Promise.resolve()
        return entries.map(({ command: { add } }) => (total += add))
      },
      snapshot: async function* () { yield new Uint8Array(0) },
      restore: async () => undefined,
    }
  },
}

test('a machine of promises runs in it, and so do subscribers that wait and then propose', async t => {
  const cluster = await begun({ machine: promising })
  let echoes = 0
  cluster.member('n1').commits$.subscribe(async event => {
    await Promise.resolve()
    if (event._tag === 'Applied' && echoes++ < 3) void cluster.propose({ add: 100 }, { at: 'n1' })
  })
  await addAt(cluster, 'n2', 1)
  await cluster.run(3000)
  t.is(cluster.member('n3').state, 302)
})

test('what breaks a promise is told with the seed and a story that is short', async t => {
  const cluster = await begun({
    members: 3, seed: 5,
    fold: (previous, batch) => {
      const next = step(previous, batch)
      const messages = next.ready.messages.map(message => message.type === 'appendAccepted' ? { ...message, durable: message.verified } : message)
      return { ...next, ready: { ...next.ready, messages } }
    },
  }).then(async running => {
    // What comes to a follower that was silent for a while is answered before its disk has it.
    for (let i = 0; i < 20; i++) {
      await running.run(90)
      await addAt(running, 'n1', 1)
    }
    return running
  }).catch((error: unknown) => error)
  t.true(cluster instanceof SimulationFailed)
  if (!(cluster instanceof SimulationFailed)) return
  t.is(cluster.seed, 5)
  t.regex(cluster.claim, /is durable, which it is not/)
  t.true(cluster.story.length <= 1, cluster.message)
  t.regex(cluster.message, /seed 5, after \d+ ms of virtual time/)
})
