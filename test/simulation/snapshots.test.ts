/** Snapshots in a simulated cluster: members begin from them, and what is wrong with one does not go unnoticed. */
import test from 'ava'
import { type Machine, type SnapshotEvent, orThrow } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { SimulationFailed, type SimulatedCluster, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

type Command = { add: number }

const clusterOf = (machine: Machine<Command, number, number>, seed = 1): SimulatedCluster<Command, number, number> =>
  simulate({ machine, seed, limits: { snapshotEntries: 5 } })

const add = async (cluster: SimulatedCluster<Command, number, number>, times: number): Promise<void> => {
  await cluster.until(() => cluster.leader() !== undefined)
  for (let i = 0; i < times; i++) orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()!, timeoutMs: 10_000 })))
}

/** The same machine with other bytes, on their way out or on their way in. */
const spoilt = (where: 'snapshot' | 'restore', spoil: (state: string) => string): Machine<Command, number, number> => {
  async function* spoiling(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) yield Buffer.from(spoil(Buffer.from(chunk).toString()))
  }
  return around(counter, running => where === 'snapshot'
    ? { snapshot: () => spoiling(running.snapshot()) }
    : { restore: bytes => running.restore(spoiling(bytes)) })
}

test('every member takes snapshots of its own, and begins from the newest however it ended', async c => {
  const cluster = clusterOf(counter)
  const events: (SnapshotEvent & { readonly id: string })[] = []
  for (const id of cluster.ids) cluster.member(id).snapshots$.subscribe(event => events.push({ ...event, id }))
  await add(cluster, 12)
  await cluster.run(500)
  for (const id of cluster.ids) {
    const newest = events.findLast(event => event.id === id && event.type === 'captured')
    c.true(newest?.type === 'captured' && newest.snapshot.index >= 10, id)
    const commits: number[] = []
    if (id === 'n1') cluster.crash(id)
    else cluster.kill(id)
    cluster.member(id).commits$.subscribe(event => { if (event._tag === 'Applied') commits.push(...event.commits.map(({ index }) => index)) })
    cluster.start(id)
    await cluster.recover()
    const restored = events.findLast(event => event.id === id && event.type === 'restored')
    c.true(restored?.type === 'restored' && newest?.type === 'captured' && restored.snapshot.index === newest.snapshot.index, id)
    c.true(commits.every(index => newest?.type === 'captured' && index > newest.snapshot.index))
  }
  c.deepEqual(cluster.ids.map(id => cluster.member(id).state), [12, 12, 12])
  const snapshot = orThrow(await cluster.settle(cluster.member('n2').raft!.snapshot()))
  c.true(snapshot.index > 12)
  await cluster.check()
})

for (const where of ['snapshot', 'restore'] as const) {
  test(`a machine that has become another after its ${where} is noticed where it begins`, async c => {
    const cluster = clusterOf(spoilt(where, state => `${state}0`))
    await add(cluster, 12)
    await cluster.run(500)
    cluster.crash('n3')
    cluster.start('n3')
    const error = await c.throwsAsync(cluster.run(5000), { instanceOf: SimulationFailed })
    c.regex(error.message, /n3 begins at \d+ as \d+0, which was \d+/)
  })
}

test('a machine whose snapshots cannot be read is the one that is asked for the whole log, and nothing is broken', async c => {
  const cluster = clusterOf(spoilt('restore', () => 'nonsense'))
  const told: string[] = []
  cluster.member('n3').diagnostics$.subscribe(({ type }) => told.push(type))
  await add(cluster, 12)
  await cluster.run(500)
  cluster.crash('n3')
  cluster.start('n3')
  await cluster.recover()
  c.true(told.includes('snapshotUnusable'))
  c.deepEqual(cluster.ids.map(id => cluster.member(id).state), [12, 12, 12])
})

test('no storm breaks a promise of members that begin from snapshots', async c => {
  c.timeout(300_000)
  let restored = 0
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = simulate({ machine: counter, seed, electionTimeoutMs: 150, heartbeatMs: 30, limits: { snapshotEntries: 4 } })
    let next = 0
    const client = (name: string): void => void cluster.clock.after(20, () => {
      const add = ++next
      void cluster.propose({ add }, { at: cluster.ids[add % 3]!, client: name, timeoutMs: 500 }).then(() => client(name))
    })
    for (const name of ['ann', 'bob', 'cid']) client(name)
    for (const id of cluster.ids) cluster.member(id).snapshots$.subscribe(({ type }) => { if (type === 'restored') restored++ })
    for (let storm = 0; storm < 2; storm++) {
      await cluster.storm(2_500)
      for (const id of cluster.ids) cluster.crash(id, 0.5)
      await cluster.recover()
    }
    await cluster.check()
  }
  c.true(restored >= 8, `${restored} restored`)
})

interface Tally { readonly total: number; readonly latest: number | undefined }

/** A counter that also remembers what it added last, which no snapshot keeps. */
const tally: Machine<Command, number, Tally> = {
  ...counter,
  start: () => {
    const inner = counter.start()
    let latest: number | undefined
    return {
      get state() { return { total: inner.state, latest } },
      apply: entries => {
        latest = entries.at(-1)?.command.add
        return inner.apply(entries)
      },
      snapshot: () => inner.snapshot(),
      restore: chunks => {
        latest = undefined
        return inner.restore(chunks)
      },
    }
  },
}

for (const [what, view, claim] of [
  ['all of it', undefined, /n3 begins at \d+ as {"total":\d+}, which was {"total":\d+,"latest":1}/],
  ['a view', ({ total }: Tally) => total, undefined],
  ['a view in which a member may be undefined', ({ total, latest }: Tally) => latest === undefined ? { total } : { total, latest: undefined }, undefined],
  ['a view that throws', () => { throw new Error('no such part') }, /the view of a state threw: no such part/],
] as const) {
  test(`of a state with a part that snapshots need not keep ${what} is compared`, async c => {
    const cluster = simulate({ machine: tally, seed: 1, replays: 0, limits: { snapshotEntries: 5 }, ...view && { view } })
    const restarted = async (): Promise<void> => {
      await cluster.until(() => cluster.leader() !== undefined)
      for (let i = 0; i < 12; i++) await cluster.settle(cluster.propose({ add: 1 }))
      cluster.crash('n3')
      cluster.start('n3')
      await cluster.recover()
    }
    if (claim === undefined) await c.notThrowsAsync(restarted())
    else c.regex((await c.throwsAsync(restarted(), { instanceOf: SimulationFailed }))?.claim ?? '', claim)
  })
}

test('a member whose log began with the snapshot of a leader with a fast clock, and that was started anew, leads nobody astray', async is => {
  const cluster = simulate({ machine: counter, members: 5, seed: 3, limits: { snapshotKeepEntries: 0 } })
  await add(cluster, 3)
  const ahead = cluster.leader()!
  const [next, , behind, away] = cluster.ids.filter(id => id !== ahead) as [string, string, string, string]
  const handOver = async (from: string, to: string): Promise<void> => void orThrow(await cluster.settle(cluster.member(from).raft!.transferLeadership(to)))
  cluster.crash(behind)
  cluster.crash(away)
  cluster.inflict({ type: 'skew', id: ahead, rate: 1, wallMs: 3_600_000 })
  await add(cluster, 10)
  orThrow(await cluster.settle(cluster.member(ahead).raft!.snapshot()))
  await cluster.run(1_000)
  cluster.start(behind)
  await cluster.run(3_000)
  cluster.crash(behind)
  cluster.start(behind)
  await cluster.run(3_000)
  await handOver(ahead, behind)
  await add(cluster, 2)
  await handOver(behind, next)
  await add(cluster, 2)
  cluster.start(away)
  await cluster.recover()
  await cluster.check()
  is.pass()
})
