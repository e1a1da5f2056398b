/** Three members in one process, driven as fast as they go: by turns of a batch, one by one with many in flight, and by streams; and their pipelines alone. */
import { setImmediate } from 'node:timers/promises'
import { Subject } from 'rxjs'
import { isRight } from '../../lib/prelude.js'
import type { Recorder } from '../../streams/index.js'
import { pause } from '../aids.js'
import { type MemoryMembers, type MemoryOptions, startInMemory } from '../cluster/memory.js'
import { startPipelines } from '../cluster/pipelines.js'
import { COMMAND } from '../cluster/workloads.js'
import { peerRound } from '../peers/peer.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

export const BATCH = 64
/** Until the compiler has seen the code: so many commands, but no longer than that. */
const WARM_COMMANDS = 30_000
const WARM_MS = 500
const WARM_MOST_MS = 2_000

/** How fast it went, and what a command cost the processor, which a busy machine changes less. */
export interface Speed {
  readonly perSecond: number
  readonly cpuMicros: number
}

/** Keeps members at work until it is told to end; `done` counts the commands that are through. */
interface Work {
  done(): number
  end(): Promise<void>
}

/** What the work does in so many seconds, once the compiler has seen it. */
const measure = async (seconds: number, begin: () => Promise<Work>): Promise<Speed> => {
  const work = await begin()
  const started = performance.now()
  for (let passed = 0; passed < WARM_MS || (work.done() < WARM_COMMANDS && passed < WARM_MOST_MS); passed = performance.now() - started) await pause(50)
  const [began, spent, before] = [performance.now(), process.cpuUsage(), work.done()]
  await pause(seconds * 1000)
  const took = performance.now() - began
  const [{ user, system }, done] = [process.cpuUsage(spent), work.done() - before]
  await work.end()
  return { perSecond: done / (took / 1000), cpuMicros: (user + system) / done }
}

/** Members in memory, of which the leader is kept at work. */
const members = (options: MemoryOptions, begin: (leader: MemoryMembers['leader']) => Work) => async (): Promise<Work> => {
  const { leader, stop } = await startInMemory(options)
  const { done, end } = begin(leader)
  return { done, end: () => end().then(stop) }
}

/** `lanes` loops beside each other, each of which proposes `batch` commands, waits for all of them, and begins again. */
const loops = (lanes: number, batch: number) => (leader: MemoryMembers['leader']): Work => {
  let done = 0
  let running = true
  const loop = async (): Promise<void> => {
    while (running) {
      const outcomes = batch === 1 ? [await leader.propose(COMMAND)] : await Promise.all(Array.from({ length: batch }, () => leader.propose(COMMAND)))
      // A machine that stands still for a moment costs a leadership, and with it commands: those do not count.
      done += outcomes.filter(isRight).length
    }
  }
  const all = Array.from({ length: lanes }, loop)
  return { done: () => done, end: async () => { running = false; await Promise.all(all) } }
}

/** A stream of commands through `replicate`, so many in flight, and `commits$` behind it. */
const stream = (inFlight: number) => (leader: MemoryMembers['leader']): Work => {
  let done = 0
  let running = true
  const commands = new Subject<Uint8Array>()
  leader.commits$.subscribe(event => { if (event._tag === 'Applied') done += event.commits.length })
  const ended = new Promise<void>((resolve, reject) => commands.pipe(leader.replicate({ window: inFlight })).subscribe({
    next: ({ command }) => {
      if (running) commands.next(command)
    },
    error: reject,
    complete: resolve,
  }))
  for (let n = 0; n < inFlight; n++) commands.next(COMMAND)
  return { done: () => done, end: () => { running = false; commands.complete(); return ended } }
}

/** Until the event loop of the host has its turn, in which ticks come. */
const BATCHES_A_TURN = 16

/** Batch after batch, each proposed once every member has applied the last. */
const batches = (batch: number, isFramed: boolean) => async (): Promise<Work> => {
  const { propose, done, close } = await startPipelines({ isFramed })
  const commands = Array.from({ length: batch }, () => COMMAND)
  let running = true
  const loop = async (): Promise<void> => {
    while (running) {
      for (let i = 0; i < BATCHES_A_TURN; i++) propose(commands)
      await setImmediate()
    }
    close()
  }
  const ended = loop()
  return { done, end: () => { running = false; return ended } }
}

/** `batch` commands at a time through the pipelines of three members, without promises, results and sessions. */
export const measurePipelines = (batch: number, seconds: number): Promise<Speed> => measure(seconds, batches(batch, false))

/** The same with every message encoded, decoded and validated on its way. */
export const measureFramedPipelines = (batch: number, seconds: number): Promise<Speed> => measure(seconds, batches(batch, true))

/** Commands through `propose` on the leader, `batch` at a time, each with its own promise and result. */
export const measureInProcess = (batch: number, seconds: number, recorder?: (id: string) => Recorder): Promise<Speed> =>
  measure(seconds, members({ recorder }, loops(1, batch)))

/** The same with every message encoded, decoded and validated on its way. */
export const measureFramed = (batch: number, seconds: number): Promise<Speed> => measure(seconds, members({ isFramed: true }, loops(1, batch)))

/** Single proposals, so many in flight, each replaced when it has its result. */
export const measureSingles = (inFlight: number, seconds: number): Promise<Speed> => measure(seconds, members({}, loops(inFlight, 1)))

/** The same load as a stream of commands that becomes a stream of commits. */
export const measureStream = (inFlight: number, seconds: number): Promise<Speed> => measure(seconds, members({}, stream(inFlight)))

export const inProcess = async ({ rounds, seconds, peer }: { rounds: number; seconds: number; peer: string | undefined }): Promise<void> => {
  const mine: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round++) {
    say(`in process, batch ${BATCH}, round ${round + 1} of ${rounds}`)
    // The peer first: one that does not work is known at once.
    if (peer !== undefined) theirs.push((await peerRound(peer, { clients: BATCH, secs: seconds })).perSecond)
    const { perSecond } = await measureInProcess(BATCH, seconds)
    mine.push(perSecond)
    report({ what: 'rxraft in process', batch: BATCH, perSecond })
  }
  const [us, them] = [median(mine), median(theirs)]
  say(`\n${tableOf(['in process', 'commands/s', 'peer/s', 'ratio'], [[`batch ${BATCH}`, us, them, `${(us / them).toFixed(2)}x`]])}\n`)
}
