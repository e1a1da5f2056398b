/** A leader that is stopped in good order while everybody writes: of no command is the outcome unknown, since it answers all that it looks at. */
import test from 'ava'
import { isRight } from '../../lib/prelude.js'
import { orThrow } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

type Counters = SimulatedCluster<{ add: number }, number, number>

const CLIENTS = ['ann', 'bob', 'cid', 'dan']
/** From one command of a client to its next one. */
const PAUSE_MS = 1

/** Four clients and a writer at each member, who write until the result is called. */
const written = async (cluster: Counters): Promise<() => void> => {
  await cluster.until(() => cluster.leader() !== undefined)
  for (const through of CLIENTS) orThrow(await cluster.settle(cluster.connect(through)))
  let add = 0
  let isOver = false
  const write = (options: { readonly through: string } | { readonly at: string }): void => {
    if (isOver) return
    void cluster.propose({ add: ++add }, options).then(() => cluster.clock.after(PAUSE_MS, () => write(options)))
  }
  for (const through of CLIENTS) write({ through })
  for (const at of cluster.ids) write({ at })
  return () => { isOver = true }
}

test('a leader that stops leaves no outcome unknown, and refuses only what is proposed at itself', async is => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = simulate({ machine: counter, seed, members: 3 })
    const end = await written(cluster)
    await cluster.run(50)
    const leader = cluster.leader()!
    await cluster.settle(cluster.member(leader).raft!.stop())
    const stoppedAt = cluster.clock.now()
    const isServed = (writer: string): boolean =>
      cluster.history().some(({ at, outcome, calledAt }) => at === writer && calledAt > stoppedAt && outcome !== undefined && isRight(outcome))
    await cluster.until(() => [...CLIENTS, ...cluster.ids].every(writer => writer === leader || isServed(writer)))
    end()
    await cluster.check()
    const errors = cluster.history().flatMap(({ at, outcome }) => outcome === undefined || isRight(outcome) ? [] : [`${at} ${outcome.left._tag}`])
    is.deepEqual([...new Set(errors)], [`${leader} Stopped`], `seed ${seed}`)
  }
})

test('one that was stopped is down, is nobody to ask, and serves again when it is started', async is => {
  for (const mend of ['start', 'recover'] as const) {
    const cluster = simulate({ machine: counter, seed: 1, replays: 0 })
    await cluster.until(() => cluster.leader() !== undefined)
    const leader = cluster.leader()!
    await cluster.settle(cluster.member(leader).raft!.stop())
    await cluster.run(0)
    is.deepEqual([cluster.member(leader).raft, cluster.member(leader).state], [undefined, undefined])
    await cluster.until(() => cluster.leader() !== undefined)
    is.is(orThrow(await cluster.settle(cluster.propose({ add: 2 }))), 2, 'at the first that runs')
    if (mend === 'start') cluster.start(leader)
    await cluster.recover()
    is.is(cluster.member(leader).state, 2)
    await cluster.check()
  }
})
