/** Wishes that are uttered where another member leads: forwarded, and what is told of them is true, whatever becomes of the leader and of the way to it. */
import test from 'ava'
import { isLeft, isRight } from '../../lib/prelude.js'
import { type ChangeError, type TransferError, orThrow } from '../../streams/index.js'
import { createDice } from '../../testing/simulation/world/dice.js'
import { type Counters, ELECTION_TIMEOUT_MS, HEARTBEAT_MS, begun, followersOf } from './counters.js'
import { membershipAt } from './operators.js'

const told = (outcome: { readonly left: ChangeError | TransferError } | { readonly right: unknown }): string => 'left' in outcome ? `${outcome.left._tag}: ${outcome.left.message}` : 'done'
/** How long a message takes, about. */
const WAY_MS = 2

const raftOf = (cluster: Counters, id: string) => cluster.member(id).raft!

test('any member hands the leadership over, to itself too, and says who leads next', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = await begun(seed, 3)
    const [first, [one, other]] = [cluster.leader()!, followersOf(cluster)] as [string, [string, string]]
    is.is(orThrow(await cluster.settle(raftOf(cluster, one).transferLeadership(one), 3 * HEARTBEAT_MS)), one)
    await cluster.until(() => cluster.leader() === one, HEARTBEAT_MS)
    is.is(orThrow(await cluster.settle(raftOf(cluster, first).transferLeadership(other), 3 * HEARTBEAT_MS)), other)
    is.not(orThrow(await cluster.settle(raftOf(cluster, one).transferLeadership(), 3 * HEARTBEAT_MS)), other)
    await cluster.calm(2 * ELECTION_TIMEOUT_MS)
    await cluster.check()
  }
})

test('any member changes the membership, and hears when that is committed: one that leaves by it, and a learner, too', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = await begun(seed, 4)
    const [one, other, third] = followersOf(cluster) as [string, string, string]
    const { addresses } = membershipAt(cluster, one)!
    is.deepEqual(orThrow(await cluster.settle(raftOf(cluster, one).members.remove(one))).voters, cluster.ids.filter(id => id !== one))
    is.deepEqual(orThrow(await cluster.settle(raftOf(cluster, other).members.change({ learners: { [third]: addresses[third]! } }))).learners, [third])
    is.deepEqual(orThrow(await cluster.settle(raftOf(cluster, third).members.add(third, addresses[third]!))).voters, cluster.ids.filter(id => id !== one))
    is.is(membershipAt(cluster, third)!.isCommitted, true)
    is.deepEqual(orThrow(await cluster.settle(raftOf(cluster, other).members.remove(cluster.leader()!))).learners, [])
    await cluster.recover()
    await cluster.check()
  }
})

test('what cannot be is refused in the words of the leader, with the same fields', async is => {
  const cluster = await begun(5, 3)
  const [leader, [one, other]] = [cluster.leader()!, followersOf(cluster)]
  const { addresses, voters, outgoing, learners } = membershipAt(cluster, leader)!
  const asked = [leader, one!]
  const wishes: readonly (readonly [what: string, wish: (at: string) => Promise<{ readonly left: ChangeError | TransferError } | { readonly right: unknown }>])[] = [
    ['a leader that leads', at => raftOf(cluster, at).transferLeadership(leader)],
    ['a stranger', at => raftOf(cluster, at).transferLeadership('zz')],
    ['no id', at => raftOf(cluster, at).transferLeadership('')],
    ['nobody to remove', at => raftOf(cluster, at).members.remove('zz')],
    ['no voter left', at => raftOf(cluster, at).members.change({ remove: cluster.ids })],
    ['nothing to abandon', at => raftOf(cluster, at).members.abandon()],
    ['an address of another', at => raftOf(cluster, at).members.add('n9', addresses[one!]!)],
    ['no address', at => raftOf(cluster, at).members.add('n9', 'nowhere')],
    ['another membership than was seen', at => raftOf(cluster, at).members.remove(other!, { from: { addresses: { [one!]: 'a:1' }, voters: [one!], outgoing, learners } })],
  ]
  for (const [what, wish] of wishes) {
    const [here, there] = [await cluster.settle(wish(asked[0]!)), await cluster.settle(wish(asked[1]!))]
    is.true('left' in here, what)
    is.deepEqual(told(there), told(here), what)
    is.deepEqual({ ...('left' in there && there.left) }, { ...('left' in here && here.left) }, what)
  }
  is.deepEqual(membershipAt(cluster, leader)!.voters, voters)
  // The leader decides by its own log, however old what the asked member has seen.
  const seen = { addresses, voters, outgoing, learners }
  orThrow(await cluster.settle(raftOf(cluster, one!).members.remove(other!, { from: seen })))
  is.regex(told(await cluster.settle(raftOf(cluster, one!).members.add(other!, addresses[other!]!, { from: seen }))), /the membership has become another one/)
  const both = await cluster.settle(Promise.all([raftOf(cluster, one!).transferLeadership(), raftOf(cluster, one!).transferLeadership()]))
  is.deepEqual(both.map(told), ['done', 'TransferFailed: The leadership was not handed over: another transfer is under way.'])
})

test('nobody leads: a change waits for the next leader and its own time, a transfer does not', async is => {
  const cluster = await begun(6, 3)
  const [leader, [one, other]] = [cluster.leader()!, followersOf(cluster)] as [string, [string, string]]
  cluster.pause(leader)
  cluster.partition([one], [other, leader])
  await cluster.run(3 * ELECTION_TIMEOUT_MS)
  is.regex(told(await cluster.settle(raftOf(cluster, one).transferLeadership())), /^NotLeader: No leader is known here that could hand over/)
  is.regex(told(await cluster.settle(raftOf(cluster, one).members.remove(leader, { timeoutMs: 500 }))), /^TimedOut: There was no leader to change the membership within 500 ms/)
  const controller = new AbortController()
  const aborted = raftOf(cluster, one).members.remove(leader, { signal: controller.signal })
  await cluster.run(HEARTBEAT_MS)
  controller.abort()
  const given = await cluster.settle(aborted)
  is.true(isLeft(given) && given.left._tag === 'TimedOut' && given.left.appended === 'never')
  const waiting = raftOf(cluster, one).members.remove(leader)
  cluster.partition()
  is.deepEqual(orThrow(await cluster.settle(waiting)).voters, [one, other].sort())
  cluster.resume(leader)
  await cluster.recover()
  await cluster.check()
})

for (const strike of ['kill', 'cut', 'pause'] as const) {
  test(`a leader that is lost before it answers leaves the outcome unknown: ${strike}`, async is => {
    const cluster = await begun(7, 3)
    const [leader, [one, other]] = [cluster.leader()!, followersOf(cluster)] as [string, [string, string]]
    const moved = raftOf(cluster, one).transferLeadership(other)
    const changed = raftOf(cluster, one).members.remove(other)
    if (strike === 'cut') cluster.partition([leader], [one, other])
    else cluster[strike](leader)
    is.regex(told(await cluster.settle(moved, 6 * ELECTION_TIMEOUT_MS)), /^(OutcomeUnknown|TimedOut): .*; the leadership may still be handed over\.$/)
    is.regex(told(await cluster.settle(changed)), /^OutcomeUnknown: .*; the membership may still change\.$/)
  })
}

test('whoever waits no longer for a transfer is told that it may yet be, and so it is: the leader knows of it, whoever is asked', async is => {
  for (const place of [0, 1]) {
    const cluster = await begun(8, 3)
    const [leader, [one, other]] = [cluster.leader()!, followersOf(cluster)] as [string, [string, string]]
    const at = raftOf(cluster, [leader, one][place]!)
    cluster.pause(other)
    const given = await cluster.settle(at.transferLeadership(other, { timeoutMs: 3 * WAY_MS }), HEARTBEAT_MS)
    is.true(isLeft(given) && given.left._tag === 'TimedOut' && given.left.appended === 'unknown', told(given))
    is.regex(told(await cluster.settle(at.transferLeadership(other))), /another transfer is under way/)
    cluster.resume(other)
    await cluster.until(() => cluster.leader() === other, HEARTBEAT_MS)
    await cluster.check()
  }
})

test('a leader that stops leaves no wish unknown: the next one is asked', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = await begun(seed, 4)
    const [leader, [one, other]] = [cluster.leader()!, followersOf(cluster)] as [string, [string, string]]
    const stopped = raftOf(cluster, leader).stop()
    await cluster.run(seed % 2)
    const changed = raftOf(cluster, one).members.remove(other)
    const outcome = await cluster.settle(changed)
    is.true(isRight(outcome), `seed ${seed}: ${told(outcome)}`)
    await cluster.settle(stopped)
    cluster.kill(leader)
    await cluster.recover()
    await cluster.check()
  }
})

/** One learner moves to addresses that are named but once, in a storm: what is told of each is right, whichever member was asked. */
const wishInStorm = async (seed: number): Promise<Record<'done' | 'never' | 'unknown', number>> => {
  const cluster = await begun(seed, 4)
  const dice = createDice(seed)
  const [mover] = followersOf(cluster) as [string]
  const { addresses } = membershipAt(cluster, mover)!
  orThrow(await cluster.settle(raftOf(cluster, mover).members.change({ learners: { [mover]: addresses[mover]! } })))
  const ever = new Set<string>()
  for (const id of cluster.ids) cluster.member(id).membership$.subscribe(({ isCommitted, addresses }) => { if (isCommitted) ever.add(addresses[mover] ?? '') })
  const fates: { readonly address: string; readonly fate: 'done' | 'never' | 'unknown' }[] = []
  const wish = (serial: number): void => {
    const at = dice.pick(cluster.ids)
    const address = `10.1.${serial}.1:7000`
    void cluster.member(at).raft?.members.change({ learners: { [mover]: address } }, { timeoutMs: dice.pick([HEARTBEAT_MS, 3 * ELECTION_TIMEOUT_MS]) }).then(outcome =>
      fates.push({ address, fate: isRight(outcome) ? 'done' : outcome.left.appended === 'unknown' ? 'unknown' : 'never' }))
  }
  for (let serial = 1; serial <= 40; serial++) {
    wish(serial)
    // What strikes, strikes while the wish is on its way, or its answer.
    await cluster.run(dice.exponential(WAY_MS))
    const id = cluster.leader() ?? dice.pick(cluster.ids)
    if (dice.chance(0.2)) cluster.kill(id)
    else if (dice.chance(0.3)) cluster.partition([id], cluster.ids.filter(other => other !== id))
    else if (dice.chance(0.7)) for (const other of cluster.ids) cluster.inflict({ type: 'reset', a: id, b: other })
    await cluster.run(dice.exponential(HEARTBEAT_MS))
    cluster.partition()
    for (const one of cluster.ids) if (cluster.member(one).raft === undefined && dice.chance(0.5)) cluster.start(one)
    await cluster.run(dice.exponential(4 * HEARTBEAT_MS))
  }
  for (const one of cluster.ids) cluster.start(one)
  await cluster.until(() => cluster.leader() !== undefined)
  await cluster.run(4 * ELECTION_TIMEOUT_MS)
  orThrow(await cluster.settle(raftOf(cluster, cluster.leader()!).members.change({ voters: { [mover]: addresses[mover]! } })))
  await cluster.recover()
  await cluster.check()
  for (const { address, fate } of fates) {
    if (fate === 'done' && !ever.has(address)) throw new Error(`seed ${seed}: ${address} was told to be the address, and never was`)
    if (fate === 'never' && ever.has(address)) throw new Error(`seed ${seed}: ${address} was told not to be the address, and was`)
  }
  const count = (what: string): number => fates.filter(({ fate }) => fate === what).length
  return { done: count('done'), never: count('never'), unknown: count('unknown') }
}

test('what is told of a change is true, wherever it was asked and whatever struck', async is => {
  const sums = { done: 0, never: 0, unknown: 0 }
  for (let seed = 1; seed <= 4; seed++) {
    const { done, never, unknown } = await wishInStorm(seed)
    sums.done += done
    sums.never += never
    sums.unknown += unknown
  }
  is.true(Object.values(sums).every(count => count > 3), JSON.stringify(sums))
})
