/** Whoever follows the log of any member, in any of its lives, hears the same: everything that was committed, without a gap. */
import test, { type ExecutionContext } from 'ava'
import { EMPTY, Observable } from 'rxjs'
import type { LogEvent } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

type Command = { add: number }
type Event = LogEvent<Command, number>
type Cluster = SimulatedCluster<Command, number, number>

const LIMITS = { snapshotEntries: 20, snapshotKeepEntries: 5, snapshotChunkBytes: 64, logCacheBytes: 1, maxAppendBytes: 300 }

/** What one life of a member told one who followed it. */
interface Followed {
  readonly id: string
  readonly events: Event[]
  readonly errors: unknown[]
}

/** Follows each life of each member from the beginning, once as fast as it goes, and once so slowly that the log is cut meanwhile. */
const followAll = (cluster: Cluster): readonly Followed[] => {
  const all: Followed[] = []
  const wait$ = new Observable<never>(subscriber => cluster.clock.after(40, () => subscriber.complete()))
  for (const id of cluster.ids) {
    const member = cluster.member(id)
    let known: typeof member.raft
    member.status$.subscribe(() => {
      const { raft } = member
      if (raft === undefined || raft === known) return
      known = raft
      for (const inner$ of [EMPTY, wait$]) {
        const followed: Followed = { id, events: [], errors: [] }
        all.push(followed)
        raft.commitsFrom(1, event => {
          followed.events.push(event)
          return inner$
        }).subscribe({ error: (error: unknown) => followed.errors.push(error) })
      }
    })
  }
  return all
}

/** Every command that any member has applied, by its place. */
const watchCommits = (cluster: Cluster): ReadonlyMap<number, number> => {
  const committed = new Map<number, number>()
  for (const id of cluster.ids) {
    cluster.member(id).commits$.subscribe(event => {
      if (event._tag === 'Applied') for (const { index, command } of event.commits) committed.set(index, command.add)
    })
  }
  return committed
}

/** Whether these events tell all there is to tell up to where they end, and where that is. */
const judge = (c: ExecutionContext, { id, events, errors }: Followed, committed: ReadonlyMap<number, number>): number => {
  c.deepEqual(errors, [])
  let next = 1
  for (const event of events) {
    if (event._tag === 'Restored') {
      const sum = [...committed].filter(([index]) => index <= event.at.index).reduce((total, [, add]) => total + add, 0)
      if (event.at.index < next || event.state !== sum) c.fail(`${id}: ${event.state} at ${event.at.index}, where ${next} is next and the sum is ${sum}`)
      next = event.at.index + 1
    } else {
      for (const { index, command } of event.entries) {
        while (next < index && !committed.has(next)) next++
        if (next !== index || committed.get(index) !== command.add) c.fail(`${id}: ${command.add} at ${index}, where ${committed.get(next)} at ${next} is next`)
        next = index + 1
      }
    }
  }
  return next
}

test('over storms, crashes and cuts of the log nobody who follows it misses a command or hears one twice', async c => {
  c.timeout(300_000)
  const seen = { lives: 0, first: 0, later: 0 }
  for (let seed = 1; seed <= 2; seed++) {
    const cluster = simulate({ machine: counter, seed, segmentBytes: 4096, electionTimeoutMs: 150, heartbeatMs: 30, limits: LIMITS })
    const committed = watchCommits(cluster)
    const all = followAll(cluster)
    let made = 0
    const client = (name: string): void => void cluster.clock.after(20, () => {
      const add = ++made
      void cluster.propose({ add }, { at: cluster.ids[add % 3]!, client: name, timeoutMs: 500 }).then(() => client(name))
    })
    for (const name of ['ann', 'bob', 'cid']) client(name)
    for (let storm = 0; storm < 2; storm++) {
      await cluster.storm(2_500)
      for (const id of cluster.ids) cluster.crash(id, 0.5)
      await cluster.recover()
    }
    await cluster.run(500)
    const last = Math.max(...committed.keys())
    await cluster.run(1_000)
    const ends = all.map(followed => judge(c, followed, committed))
    const up = cluster.ids.filter(id => cluster.member(id).raft !== undefined) // what was damaged stays away
    for (const id of up) c.true(ends.filter((end, i) => all[i]!.id === id && end > last).length === 2, `both who follow ${id} have come to the end`)
    for (const { events } of all) {
      const restored = events.map(({ _tag }) => _tag === 'Restored')
      seen.lives++
      if (restored[0]) seen.first++
      if (restored.slice(1).includes(true)) seen.later++
    }
  }
  c.true(seen.lives >= 40 && seen.first >= 10 && seen.later >= 3, JSON.stringify(seen))
})
