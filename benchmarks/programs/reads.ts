/** Three members in one process: what a linearizable read costs beside a write, at the leader and at a follower, and how many rounds of questions it takes. */
import { type Raft, memoryCluster, orThrow } from '../../streams/index.js'
import { pause } from '../aids.js'
import { keyOf, kv } from '../cluster/kv.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

const IN_FLIGHT = 256
const WARM_MS = 500

interface Speed {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly perRound: number
}

/** So many at a time, each with its own promise; `rounds` tells how many rounds of questions there were so far. */
const measure = async (seconds: number, rounds: () => number, once: (n: number) => Promise<unknown>): Promise<Speed> => {
  let done = 0
  let isRunning = true
  const workers = Array.from({ length: IN_FLIGHT }, async (_, n) => {
    for (let i = n; isRunning; i += IN_FLIGHT, done++) await once(i)
  })
  await pause(WARM_MS)
  const [before, asked, began, spent] = [done, rounds(), performance.now(), process.cpuUsage()]
  await pause(seconds * 1000)
  const [count, questions, took, { user, system }] = [done - before, rounds() - asked, performance.now() - began, process.cpuUsage(spent)]
  isRunning = false
  await Promise.all(workers)
  return { perSecond: count / took * 1000, cpuMicros: (user + system) / count, perRound: count / questions }
}

type Kv = Raft<{ key: string; value: string }, null, ReadonlyMap<string, string>>

const isLeading = (raft: Kv): boolean => {
  let isLeader = false
  raft.status$.subscribe(({ role }) => { isLeader = role === 'leader' }).unsubscribe()
  return isLeader
}

export const reads = async ({ rounds, seconds }: { rounds: number; seconds: number }): Promise<void> => {
  const members: readonly Kv[] = Object.values(orThrow(await memoryCluster({ machine: kv, members: ['n1', 'n2', 'n3'], electionTimeoutMs: 2000, heartbeatMs: 100 })))
  orThrow(await members[0]!.propose({ key: keyOf(1), value: 'v' }))
  const leader = members.find(isLeading) ?? members[0]!
  const follower = members.find(raft => !isLeading(raft)) ?? members[0]!
  let questions = 0
  leader.appendEntries$.subscribe(message => { if (message.type === 'appendEntries' && message.asks) questions++ })
  const read = (raft: Kv) => async (n: number) => orThrow(await raft.read(table => table.get(keyOf(n))))
  const kinds = {
    'writes at the leader': async (n: number) => orThrow(await leader.propose({ key: keyOf(n), value: 'v' })),
    'reads at the leader': read(leader),
    'reads at a follower': read(follower),
  }
  const found = new Map<string, Speed[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [what, once] of Object.entries(kinds)) {
      say(`${what}, ${IN_FLIGHT} in flight, round ${round + 1} of ${rounds}`)
      // One question to each of the two followers is a round.
      const speed = await measure(seconds, () => questions / 2, once)
      report({ what, inFlight: IN_FLIGHT, ...speed })
      found.set(what, [...found.get(what) ?? [], speed])
    }
  }
  const rows = [...found].map(([what, all]) => [what, median(all.map(({ perSecond }) => perSecond)), median(all.map(({ cpuMicros }) => cpuMicros)), median(all.map(({ perRound }) => perRound))])
  say(`\n${tableOf([`${IN_FLIGHT} in flight`, 'per second', 'CPU µs each', 'each round of questions'], rows)}\n`)
  await Promise.all(members.map(raft => raft.stop()))
}
