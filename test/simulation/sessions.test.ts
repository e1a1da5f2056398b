/** Commands over leaders that die, links that break and members that start again: each is applied once, and its outcome is known. */
import test from 'ava'
import { isRight } from '../../lib/prelude.js'
import { orThrow } from '../../streams/index.js'
import { type SimulationOptions, simulate } from '../../testing/index.js'
import { type Counters, counter, followersOf } from './counters.js'

/** A cluster that has a leader, and a client that has found it. */
const begun = async (seed: number, options: Partial<SimulationOptions<{ add: number }, number, number>> = {}): Promise<Counters> => {
  const cluster = simulate({ machine: counter, seed, members: 3, ...options })
  await cluster.until(() => cluster.leader() !== undefined)
  orThrow(await cluster.settle(cluster.connect('ann', { timeoutMs: 60_000 })))
  return cluster
}

/** What became of it: the outcome, or the error's name. */
const shortly = (outcome: Awaited<ReturnType<Counters['propose']>>): number | string => isRight(outcome) ? outcome.right : `${outcome.left._tag} ${outcome.left.appended}`

/** Commands of which each is another one, so that it is known wherever it is applied. */
const window = (cluster: Counters, count: number, options: { readonly through: string } | { readonly at: string }, from = 0) =>
  Array.from({ length: count }, (_, i) => cluster.propose({ add: from + i + 1 }, { ...options, timeoutMs: 60_000 }))

test('an answer that does not arrive: the command is sent again elsewhere, and the first one counts', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await begun(seed)
    is.is(shortly(await cluster.settle(cluster.propose({ add: 1 }, { through: 'ann' }))), 1)
    const leader = cluster.leader()!
    cluster.cut(leader, 'ann')
    const outcome = cluster.propose({ add: 2 }, { through: 'ann', timeoutMs: 60_000 })
    await cluster.until(() => cluster.member(leader).state === 3)
    cluster.kill(leader)
    is.is(shortly(await cluster.settle(outcome)), 3, `seed ${seed}`)
    cluster.start(leader)
    await cluster.recover()
    for (const id of cluster.ids) is.is(cluster.member(id).state, 3)
    await cluster.check()
  }
})

test('a leader that is killed with a full window on its way to it: every outcome is known, in order, and nothing is applied twice', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await begun(seed, { members: 3, limits: { maxBatchBytes: 64 } })
    const leader = cluster.leader()!
    const follower = cluster.ids.find(id => id !== leader)!
    orThrow(await cluster.settle(cluster.propose({ add: 1000 }, { through: 'ann' })))
    const [ann, forwarded] = [window(cluster, 256, { through: 'ann' }, 10_000), window(cluster, 256, { at: follower }, 20_000)]
    await cluster.run(seed)
    cluster.kill(leader)
    const outcomes = await Promise.all([ann, forwarded].map(one => cluster.settle(Promise.all(one))))
    for (const one of outcomes) {
      is.true(one.every(isRight), `seed ${seed}: ${one.map(shortly).find(word => typeof word === 'string')}`)
      const totals = one.map(outcome => isRight(outcome) ? outcome.right : 0)
      is.deepEqual(totals, [...totals].sort((a, b) => a - b))
    }
    cluster.start(leader)
    await cluster.recover()
    await cluster.check()
  }
})

test('a leader that hands over, and one that leaves, while commands are on their way to it: every outcome is known, in order', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await begun(seed, { limits: { maxBatchBytes: 64 } })
    const first = cluster.leader()!
    const outcomes: (number | string)[] = []
    let proposed = 0
    const write = (options: { readonly through: string } | { readonly at: string }): void => {
      proposed++
      void cluster.propose({ add: 1 }, { ...options, timeoutMs: 60_000 }).then(outcome => outcomes.push(shortly(outcome)))
    }
    const writeAll = (): void => {
      for (let i = 0; i < 20; i++) for (const from of [{ through: 'ann' }, ...cluster.ids.map(at => ({ at }))]) write(from)
    }
    writeAll()
    const heir = followersOf(cluster)[0]!
    is.is(orThrow(await cluster.settle(cluster.member(first).raft!.transferLeadership(heir))), heir)
    writeAll()
    await cluster.until(() => cluster.leader() === heir)
    const left = cluster.member(heir).raft!.members.remove(heir)
    writeAll()
    await cluster.settle(left)
    await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== heir)
    for (let i = 0; i < 20; i++) write({ through: 'ann' })
    await cluster.until(() => outcomes.length === proposed)
    is.deepEqual([...outcomes].sort((a, b) => Number(a) - Number(b)), Array.from({ length: proposed }, (_, i) => i + 1), `seed ${seed}`)
    await cluster.check()
  }
})

test('what a member proposed to itself is known after another has taken its office', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await begun(seed, { members: 5 })
    const leader = cluster.leader()!
    cluster.partition([leader], cluster.ids.filter(id => id !== leader))
    const own = window(cluster, 20, { at: leader })
    await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== leader)
    cluster.heal()
    const outcomes = await cluster.settle(Promise.all(own))
    is.deepEqual(outcomes.map(shortly), outcomes.map((_, i) => (i + 1) * (i + 2) / 2), `seed ${seed}`)
    await cluster.recover()
    await cluster.check()
  }
})

for (let seed = 1; seed <= 4; seed++) {
  test(`members that start again, from snapshots of their own and of the leader's, know what was applied: seed ${seed}`, async is => {
    // What is done stands here: where a promise is broken, no time goes into a shorter story.
    const cluster = await begun(seed, { replays: 0, limits: { snapshotEntries: 7, snapshotKeepEntries: 0, snapshotChunkBytes: 50 } })
    let add = 0
    let isOver = false
    const outcomes: (number | string)[] = []
    const write = (): void => {
      if (!isOver) void cluster.propose({ add: ++add }, { through: 'ann', timeoutMs: 60_000 }).then(outcome => { outcomes.push(shortly(outcome)) }).then(() => cluster.clock.after(3, write))
    }
    for (let i = 0; i < 8; i++) write()
    for (let round = 0; round < 6; round++) {
      await cluster.run(150)
      const id = cluster.ids[round % 3]!
      cluster.crash(id)
      await cluster.run(400)
      cluster.start(id)
    }
    isOver = true
    await cluster.recover()
    await cluster.until(() => outcomes.length === add)
    is.true(outcomes.length > 100 && outcomes.every(outcome => typeof outcome === 'number'), `${outcomes.find(outcome => typeof outcome === 'string')}`)
    await cluster.check()
  })
}

test('hours without any member close no session: a command that was on its way is known when they are back', async is => {
  const hours = 3 * 60 * 60 * 1000
  const cluster = await begun(9)
  orThrow(await cluster.settle(cluster.propose({ add: 1 }, { through: 'ann' })))
  const leader = cluster.leader()!
  cluster.cut(leader, 'ann')
  const outcome = cluster.propose({ add: 2 }, { through: 'ann', timeoutMs: 2 * hours })
  await cluster.until(() => cluster.member(leader).state === 3)
  for (const id of cluster.ids) cluster.kill(id)
  await cluster.run(hours)
  cluster.heal()
  for (const id of cluster.ids) cluster.start(id)
  is.is(shortly(await cluster.settle(outcome)), 3)
  await cluster.check()
})
