/** The fate of one command, watched. */
import test from 'ava'
import { takeWhile } from 'rxjs'
import { isRight } from '../../lib/prelude.js'
import type { Tracked } from '../../streams/index.js'
import { simulate } from '../../testing/index.js'
import { type Counters, ELECTION_TIMEOUT_MS, HEARTBEAT_MS, begun, counter, followersOf } from './counters.js'

const told = (step: Tracked<number>): string => {
  switch (step.type) {
    case 'sent': return `sent to ${step.to}`
    case 'durable': return `durable on ${step.on.length} of ${step.voters.length}`
    case 'applied': return `applied: ${step.result}`
    case 'failed': return `failed: ${step.error._tag}, appended ${'appended' in step.error ? step.error.appended : ''}`
    default: return step.type
  }
}

/** Watches a command of `at`: what it comes to, in words, as it comes. */
const watch = (cluster: Counters, at: string, options?: Parameters<NonNullable<ReturnType<Counters['member']>['raft']>['track']>[1]) => {
  const steps: Tracked<number>[] = []
  let isOver = false
  const subscription = cluster.member(at).raft!.track({ add: 1 }, options).subscribe({ next: step => { steps.push(step) }, complete: () => { isOver = true } })
  return { steps, words: () => steps.map(told), isOver: () => isOver, unsubscribe: () => subscription.unsubscribe() }
}

test('at the leader every step is seen, in order, and all that name a place name the same one', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await begun(seed, 3)
    const leader = cluster.leader()!
    const { steps, words, isOver } = watch(cluster, leader)
    is.deepEqual(words(), ['queued'])
    await cluster.until(isOver)
    const durable = words().filter(word => word.startsWith('durable'))
    is.deepEqual(words().filter(word => !durable.includes(word)), ['queued', `sent to ${leader}`, 'appended', 'committed', 'applied: 2'])
    is.true(words().indexOf('durable on 2 of 3') < words().indexOf('committed'), words().join(', '))
    is.deepEqual(durable, [...durable].sort(), 'ever more')
    const places = new Set(steps.flatMap(step => 'index' in step ? [`${step.index}@${step.term}`] : []))
    is.is(places.size, 1)
  }
})

test('elsewhere it is seen to leave, and to arrive', async is => {
  const cluster = await begun(6)
  const { words, isOver } = watch(cluster, followersOf(cluster)[0]!)
  await cluster.until(isOver)
  is.deepEqual(words(), ['queued', `sent to ${cluster.leader()!}`, 'applied: 2'])
})

test('who decides alone needs nobody else', async is => {
  const cluster = await begun(7, 1)
  const { words, isOver } = watch(cluster, 'n1')
  await cluster.until(isOver)
  is.deepEqual(words(), ['queued', 'sent to n1', 'appended', 'durable on 1 of 1', 'committed', 'applied: 2'])
})

test('many in one turn are told apart', async is => {
  const cluster = await begun(8)
  const many = Array.from({ length: 5 }, () => watch(cluster, cluster.leader()!))
  await cluster.until(() => many.every(({ isOver }) => isOver()))
  const indices = many.map(({ steps }) => steps.flatMap(step => step.type === 'committed' ? [step.index] : []))
  is.deepEqual(indices.map(([index]) => index! - indices[0]![0]!), [0, 1, 2, 3, 4])
  is.deepEqual(many.map(({ words }) => words().at(-1)), [2, 3, 4, 5, 6].map(total => `applied: ${total}`))
})

test('without a leader it waits, and is told what came of that', async is => {
  const cluster = simulate({ machine: counter, seed: 9, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS })
  cluster.partition(['n1'], ['n2'], ['n3'])
  await cluster.run(ELECTION_TIMEOUT_MS)
  const { words, isOver } = watch(cluster, 'n1', { timeoutMs: 2 * ELECTION_TIMEOUT_MS })
  await cluster.until(isOver)
  is.deepEqual(words(), ['queued', 'failed: NotLeader, appended never'])
})

test('a leader that is cut off has it on its own disk alone; the next leader gets it, once', async is => {
  const cluster = await begun(10)
  const first = cluster.leader()!
  cluster.partition([first], followersOf(cluster))
  const { words, isOver } = watch(cluster, first, { timeoutMs: 20 * ELECTION_TIMEOUT_MS })
  await cluster.run(3 * ELECTION_TIMEOUT_MS)
  is.deepEqual(words(), ['queued', `sent to ${first}`, 'appended', 'durable on 1 of 3'])
  cluster.heal()
  await cluster.until(isOver)
  is.deepEqual(words().slice(4), [`sent to ${cluster.leader()!}`, 'applied: 2'])
})

test('who unsubscribes before it has left takes it back; afterwards it is only not told', async is => {
  const cluster = await begun(11)
  const leader = cluster.leader()!
  const early = watch(cluster, leader)
  early.unsubscribe()
  const late: string[] = []
  cluster.member(leader).raft!.track({ add: 1 }).pipe(takeWhile(step => step.type !== 'appended', true)).subscribe(step => { late.push(told(step)) })
  is.true(isRight(await cluster.settle(cluster.propose({ add: 1 }, { at: leader }))))
  const total = await cluster.settle(cluster.read(state => state, { at: leader }))
  is.true(isRight(total) && total.right === 3, 'one of two, and what followed')
  is.deepEqual([early.words(), late], [['queued'], ['queued', `sent to ${leader}`, 'appended']])
})

test('a member that is told to stop from within waits for what is on its way', async is => {
  for (const at of ['queued', 'sent', 'appended'] as const) {
    for (const isLeader of [true, false]) {
      const cluster = await begun(13)
      const asked = isLeader ? cluster.leader()! : followersOf(cluster)[0]!
      const { raft } = cluster.member(asked)
      const steps: string[] = []
      let stopped: Promise<void> | undefined
      raft!.track({ add: 1 }).subscribe(stage => {
        steps.push(told(stage))
        if (stage.type === at) stopped ??= raft!.stop()
      })
      await cluster.run(ELECTION_TIMEOUT_MS)
      if (at === 'appended' && !isLeader) is.deepEqual(steps.at(-1), 'applied: 2')
      else {
        await cluster.settle(stopped!)
        is.is(steps.at(-1), 'applied: 2', `${at} ${isLeader ? 'at the leader' : 'elsewhere'}`)
      }
    }
  }
})

test('options that make no sense, and members that have ended, are outcomes, too', async is => {
  const cluster = await begun(12)
  const leader = cluster.leader()!
  for (const options of [{ timeoutMs: -1 }, { signal: AbortSignal.abort() }]) is.deepEqual(watch(cluster, leader, options).words(), ['failed: Rejected, appended never'])
  const { raft } = cluster.member(leader)
  await cluster.settle(raft!.stop())
  const steps: string[] = []
  raft!.track({ add: 1 }).subscribe(step => { steps.push(told(step)) })
  is.deepEqual(steps, ['failed: Stopped, appended never'])
})
