/** The machine itself, measured in every round beside everything else: a difference that it explains is none of ours. */
import { createHash } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { newFolder } from '../aids.js'
import { quantile } from '../reporting/stats.js'
import type { Measure } from './measure.js'

const WORKS = 9
const SYNCS = 60
const ROUND_TRIPS = 1_000

interface Took {
  readonly ms: number
  readonly cpuMicros: number
}

/** A bit of what members do all day, always the same: objects, text and sums. */
const work = (): Took => {
  const [began, before] = [performance.now(), process.cpuUsage()]
  const hash = createHash('sha256')
  for (let n = 0; n < 15_000; n++) hash.update(JSON.stringify({ n, list: Array.from({ length: 8 }, (_, i) => ({ i, text: `k${n + i}` })) }))
  hash.digest()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - began, cpuMicros: user + system }
}

/** Appends of 4 KiB, each synced. */
const syncs = (): readonly number[] => {
  const folder = newFolder()
  const file = openSync(join(folder, 'syncs'), 'w')
  const bytes = new Uint8Array(4096)
  try {
    return Array.from({ length: SYNCS }, () => {
      const began = performance.now()
      writeSync(file, bytes)
      fdatasyncSync(file)
      return performance.now() - began
    })
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A byte there and back, one after the other. */
const roundTrips = async (): Promise<readonly number[]> => {
  const server = createServer(socket => socket.setNoDelay().pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  const took: number[] = []
  for (let n = 0; n < ROUND_TRIPS; n++) {
    const began = performance.now()
    socket.write('x')
    await once(socket, 'data')
    took.push(performance.now() - began)
  }
  socket.destroy()
  server.close()
  return took
}

export const WORK = 'a fixed piece of work'
export const SYNC = 'append and sync 4 KiB'

export const machine: Measure = {
  name: 'machine', title: 'The machine itself, in every round', at: 'what', isDurable: false,
  about: () => 1.5,
  run: async () => {
    const works = Array.from({ length: WORKS }, work)
    return [
      { at: WORK, kind: 'ms', value: quantile(works.map(({ ms }) => ms), 0.5) },
      { at: WORK, kind: 'cpuMicros', value: quantile(works.map(({ cpuMicros }) => cpuMicros), 0.5) },
      { at: SYNC, kind: 'p50Ms', value: quantile(syncs(), 0.5) },
      { at: 'a byte there and back over loopback', kind: 'p50Ms', value: quantile(await roundTrips(), 0.5) },
    ]
  },
}
