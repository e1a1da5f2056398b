/** Who belongs to the cluster changes while it runs: what those who ask are told, what writers notice, and who leads afterwards. */
import test from 'ava'
import { filter, take } from 'rxjs'
import { isLeft, isRight } from '../../lib/prelude.js'
import { type ChangeError, type MembershipChange, type MembershipState, orThrow } from '../../streams/index.js'
import { type Counters, ELECTION_TIMEOUT_MS, HEARTBEAT_MS, begun, followersOf } from './counters.js'
import { membershipAt } from './operators.js'

const seenAt = (cluster: Counters, id: string): MembershipState => membershipAt(cluster, id)!
const change = (cluster: Counters, wish: MembershipChange, at = cluster.leader()!) => cluster.settle(cluster.member(at).raft!.members.change(wish))
const tagOf = (outcome: { readonly left: ChangeError } | { readonly right: unknown }): string => 'left' in outcome ? `${outcome.left._tag}: ${outcome.left.message}` : 'done'

test('a follower leaves and comes back, and no write waits for either', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = await begun(seed, 3)
    const [leader, [gone]] = [cluster.leader()!, followersOf(cluster)]
    const { addresses } = seenAt(cluster, leader)
    const writing = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) is.true(isRight(await cluster.settle(cluster.propose({ add: 1 }, { at: leader }), 2 * HEARTBEAT_MS)))
    }
    const left = cluster.member(leader).raft!.members.remove(gone!)
    await writing()
    const without = orThrow(await cluster.settle(left))
    is.deepEqual([without.voters, without.outgoing, without.learners], [cluster.ids.filter(id => id !== gone), [], []])
    is.like(seenAt(cluster, leader), { ...without, isCommitted: true })
    await cluster.until(() => !seenAt(cluster, gone!).voters.includes(gone!))
    const back = cluster.member(leader).raft!.members.add(gone!, addresses[gone!]!)
    await writing()
    is.deepEqual(orThrow(await cluster.settle(back)).voters, cluster.ids)
    await cluster.recover()
    is.is(cluster.leader(), leader)
    is.is(cluster.counts.elections(), 1)
    await cluster.check()
  }
})

test('a leader that leaves hands over within two heartbeats, and learns that it has left', async is => {
  for (let seed = 1; seed <= 4; seed++) {
    const cluster = await begun(seed, 3)
    const leader = cluster.leader()!
    const left = cluster.member(leader).raft!.members.remove(leader)
    is.deepEqual(orThrow(await cluster.settle(left)).voters, followersOf(cluster))
    await cluster.until(() => cluster.leader() !== undefined && cluster.leader() !== leader, 2 * HEARTBEAT_MS)
    is.true(isRight(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()! }), 2 * HEARTBEAT_MS)))
    await cluster.run(HEARTBEAT_MS)
    await cluster.calm(5 * ELECTION_TIMEOUT_MS)
    await cluster.check()
  }
})

test('who takes the place of a leader that a change leaves out disturbs no calm', async is => {
  const cluster = await begun(1, 1)
  const leaving = cluster.member('n1').raft!.members.replace('n1', 'n2', cluster.join('n2'))
  await cluster.calm(5 * ELECTION_TIMEOUT_MS)
  is.deepEqual([orThrow(await leaving).voters, cluster.leader()], [['n2'], 'n2'])
  await cluster.recover()
  await cluster.check()
})

test('what cannot be is refused, and changes nothing', async is => {
  const cluster = await begun(5, 3)
  const leader = cluster.leader()!
  const before = seenAt(cluster, leader)
  const rows: readonly (readonly [MembershipChange, string])[] = [
    [{ remove: ['zz'] }, 'ChangeFailed: The membership was not changed: "zz" is no member.'],
    [{ remove: cluster.ids }, 'ChangeFailed: The membership was not changed: no voter would be left.'],
    [{ voters: { n1: before.addresses['n1']! } }, 'ChangeFailed: The membership was not changed: the membership is already as requested.'],
    [{ voters: { n9: before.addresses['n1']! } }, `ChangeFailed: The membership was not changed: two members would have the address "${before.addresses['n1']}".`],
  ]
  for (const [wish, said] of rows) is.is(tagOf(await change(cluster, wish)), said)
  const raft = cluster.member(leader).raft!
  const odd = raft.members as unknown as Record<string, (...args: readonly unknown[]) => ReturnType<typeof raft.members.abandon>>
  for (const outcome of [
    odd['change']!({ remove: Array.from({ length: 64 }, (_, i) => `m${i}`) }), odd['change']!(null), odd['change']!({ voter: {} }), odd['change']!({ remove: 'n1' }), odd['add']!('n9', 'nowhere'), odd['add']!(undefined, 'host:1'),
    odd['remove']!('n1', { timeoutMs: -1 }), odd['remove']!('n1', { from: {} }), odd['remove']!('n1', { until: 1 }), odd['abandon']!(null),
  ]) is.regex(tagOf(await cluster.settle(outcome)), /^Rejected: /)
  is.is(tagOf(await cluster.settle(raft.members.abandon())), 'ChangeFailed: The membership was not changed: no change is under way.')
  is.is(tagOf(await cluster.settle(raft.members.remove('n1', { from: { ...before, voters: ['n1'] , addresses: { n1: before.addresses['n1']! } } }))), 'ChangeFailed: The membership was not changed: the membership has become another one.')
  is.deepEqual(seenAt(cluster, leader), before)
})

test('a leader that is killed in the middle leaves a change that the next one finishes', async is => {
  for (let seed = 10; seed < 16; seed++) {
    const cluster = await begun(seed, 5)
    const leader = cluster.leader()!
    const [first, second] = followersOf(cluster)
    cluster.member(leader).membership$.pipe(filter(({ outgoing }) => outgoing.length > 0), take(1)).subscribe(() => cluster.clock.after(seed - 10, () => cluster.kill(leader)))
    void cluster.member(leader).raft!.members.change({ remove: [first!, second!] })
    await cluster.until(() => cluster.member(leader).raft === undefined)
    await cluster.until(() => cluster.leader() !== undefined && seenAt(cluster, cluster.leader()!).isCommitted && seenAt(cluster, cluster.leader()!).outgoing.length === 0, 20 * ELECTION_TIMEOUT_MS)
    cluster.start(leader)
    await cluster.recover()
    is.true([3, 5].includes(seenAt(cluster, cluster.leader()!).voters.length))
    await cluster.check()
  }
})

test('those who are to leave elect a leader where none but they have the change', async is => {
  for (let seed = 30; seed < 33; seed++) {
    const cluster = await begun(seed, 3)
    const leader = cluster.leader()!
    const [stays, leaves] = followersOf(cluster)
    cluster.member(leader).membership$.pipe(filter(({ voters, outgoing, isCommitted }) => voters.length === 1 && outgoing.length === 0 && !isCommitted), take(1)).subscribe(() => cluster.crash(stays!))
    void cluster.member(leader).raft!.members.change({ remove: [leader, leaves!] })
    await cluster.until(() => seenAt(cluster, leaves!).outgoing.length === 0 && seenAt(cluster, leaves!).voters.length === 1)
    await cluster.until(() => cluster.leader() === undefined)
    cluster.start(stays!)
    await cluster.until(() => cluster.member(stays!).raft !== undefined)
    is.is(seenAt(cluster, stays!).outgoing.length, 3, 'the only one that is to stay has not heard of it')
    await cluster.recover()
    is.is(cluster.leader(), stays)
    is.deepEqual(seenAt(cluster, stays!).voters, [stays])
    await cluster.check()
  }
})

test('a new voter that never catches up is waited for until the change is abandoned', async is => {
  const cluster = await begun(20, 4)
  const [leader, [away]] = [cluster.leader()!, followersOf(cluster)]
  const { addresses } = seenAt(cluster, leader)
  await change(cluster, { remove: [away!] })
  cluster.kill(away!)
  const raft = cluster.member(leader).raft!
  const adding = raft.members.add(away!, addresses[away!]!)
  await cluster.run(5 * ELECTION_TIMEOUT_MS)
  is.deepEqual(seenAt(cluster, leader).next?.voters, cluster.ids)
  is.is(seenAt(cluster, leader).voters.length, 3)
  is.is(tagOf(await change(cluster, { remove: [leader] })), 'ChangeFailed: The membership was not changed: another change is under way.')
  is.deepEqual(orThrow(await cluster.settle(raft.members.abandon())).learners, [away!])
  const abandoned = await cluster.settle(adding)
  is.is(tagOf(abandoned), 'ChangeFailed: The membership was not changed: it was abandoned.')
  is.is(isLeft(abandoned) && 'appended' in abandoned.left && abandoned.left.appended, 'yes')
  const late = await cluster.settle(raft.members.add(away!, addresses[away!]!, { timeoutMs: 300 }))
  is.is(tagOf(late), `TimedOut: The change of the membership was begun and is not through after 300 ms; it goes on, and waits for "${away}" to catch up.`)
})

test('a member outside the cluster says so to whoever asks it in vain: one that was removed, and one that waits to be added', async is => {
  const cluster = await begun(24, 3)
  const [gone] = followersOf(cluster)
  await change(cluster, { remove: [gone!] })
  const place = cluster.join('n4')
  await cluster.run(5 * ELECTION_TIMEOUT_MS)
  for (const [id, outside] of [[gone!, 'this member does not belong to the cluster'], ['n4', 'this member waits to be added to the cluster']] as const) {
    const { read, propose, members } = cluster.member(id).raft!
    const asked = [read(total => total, { timeoutMs: 300 }), propose({ add: 1 }, { timeoutMs: 300 }), members.add('n4', place, { timeoutMs: 300 })]
    const outcomes = await cluster.settle(Promise.all(asked))
    const lastLeader = /; "n\d" was last known to lead/
    is.deepEqual(outcomes.map(outcome => outcome._tag === 'Left' && outcome.left.message.replace(lastLeader, '')), [
      `There was no leader to confirm the read; ${outside}.`, `No leader took the command; ${outside}; it is not applied, and will not be.`, `There was no leader to change the membership within 300 ms; ${outside}.`,
    ])
  }
})

test('who waits is told when the time is up or the signal aborts, and when the member stops', async is => {
  const cluster = await begun(21, 3)
  const leader = cluster.leader()!
  const [one, other] = followersOf(cluster)
  cluster.partition([leader], [one!, other!])
  const raft = cluster.member(leader).raft!
  const timedOut = raft.members.remove(one!, { timeoutMs: 300 })
  is.is(tagOf(await cluster.settle(raft.members.remove(other!))), 'ChangeFailed: The membership was not changed: another change is under way.')
  is.regex(tagOf(await cluster.settle(timedOut)), /^TimedOut: The change of the membership was begun and is not through after 300 ms; it goes on\.$/)
  const second = await begun(22, 3)
  const [leads, [far, away]] = [second.leader()!, followersOf(second)]
  second.partition([leads], [far!, away!])
  const controller = new AbortController()
  const aborted = second.member(leads).raft!.members.remove(far!, { signal: controller.signal })
  await second.run(100)
  controller.abort()
  is.is(tagOf(await second.settle(aborted)), 'TimedOut: The signal was aborted.')
  const third = await begun(23, 3)
  const [last, [mute, deaf]] = [third.leader()!, followersOf(third)]
  third.partition([last], [mute!, deaf!])
  const stopped = third.member(last).raft!.members.remove(mute!)
  await third.run(100)
  void third.member(last).raft!.stop()
  is.regex(tagOf(await third.settle(stopped)), /^OutcomeUnknown: The outcome is unknown because the member was stopped; the membership may still change/)
})
