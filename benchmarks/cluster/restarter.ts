/** Starts a member from what is stored, or does by itself what such a start cannot do without: each in a process of its own, cold as it is when a member starts. */
import { closeSync, openSync, readSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { filter, firstValueFrom } from 'rxjs'
import type { Machine } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { type Alone, openAlone } from './alone.js'
import { WORKLOADS, type Workload } from './workloads.js'

export interface RestartTask extends Alone {
  readonly task: 'start' | 'reference'
  readonly workload: keyof typeof WORKLOADS
  readonly entries: number
  readonly lastIndex: number
}

/** Until everything is applied; of this, what the machine's restoring and applying took by themselves. */
export interface Started {
  readonly restartMs: number
  readonly machineMs: number
}

/** Reading the files from beginning to end, and reading the commands with the machine's codec. */
export interface Reference {
  readonly readMs: number
  readonly decodeMs: number
}

const READ_BYTES = 1024 * 1024
/** A large buffer begins a few bytes behind a page, and what a file is read from at one: some processors copy four times as slowly where the two are that near to each other. */
const BEHIND_PAGE = 64

const took = (work: () => void): number => {
  const began = performance.now()
  work()
  return performance.now() - began
}

/** The machine with a watch on what its restoring and applying take by themselves. */
const timed = <C, R, S>(machine: Machine<C, R, S>, spent: (ms: number) => void): Machine<C, R, S> => around(machine, running => ({
  apply: entries => {
    const began = performance.now()
    const applied = running.apply(entries)
    spent(performance.now() - began)
    return applied
  },
  restore: bytes => running.restore((async function* () {
    for await (const chunk of bytes) {
      const began = performance.now()
      yield chunk
      spent(performance.now() - began)
    }
  })()),
}))

const start = async <C, S>(workload: Workload<C, S>, task: RestartTask): Promise<Started> => {
  let machineMs = 0
  const began = performance.now()
  const raft = await openAlone(workload, task, machine => timed(machine, ms => { machineMs += ms }))
  await firstValueFrom(raft.status$.pipe(filter(({ appliedIndex }) => appliedIndex >= task.lastIndex)))
  const restartMs = performance.now() - began
  await raft.stop()
  return { restartMs, machineMs }
}

/** Into one buffer, which is as fast as reading goes. */
const readAll = (folder: string): void => {
  const buffer = Buffer.alloc(BEHIND_PAGE + READ_BYTES).subarray(BEHIND_PAGE)
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (!statSync(path).isFile()) continue
    const file = openSync(path, 'r')
    while (readSync(file, buffer) > 0);
    closeSync(file)
  }
}

/** A command as the log keeps it. */
const storedOf = (encoded: unknown): string | Uint8Array => encoded instanceof Uint8Array ? encoded : JSON.stringify(encoded)

const reference = <C, S>({ machine: { command }, commandAt }: Workload<C, S>, { folder, entries }: RestartTask): Reference => {
  const stored = Array.from({ length: entries }, (_, n) => storedOf(command.encode(commandAt(n))))
  return {
    readMs: took(() => readAll(folder)),
    decodeMs: took(() => { for (const one of stored) command.decode(typeof one === 'string' ? JSON.parse(one) : one) }),
  }
}

const perform = <C, S>(workload: Workload<C, S>, task: RestartTask): Started | Reference | Promise<Started> => task.task === 'start' ? start(workload, task) : reference(workload, task)

const task = JSON.parse(process.argv[2] ?? '{}') as RestartTask
process.send?.(await (task.workload === 'pairs' ? perform(WORKLOADS.pairs, task) : perform(WORKLOADS.counted, task)))
process.disconnect?.()
