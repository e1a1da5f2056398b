/** Three members in one process, memory storage and transport: what the pipeline itself costs. */
import * as t from 'io-ts'
import { type Recorder, memoryCluster, orThrow, reducerMachine } from '../streams/index.js'
import { numberIn, runPeer } from './peer.js'
import { median, report, say, tableOf } from './stats.js'

export const BATCH = 64
const COMMAND_BYTES = 128
const WARM_MS = 500

/** Commands are bytes and stay bytes: no text is made or read on the way. */
const bytes = new t.Type<Uint8Array, Uint8Array, unknown>(
  'Bytes', (u): u is Uint8Array => u instanceof Uint8Array, (u, context) => u instanceof Uint8Array ? t.success(u) : t.failure(u, context), u => u)
const counter = reducerMachine({ command: bytes, result: t.null, state: t.number, initial: 0, reduce: count => [count + 1, null] })

/** How fast it went, and what a command cost the processor, which a busy machine changes less. */
export interface Speed {
  readonly perSecond: number
  readonly cpuMicros: number
}

/** Commands per second through `propose` on the leader, `batch` at a time, each with its own promise and result. */
export const measureInProcess = async (batch: number, seconds: number, recorder?: (id: string) => Recorder): Promise<Speed> => {
  const cluster = orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'], ...(recorder && { recorder }) }))
  const command = new Uint8Array(COMMAND_BYTES).fill(1)
  orThrow(await cluster.n1.propose(command))
  let leader = cluster.n1
  for (const raft of Object.values(cluster)) raft.leadership$.subscribe(leadership => { if (leadership !== undefined) leader = raft }).unsubscribe()
  const turn = async (): Promise<void> => {
    const outcomes = await Promise.all(Array.from({ length: batch }, () => leader.propose(command)))
    for (const outcome of outcomes) orThrow(outcome)
  }
  for (const end = performance.now() + WARM_MS; performance.now() < end;) await turn()
  const began = performance.now()
  const spent = process.cpuUsage()
  let done = 0
  for (; performance.now() - began < seconds * 1000; done += batch) await turn()
  const perSecond = done / ((performance.now() - began) / 1000)
  const { user, system } = process.cpuUsage(spent)
  await Promise.all(Object.values(cluster).map(raft => raft.stop()))
  return { perSecond, cpuMicros: (user + system) / done }
}

export const inProcess = async ({ rounds, seconds, peer }: { rounds: number; seconds: number; peer: string | undefined }): Promise<void> => {
  const mine: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round++) {
    say(`in process, batch ${BATCH}, round ${round + 1} of ${rounds}`)
    const { perSecond } = await measureInProcess(BATCH, seconds)
    mine.push(perSecond)
    report({ what: 'rxraft in process', batch: BATCH, perSecond })
    if (peer === undefined) continue
    const [line] = await runPeer(peer.replaceAll('{secs}', String(seconds)))
    if (line !== undefined) report({ ...line })
    theirs.push(numberIn(line, 'per_s'))
  }
  const [us, them] = [median(mine), median(theirs)]
  say(`\n${tableOf(['in process', 'commands/s', 'peer/s', 'ratio'], [[`batch ${BATCH}`, us, them, `${(us / them).toFixed(2)}x`]])}\n`)
}
