/** A member that starts from a snapshot and what follows it in the log, beside reading its files once and what its machine and its codec take. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { freePort } from '../../cli/demo/ports.js'
import { orThrow } from '../../streams/index.js'
import { newFolder } from '../aids.js'
import { openAlone } from '../cluster/alone.js'
import type { Reference, RestartTask, Started } from '../cluster/restarter.js'
import { canDropPageCache, dropPageCache } from '../cluster/page-cache.js'
import { type Workload, counted, pairs } from '../cluster/workloads.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

const WINDOW = 2_048
const program = fileURLToPath(new URL('../cluster/restarter.js', import.meta.url))

interface RestartOptions {
  readonly mebibytes: number
  readonly entries: number
  readonly rounds: number
}

/** A folder with a single member's log, which can be made longer, and started from. */
export interface RestartWorld {
  /** Writes commands until the log has about so many, and stops the member. */
  fill(entries: number): Promise<void>
  /** How long a start takes until everything is applied, beside reading its files once and what its machine and its codec take. */
  restart(options?: RestartOrder): Promise<Restart>
  remove(): void
}

export interface RestartOrder {
  /** Called before the start, and before the reading. */
  readonly before?: () => void
  /** Which of the two comes first: a disk may have less to give to the second. */
  readonly first?: RestartTask['task']
}

export interface Restart {
  readonly restartMs: number
  readonly readMs: number
  readonly machineMs: number
}

const inProcess = async <A>(task: RestartTask): Promise<A> => {
  const child = fork(program, [JSON.stringify(task)])
  const ended = once(child, 'exit')
  const told: unknown[] = []
  child.on('message', message => told.push(message))
  await ended
  if (told.length !== 1) throw new Error(`a process ended with ${child.exitCode ?? child.signalCode} instead of telling how long it took`)
  return told[0] as A
}

const worldOf = async <C, S>(name: RestartTask['workload'], workload: Workload<C, S>, mebibytes: number): Promise<RestartWorld> => {
  const alone = { folder: newFolder(), address: `127.0.0.1:${await freePort()}`, mebibytes }
  let written = 0
  let lastIndex = 0
  return {
    fill: async entries => {
      const raft = await openAlone(workload, alone)
      function* writes(): Generator<C> {
        for (; written < entries; written++) yield workload.commandAt(written)
      }
      orThrow(await raft.propose(workload.commandAt(0)))
      if (mebibytes > 0 && written === 0) orThrow(await raft.snapshot())
      await lastValueFrom(raft.replicateFrom(writes(), { window: WINDOW }), { defaultValue: undefined })
      ;({ lastIndex } = await firstValueFrom(raft.status$))
      await raft.stop()
    },
    restart: async ({ before = () => undefined, first = 'reference' } = {}) => {
      const perform = <A>(task: RestartTask['task']): Promise<A> => {
        before()
        return inProcess<A>({ ...alone, workload: name, entries: written, lastIndex, task })
      }
      const begun = first === 'start' ? await perform<Started>('start') : undefined
      const { readMs, decodeMs } = await perform<Reference>('reference')
      const { restartMs, machineMs } = begun ?? await perform<Started>('start')
      return { restartMs, readMs, machineMs: machineMs + decodeMs }
    },
    remove: () => rmSync(alone.folder, { recursive: true, force: true }),
  }
}

/** A log of keys and values behind a snapshot of so many mebibytes; behind none where it is 0. */
export const worldOfPairs = (mebibytes: number): Promise<RestartWorld> => worldOf('pairs', pairs, mebibytes)

/** A log of bytes that are counted, and no snapshot. */
export const worldOfCounted = (): Promise<RestartWorld> => worldOf('counted', counted, 0)

/** Where the files are when the start begins: in the system's memory, or on the disk alone. */
const SOURCES = [{ source: 'memory', before: () => undefined, isThere: () => true }, { source: 'disk', before: dropPageCache, isThere: canDropPageCache }] as const

export const restart = async ({ mebibytes, entries, rounds }: RestartOptions): Promise<void> => {
  const world = await worldOfPairs(mebibytes)
  try {
    await world.fill(entries)
    const sources = SOURCES.filter(({ isThere }) => isThere())
    if (sources.length < SOURCES.length) say('from the disk: skipped, because only root can have the system forget its files')
    const times = sources.map(({ source, before }) => ({ source, before, rounds: [] as Restart[] }))
    for (let i = 0; i < rounds; i++) {
      for (const { source, before, rounds } of times) {
        const one = await world.restart({ before, first: i % 2 === 0 ? 'reference' : 'start' })
        rounds.push(one)
        report({ what: 'rxraft restart', from: source, mebibytes, entries, ...one })
      }
    }
    say(tableOf([`${mebibytes} MiB + ${entries.toLocaleString('en')} entries`, 'ms', 'reading the files ms', 'the machine ms', 'ratio'], times.map(({ source, rounds }) => {
      const of = (value: (one: Restart) => number): number => median(rounds.map(value))
      return [
        `from ${source}`, of(one => one.restartMs), of(one => one.readMs), of(one => one.machineMs),
        of(({ restartMs, readMs, machineMs }) => restartMs / (readMs + machineMs)),
      ]
    })))
  } finally {
    world.remove()
  }
}
