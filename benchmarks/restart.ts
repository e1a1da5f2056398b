/** A member that starts from a snapshot and what follows it in the log, beside reading its files once and what its machine and its codec take. */
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, firstValueFrom, lastValueFrom } from 'rxjs'
import { freePort } from '../cli/demo/ports.js'
import { decodeValue, encodeValue } from '../codecs/values.js'
import { isLeft } from '../lib/prelude.js'
import { type Machine, createRaft, fileStorage, orThrow, tcpTransport } from '../streams/index.js'
import { around } from './around.js'
import { withBallast } from './ballast.js'
import { VALUE_BYTES, keyOf, kv } from './kv.js'
import { median, report, say, tableOf } from './stats.js'

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

export const restart = async ({ mebibytes, entries, rounds }: RestartOptions): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-bench-'))
  const address = `127.0.0.1:${await freePort()}`
  const open = async (machine: typeof kv) => orThrow(await createRaft({
    cluster: 'bench', id: 'n1', members: { n1: address }, machine, transport: tcpTransport(), storage: fileStorage(folder),
    limits: { snapshotEntries: 1_000_000_000, snapshotBytes: 2 ** 30, snapshotKeepEntries: 0 },
  }))
  try {
    const machine = withBallast(kv, mebibytes)
    const first = await open(machine)
    function* writes(): Generator<{ key: string; value: string }> {
      for (let n = 0; n < entries; n++) yield { key: keyOf(n), value: 'v'.repeat(VALUE_BYTES) }
    }
    orThrow(await first.propose({ key: 'first', value: '' }))
    orThrow(await first.snapshot())
    await lastValueFrom(first.replicateFrom(writes(), { window: WINDOW }))
    const { lastIndex } = await firstValueFrom(first.status$)
    await first.stop()
    const times: { readonly restartMs: number; readonly readMs: number; readonly machineMs: number }[] = []
    for (let i = 0; i < rounds; i++) {
      const readMs = await readOnce(folder)
      let machineMs = decodeOnce(entries)
      const began = performance.now()
      const raft = await open(timed(machine, ms => { machineMs += ms }))
      await firstValueFrom(raft.status$.pipe(filter(({ appliedIndex }) => appliedIndex >= lastIndex)))
      const restartMs = performance.now() - began
      await raft.stop()
      times.push({ restartMs, readMs, machineMs })
      report({ what: 'rxraft restart', mebibytes, entries, restartMs, readMs, machineMs })
    }
    const of = (value: (one: (typeof times)[number]) => number): number => median(times.map(value))
    say(tableOf(['restart', 'ms', 'reading the files ms', 'the machine ms', 'ratio'], [[
      `${mebibytes} MiB + ${entries.toLocaleString('en')} entries`, of(one => one.restartMs), of(one => one.readMs), of(one => one.machineMs),
      of(({ restartMs, readMs, machineMs }) => restartMs / (readMs + machineMs)),
    ]]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
