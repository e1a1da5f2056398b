/** A leadership that is handed over: who leads next, how long nobody does, and what becomes of what was proposed meanwhile. */
import test from 'ava'
import { Observable, from } from 'rxjs'
import { isLeft, isRight } from '../../lib/prelude.js'
import { orThrow } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { simulate } from '../../testing/index.js'
import { type Counters, ELECTION_TIMEOUT_MS, HEARTBEAT_MS, begun, counter, followersOf } from './counters.js'

for (const members of [2, 3, 5]) {
  test(`of ${members} members, the one that is named leads next, and writes wait two heartbeats at most`, async is => {
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = await begun(seed, members)
      const elections = cluster.counts.elections()
      const [first, heir] = [cluster.leader()!, followersOf(cluster).at(-1)!]
      const moved = cluster.member(first).raft!.transferLeadership(heir)
      const written = Promise.all(cluster.ids.map(at => cluster.propose({ add: 1 }, { at })))
      is.is(orThrow(await cluster.settle(moved, 2 * HEARTBEAT_MS)), heir)
      is.true((await cluster.settle(written, 2 * HEARTBEAT_MS)).every(isRight), `seed ${seed}`)
      is.is(cluster.leader(), heir)
      is.is(cluster.counts.elections(), elections + 1)
      await cluster.calm(2 * ELECTION_TIMEOUT_MS)
      await cluster.check()
    }
  })
}

test('nobody in particular: whoever is ready first', async is => {
  const cluster = await begun(6, 5)
  const first = cluster.leader()!
  const next = orThrow(await cluster.settle(cluster.member(first).raft!.transferLeadership()))
  is.not(next, first)
  await cluster.until(() => cluster.leader() !== undefined, 2 * HEARTBEAT_MS)
  is.is(cluster.leader(), next)
})

const STRIKES = ['cut', 'kill', 'pause'] as const
const strikeAt = (cluster: Counters, id: string, strike: typeof STRIKES[number]): void => {
  if (strike === 'cut') cluster.partition([id], cluster.ids.filter(other => other !== id))
  else cluster[strike](id)
}

test('X07 X08 one that does not hear is given up within two election timeouts, and the leader leads on', async is => {
  for (const strike of STRIKES) {
    const cluster = await begun(7)
    const [first, [heir]] = [cluster.leader()!, followersOf(cluster)]
    strikeAt(cluster, heir!, strike)
    await cluster.settle(cluster.propose({ add: 1 }, { at: first }))
    const outcome = await cluster.settle(cluster.member(first).raft!.transferLeadership(heir), 2 * ELECTION_TIMEOUT_MS)
    is.true(isLeft(outcome) && outcome.left._tag === 'TransferFailed', strike)
    is.is(cluster.leader(), first)
    is.true(isRight(await cluster.settle(cluster.propose({ add: 1 }, { at: first }), ELECTION_TIMEOUT_MS)))
  }
})

test('one that is dead, or has been silent for an election timeout, is refused at once, and no write waits for it', async is => {
  for (const strike of STRIKES) {
    const cluster = await begun(16)
    const [first, [heir]] = [cluster.leader()!, followersOf(cluster)]
    strikeAt(cluster, heir!, strike)
    // A process that has ended is missed at once.
    await cluster.run(strike === 'kill' ? HEARTBEAT_MS : ELECTION_TIMEOUT_MS + HEARTBEAT_MS)
    const moved = cluster.member(first).raft!.transferLeadership(heir)
    const written = cluster.propose({ add: 1 }, { at: first })
    const outcome = await cluster.settle(moved, 0)
    is.regex(isLeft(outcome) ? outcome.left.message : '', /is not connected|has not answered for an election timeout/, strike)
    is.true(isRight(await cluster.settle(written, HEARTBEAT_MS)), strike)
    is.is(cluster.leader(), first)
  }
})

test('what makes no sense is refused by name, and nothing happens', async is => {
  const cluster = await begun(8)
  const [first, [heir]] = [cluster.leader()!, followersOf(cluster)]
  const reasonOf = async (at: string, to?: string): Promise<string> => {
    const outcome = await cluster.settle(cluster.member(at).raft!.transferLeadership(to))
    return isLeft(outcome) ? outcome.left.message : 'accepted'
  }
  is.regex(await reasonOf(first, first), /leads already/)
  is.regex(await reasonOf(first, 'zz'), /"zz" is no voter/)
  is.is(cluster.leader(), first)
  const both = Promise.all([cluster.member(first).raft!.transferLeadership(heir), cluster.member(first).raft!.transferLeadership()])
  const [one, other] = await cluster.settle(both)
  is.true(isRight(one))
  is.regex(isLeft(other) ? other.left.message : '', /another transfer is under way/)
  const alone = await begun(9, 1)
  const outcome = await alone.settle(alone.member(alone.leader()!).raft!.transferLeadership())
  is.regex(isLeft(outcome) ? outcome.left.message : '', /there is no other voter/)
})

test('X17 a leader that stops hands over first; X18 where nobody is there it stops all the same; X20 a follower stops at once', async is => {
  const cluster = await begun(10)
  const first = cluster.leader()!
  const elections = cluster.counts.elections()
  const started = cluster.clock.now()
  await cluster.settle(cluster.member(first).raft!.stop())
  is.true(cluster.clock.now() - started <= 2 * HEARTBEAT_MS)
  await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== first, 2 * HEARTBEAT_MS)
  is.is(cluster.counts.elections(), elections + 1)

  const left = await begun(11)
  const leader = left.leader()!
  for (const id of followersOf(left)) left.kill(id)
  const from = left.clock.now()
  await left.settle(left.member(leader).raft!.stop())
  is.true(left.clock.now() - from <= 2 * HEARTBEAT_MS, `${left.clock.now() - from} ms`)

  const third = await begun(12)
  const [follower] = followersOf(third)
  const at = third.clock.now()
  await third.settle(third.member(follower!).raft!.stop())
  is.true(third.clock.now() - at < HEARTBEAT_MS)
})

for (const place of [0, 1]) {
  test(`a follower that has just restarted and is not fit to lead holds nothing up: the other takes over from a leader that stops (${place})`, async is => {
    let isSlow = false
    const machine = around(counter, running => ({
      apply: entries => isSlow ? new Observable(subscriber => {
        cluster.clock.after(4 * ELECTION_TIMEOUT_MS, () => from(running.apply(entries)).subscribe(subscriber))
      }) : running.apply(entries),
    }))
    const cluster = simulate({ machine, seed: 15, members: 3, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS })
    await cluster.until(() => cluster.leader() !== undefined)
    for (let n = 0; n < 5; n++) await cluster.settle(cluster.propose({ add: 1 }))
    await cluster.run(ELECTION_TIMEOUT_MS)
    const restarted = followersOf(cluster)[place]!
    isSlow = true
    cluster.kill(restarted)
    cluster.start(restarted)
    await cluster.run(ELECTION_TIMEOUT_MS / 2)
    const [leader, at] = [cluster.leader()!, cluster.clock.now()]
    await cluster.settle(cluster.member(leader).raft!.stop())
    is.true(cluster.clock.now() - at <= 2 * HEARTBEAT_MS, `${cluster.clock.now() - at} ms`)
    await cluster.until(() => cluster.leader() !== undefined, HEARTBEAT_MS)
    is.false([leader, restarted].includes(cluster.leader()!))
  })
}

test('all members that stop at once do not wait for each other', async is => {
  const cluster = await begun(13)
  const at = cluster.clock.now()
  await cluster.settle(Promise.all(cluster.ids.map(id => cluster.member(id).raft!.stop())))
  is.true(cluster.clock.now() - at <= 2 * HEARTBEAT_MS, `${cluster.clock.now() - at} ms`)
})

test('X16 a member that ends while it hands over says so', async is => {
  const cluster = await begun(14)
  const first = cluster.leader()!
  const [heir] = followersOf(cluster)
  cluster.pause(heir!)
  const moved = cluster.member(first).raft!.transferLeadership(heir)
  const stopped = cluster.member(first).raft!.stop()
  const outcome = await cluster.settle(moved, 3 * ELECTION_TIMEOUT_MS)
  is.true(isLeft(outcome) && ['TransferFailed', 'Stopped'].includes(outcome.left._tag))
  await cluster.settle(stopped, 6 * ELECTION_TIMEOUT_MS)
})
