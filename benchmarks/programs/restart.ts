/** A member that starts from a snapshot and what follows it in the log, beside reading its files once and what its machine and its codec take. */
import { createReadStream, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { filter, firstValueFrom, lastValueFrom } from 'rxjs'
import { freePort } from '../../cli/demo/ports.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { isLeft } from '../../lib/prelude.js'
import { type Machine, createRaft, fileStorage, orThrow, tcpTransport } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { newFolder } from '../aids.js'
import { withBallast } from '../cluster/ballast.js'
import { VALUE_BYTES, keyOf, kv } from '../cluster/kv.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

const WINDOW = 2_048

interface RestartOptions {
  readonly mebibytes: number
  readonly entries: number
  readonly rounds: number
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

/** How long it takes to read so many commands out of their bytes, and nothing else. */
const decodeOnce = (entries: number): number => {
  const bytes = encodeValue(kv.command, { key: keyOf(1), value: 'v'.repeat(VALUE_BYTES) })
  if (isLeft(bytes)) throw new Error(bytes.left.join('; '))
  const began = performance.now()
  for (let n = 0; n < entries; n++) decodeValue(kv.command, bytes.right)
  return performance.now() - began
}

/** Reads all files of the folder from beginning to end. */
const readOnce = async (folder: string): Promise<number> => {
  const began = performance.now()
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (!statSync(path).isFile()) continue
    for await (const _ of createReadStream(path, { highWaterMark: 1024 * 1024 }));
  }
  return performance.now() - began
}

/** A folder with a single member's log, which can be made longer, and started from. */
export interface RestartWorld {
  /** Writes commands until the log has about so many, and stops the member. */
  fill(entries: number): Promise<void>
  /** How long a start takes until everything is applied, beside reading its files once and what its machine and its codec take. */
  restart(): Promise<Restart>
  remove(): void
}

export interface Restart {
  readonly restartMs: number
  readonly readMs: number
  readonly machineMs: number
}

/** `mebibytes`: the snapshot that the log stands on; none where it is 0. */
export const createRestartWorld = async (mebibytes: number): Promise<RestartWorld> => {
  const folder = newFolder()
  const address = `127.0.0.1:${await freePort()}`
  const machine = withBallast(kv, mebibytes)
  const open = async (machine: typeof kv) => orThrow(await createRaft({
    cluster: 'bench', id: 'n1', members: { n1: address }, machine, transport: tcpTransport(), storage: fileStorage(folder),
    limits: { snapshotEntries: 1_000_000_000, snapshotBytes: 2 ** 30, snapshotKeepEntries: 0 },
  }))
  let written = 0
  let lastIndex = 0
  return {
    fill: async entries => {
      const raft = await open(machine)
      function* writes(): Generator<{ key: string; value: string }> {
        for (; written < entries; written++) yield { key: keyOf(written), value: 'v'.repeat(VALUE_BYTES) }
      }
      orThrow(await raft.propose({ key: 'first', value: '' }))
      if (mebibytes > 0 && written === 0) orThrow(await raft.snapshot())
      await lastValueFrom(raft.replicateFrom(writes(), { window: WINDOW }), { defaultValue: undefined })
      ;({ lastIndex } = await firstValueFrom(raft.status$))
      await raft.stop()
    },
    restart: async () => {
      const readMs = await readOnce(folder)
      let machineMs = decodeOnce(written)
      const began = performance.now()
      const raft = await open(timed(machine, ms => { machineMs += ms }))
      await firstValueFrom(raft.status$.pipe(filter(({ appliedIndex }) => appliedIndex >= lastIndex)))
      const restartMs = performance.now() - began
      await raft.stop()
      return { restartMs, readMs, machineMs }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const restart = async ({ mebibytes, entries, rounds }: RestartOptions): Promise<void> => {
  const world = await createRestartWorld(mebibytes)
  try {
    await world.fill(entries)
    const times: Restart[] = []
    for (let i = 0; i < rounds; i++) {
      const one = await world.restart()
      times.push(one)
      report({ what: 'rxraft restart', mebibytes, entries, ...one })
    }
    const of = (value: (one: Restart) => number): number => median(times.map(value))
    say(tableOf(['restart', 'ms', 'reading the files ms', 'the machine ms', 'ratio'], [[
      `${mebibytes} MiB + ${entries.toLocaleString('en')} entries`, of(one => one.restartMs), of(one => one.readMs), of(one => one.machineMs),
      of(({ restartMs, readMs, machineMs }) => restartMs / (readMs + machineMs)),
    ]]))
  } finally {
    world.remove()
  }
}
