/** Members that join a simulated cluster: new ones, and such as come back with nothing. */
import test from 'ava'
import { isRight } from '../../lib/prelude.js'
import { orThrow } from '../../streams/index.js'
import { SimulationMisused, simulate } from '../../testing/index.js'
import { ELECTION_TIMEOUT_MS, begun, counter, followersOf } from './counters.js'
import { membershipAt } from './operators.js'

test('a member that joins waits, and is one as soon as it is added, whether it was started before or after', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = await begun(seed)
    const leader = cluster.leader()!
    const { members } = cluster.member(leader).raft!
    const address = cluster.join('n4')
    await cluster.run(3 * ELECTION_TIMEOUT_MS)
    is.deepEqual(membershipAt(cluster, 'n4')?.voters, [])
    is.deepEqual(orThrow(await cluster.settle(members.add('n4', address))).voters, ['n1', 'n2', 'n3', 'n4'])
    const adding = members.add('n5', 'n5:7000')
    await cluster.run(ELECTION_TIMEOUT_MS)
    is.is(cluster.join('n5'), 'n5:7000')
    orThrow(await cluster.settle(adding))
    is.deepEqual(cluster.ids, ['n1', 'n2', 'n3', 'n4', 'n5'])
    cluster.partition(['n4', 'n5', leader])
    is.is(orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: 'n4' }))), 2, 'three of five')
    await cluster.recover()
    is.is(cluster.member('n5').state, 2)
    is.is(cluster.counts.elections(), 1, 'whoever comes disturbs nobody')
    await cluster.check()
  }
})

test('one that joins under load gives way to it, and is there all the same, however heavy it is', async is => {
  const joinedAfterMs = async (giveWayMs: number): Promise<number> => {
    const cluster = await begun(3, 3, { giveWayMs, maxAppendBytes: 512 })
    const propose = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n++) {
        void cluster.propose({ add: 1 })
        await cluster.run(4)
      }
    }
    await propose(60)
    const began = cluster.clock.now()
    const adding = cluster.member(cluster.leader()!).raft!.members.add('n4', cluster.join('n4'))
    let joined = Number.POSITIVE_INFINITY
    void adding.then(() => { joined = cluster.clock.now() - began })
    while (joined === Number.POSITIVE_INFINITY) await propose(10)
    orThrow(await adding)
    await cluster.recover()
    await cluster.check()
    return joined
  }
  const [atOnce, late] = [await joinedAfterMs(0), await joinedAfterMs(60_000)]
  is.true(late > 2 * atOnce, `${late} beside ${atOnce} ms`)
})

test('a client that runs on outlives all members that it was given, and those that it was told of, in a cluster that moves twice', async is => {
  for (let seed = 40; seed <= 43; seed++) {
    const cluster = await begun(seed)
    orThrow(await cluster.settle(cluster.connect('ann')))
    let belong = [...cluster.ids]
    for (let step = 0; step < 2 * 3; step++) {
      const [gone, ...others] = belong
      const id = `m${step}`
      const address = cluster.join(id)
      orThrow(await cluster.settle(cluster.member(others[0]!).raft!.members.replace(gone!, id, address)))
      belong = [...others, id]
      cluster.kill(gone!)
      is.is(orThrow(await cluster.settle(cluster.propose({ add: 1 }, { through: 'ann', timeoutMs: 20_000 }))), step + 2)
    }
    is.false(belong.some(id => id.startsWith('n')))
    await cluster.check()
  }
})

test('one that was removed comes back with nothing, and has all of it again', async is => {
  for (let seed = 5; seed <= 8; seed++) {
    const cluster = await begun(seed)
    const { members } = cluster.member(cluster.leader()!).raft!
    const [gone] = followersOf(cluster)
    is.throws(() => cluster.join(gone!), { instanceOf: SimulationMisused, message: `join: id: ${gone} belongs to the cluster, and has to be removed before it may come back with nothing` })
    orThrow(await cluster.settle(members.remove(gone!)))
    const address = cluster.join(gone!)
    is.is(cluster.member(gone!).state, undefined)
    orThrow(await cluster.settle(members.add(gone!, address)))
    await cluster.recover()
    is.is(cluster.member(gone!).state, 1)
    is.is(cluster.ids.length, 3)
    cluster.crash(cluster.leader()!)
    await cluster.until(() => cluster.leader() !== undefined)
    is.true(isRight(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! }))), 'its voice counts')
    await cluster.recover()
    await cluster.check()
  }
})

test('one whose files were damaged is replaced by one with its name', async is => {
  const cluster = await begun(9)
  const { members } = cluster.member(cluster.leader()!).raft!
  const [lost] = followersOf(cluster)
  cluster.kill(lost!)
  cluster.inflict({ type: 'damage', id: lost!, kind: 'hard-state', file: 0, at: 80 })
  cluster.start(lost!)
  await cluster.run(ELECTION_TIMEOUT_MS)
  is.is(cluster.member(lost!).raft, undefined)
  orThrow(await cluster.settle(members.remove(lost!)))
  orThrow(await cluster.settle(members.add(lost!, cluster.join(lost!))))
  await cluster.recover()
  is.is(cluster.member(lost!).state, 1)
})

test('a name that no host can have, or that of a client, is refused', async is => {
  const cluster = await begun(10)
  void cluster.connect('ann')
  for (const id of ['', 'a>b', '10.0.0.1', 'ann']) is.throws(() => cluster.join(id), { instanceOf: SimulationMisused, message: /^join: id: must / }, id)
  is.deepEqual([cluster.ids.length, cluster.counts.faults()], [3, {}])
})

test('one that was away while another left and came back with nothing follows it when it leads', async is => {
  const cluster = await begun(1, 5)
  const leader = cluster.leader()!
  const [again, away] = followersOf(cluster)
  await cluster.recover()
  cluster.kill(away!)
  const { members, transferLeadership } = cluster.member(leader).raft!
  orThrow(await cluster.settle(members.remove(again!)))
  orThrow(await cluster.settle(members.add(again!, cluster.join(again!))))
  orThrow(await cluster.settle(transferLeadership(again)))
  await cluster.until(() => cluster.leader() === again)
  orThrow(await cluster.settle(cluster.propose({ add: 1 })))
  cluster.start(away!)
  await cluster.until(() => cluster.member(away!).state === 2)
  is.is(cluster.leader(), again)
  await cluster.recover()
  await cluster.check()
})

test('one that was away while another left and came back with nothing, and hears of it by a snapshot alone, takes it for what it is', async is => {
  // What is done stands here: where a promise is broken, no time goes into a shorter story.
  const cluster = simulate({ machine: counter, members: 5, seed: 30, replays: 0, limits: { snapshotEntries: 5, snapshotKeepEntries: 0 } })
  await cluster.until(() => cluster.leader() !== undefined)
  const leader = cluster.leader()!
  const [away, again] = cluster.ids.filter(id => id !== leader)
  const { members } = cluster.member(leader).raft!
  orThrow(await cluster.settle(cluster.propose({ add: 1 })))
  cluster.kill(away!)
  orThrow(await cluster.settle(members.remove(again!)))
  orThrow(await cluster.settle(members.add(again!, cluster.join(again!))))
  for (let i = 0; i < 20; i++) orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: leader })))
  cluster.start(away!)
  await cluster.recover()
  cluster.inflict({ type: 'handOver', id: leader, to: again! })
  await cluster.until(() => cluster.leader() === again)
  await cluster.recover()
  is.deepEqual(cluster.ids.map(id => cluster.member(id).state), [21, 21, 21, 21, 21])
  await cluster.check()
})
