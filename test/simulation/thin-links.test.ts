/** Links of four megabits a second: what must not happen is that a member passes for a dead one because of what it forwards, or is told. */
import test from 'ava'
import * as t from 'io-ts'
import { isLeft } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import { orThrow, reducerMachine } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'

const MIB = 1024 * 1024
const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_MS = 100
/** Two windows that are late, and a heartbeat. */
const SILENT_AT_MOST_MS = 0.6 * ELECTION_TIMEOUT_MS
const BYTES_PER_SECOND = 4e6 / 8

/** Keeps how long each text is, and answers with as much text as it is asked for. */
const texts = reducerMachine({
  command: t.strict({ text: t.string, answer: t.number }), result: t.string, state: t.readonlyArray(t.number), initial: [],
  reduce: (lengths, { text, answer }) => [[...lengths, text.length], 'a'.repeat(answer)],
})
type Texts = SimulatedCluster<t.TypeOf<typeof texts.command>, string, readonly number[]>

/** How long its leader lacked an answer of any follower at worst, by the leader's own word; counted from now on. */
const silence = (cluster: Texts, leader: string) => {
  let worst: Millis = 0
  cluster.member(leader).health$.subscribe(health => { if (health.role === 'leader') worst = Math.max(worst, ...health.peers.map(({ silentMs }) => silentMs)) })
  return () => worst
}

/** A cluster whose links have become thin. */
const begun = async (seed: number, members: number) => {
  const cluster: Texts = simulate({ machine: texts, seed, members, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS })
  await cluster.until(() => cluster.leader() !== undefined)
  for (const at of cluster.ids) orThrow(await cluster.settle(cluster.propose({ text: '', answer: 0 }, { at })))
  await cluster.run(ELECTION_TIMEOUT_MS)
  cluster.network({ bytesPerSecond: BYTES_PER_SECOND })
  const leader = cluster.leader()!
  return { cluster, leader, followers: cluster.ids.filter(id => id !== leader), elections: cluster.counts.elections(), silentMs: silence(cluster, leader) }
}

for (const members of [3]) {
  test(`a command of 8 MiB that a follower forwards keeps no life sign back, and is applied once: ${members} members`, async is => {
    const { cluster, leader, followers, elections, silentMs } = await begun(members, members)
    const before = cluster.clock.now()
    is.is(orThrow(await cluster.settle(cluster.propose({ text: 'x'.repeat(8 * MIB - 100), answer: 1 }, { at: followers[0]!, timeoutMs: 120_000 }), 120_000)), 'a')
    is.true(cluster.clock.now() - before > 2 * ((8 * MIB) / BYTES_PER_SECOND) * 1000 - ELECTION_TIMEOUT_MS, 'it went to the leader and back, over a thin link')
    is.deepEqual([cluster.leader(), cluster.counts.elections()], [leader, elections])
    is.true(silentMs() <= SILENT_AT_MOST_MS, `silent for ${silentMs()} ms`)
    await cluster.check()
  })
}

test('commands that both followers forward at once keep no life sign back either', async is => {
  const { cluster, leader, followers, elections, silentMs } = await begun(1, 3)
  const outcomes = followers.map(at => cluster.propose({ text: 'x'.repeat(8 * MIB - 100), answer: 1 }, { at, timeoutMs: 120_000 }))
  for (const outcome of outcomes) is.is(orThrow(await cluster.settle(outcome, 120_000)), 'a')
  is.deepEqual([cluster.leader(), cluster.counts.elections()], [leader, elections])
  is.true(silentMs() <= SILENT_AT_MOST_MS, `silent for ${silentMs()} ms`)
  await cluster.check()
})

test('a follower that stops in the middle of what it forwards ends in time, and nothing of it is in any log', async is => {
  const { cluster, leader, followers } = await begun(4, 3)
  const [follower] = followers
  let lengths: readonly number[] = []
  cluster.member(leader).raft!.state$.subscribe(({ state }) => { lengths = state })
  const outcome = cluster.propose({ text: 'x'.repeat(8 * MIB - 100), answer: 1 }, { at: follower!, timeoutMs: 120_000 })
  await cluster.run(3 * ELECTION_TIMEOUT_MS)
  await cluster.settle(cluster.member(follower!).raft!.stop(), 30_000)
  const ended = await cluster.settle(outcome, 0)
  is.is(isLeft(ended) && ended.left.appended, 'unknown')
  await cluster.run(5 * ELECTION_TIMEOUT_MS)
  is.deepEqual(lengths, [0, 0, 0])
  await cluster.check()
})

test('results of 8 MiB for a follower keep no heartbeat back', async is => {
  const { cluster, leader, followers, elections, silentMs } = await begun(3, 3)
  const outcomes = followers.map(at => cluster.propose({ text: '', answer: 8 * MIB }, { at, timeoutMs: 120_000 }))
  for (const outcome of outcomes) is.is(orThrow(await cluster.settle(outcome, 120_000)).length, 8 * MIB)
  is.deepEqual([cluster.leader(), cluster.counts.elections()], [leader, elections])
  is.true(silentMs() <= SILENT_AT_MOST_MS, `silent for ${silentMs()} ms`)
  await cluster.check()
})

for (const [what, count, length, seed] of [['two commands of 8 MiB', 2, 8 * MIB - 100, 6], ['eight hundred commands of 10 KB', 800, 10_000, 5]] as const) {
  test(`${what} on their way from the leader to both followers keep no heartbeat back`, async is => {
    const { cluster, leader, elections, silentMs } = await begun(seed, 3)
    const outcomes = Array.from({ length: count }, () => cluster.propose({ text: 'x'.repeat(length), answer: 1 }, { at: leader, timeoutMs: 120_000 }))
    for (const outcome of outcomes) is.is(orThrow(await cluster.settle(outcome, 120_000)), 'a')
    is.deepEqual([cluster.leader(), cluster.counts.elections()], [leader, elections])
    is.true(silentMs() <= SILENT_AT_MOST_MS, `silent for ${silentMs()} ms`)
    await cluster.check()
  })
}
