/** One snapshot from a leader to a member that comes back, while writes go on: how fast it is, beside what the disk alone does, and what it costs the others. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { inFolder, until } from '../aids.js'
import { type Driven, drive } from '../cluster/drive.js'
import { VALUE_BYTES } from '../cluster/kv.js'
import type { Stage } from '../cluster/load.js'
import { type Processes, startProcesses } from '../cluster/processes.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

const WRITERS: Stage = { inFlight: 16, valueBytes: VALUE_BYTES }
const MEGABYTE = 2 ** 20

interface SnapshotOptions {
  readonly mebibytes: number
  readonly rounds: number
  readonly seconds: number
}

/** So much is written between two syncs, as whoever receives a snapshot does. */
const SYNC_MIB = 4

/** What the disk alone takes of new bytes, synced. */
const diskRate = (mebibytes: number): Promise<number> => inFolder(async folder => {
  const file = openSync(join(folder, 'bytes'), 'w')
  const mebibyte = new Uint8Array(MEGABYTE).fill(7)
  const began = performance.now()
  for (let n = 1; n <= mebibytes; n++) {
    writeSync(file, mebibyte)
    if (n % SYNC_MIB === 0 || n === mebibytes) fdatasyncSync(file)
  }
  const seconds = (performance.now() - began) / 1000
  closeSync(file)
  return mebibytes / seconds
})

const load = async (cluster: Processes, measureMs: number): Promise<Driven> => {
  const [result] = await drive(cluster, { stages: [WRITERS], warm: WRITERS, warmMs: 500, settleWrites: 0, measureMs })
  return result!
}

export interface SnapshotRound {
  readonly mibPerSecond: number
  readonly idle: Driven
  readonly during: Driven
  /** The most that each side's resident memory grew while the snapshot was on its way. */
  readonly senderMiB: number
  readonly receiverMiB: number
}

const rssOf = (cluster: Processes, id: string): number => (cluster.sampleOf(id)?.rss ?? 0) / MEGABYTE

/** The member that stays away is removed with all that it had; it comes back to a log that no longer begins at 1. */
export const measureSnapshot = async ({ mebibytes, seconds }: Omit<SnapshotOptions, 'rounds'>): Promise<SnapshotRound> => {
  const cluster = await startProcesses(3, { ballastMiB: mebibytes })
  try {
    const leader = await cluster.elected()
    const late = Object.keys(cluster.members).find(id => id !== leader)!
    await cluster.kill(late)
    await load(cluster, 500)
    const written = cluster.sampleOf(leader)!.lastIndex
    const others = Object.keys(cluster.members).filter(id => id !== late)
    await until(() => others.every(id => (cluster.sampleOf(id)?.appliedIndex ?? 0) >= written), 'what was written to be applied')
    for (const id of others) cluster.takeSnapshot(id)
    await until(() => others.every(id => (cluster.snapshotOf(id)?.index ?? 0) >= written), 'the snapshots')
    const idle = await load(cluster, seconds * 1000)
    const sender = cluster.leader() ?? leader
    cluster.start(late)
    await until(() => cluster.eventsOf(late).some(({ type }) => type === 'receiving'), 'the transfer')
    const began = performance.now()
    const before = { sender: rssOf(cluster, sender), receiver: rssOf(cluster, late) }
    const most = { ...before }
    const watch = setInterval(() => {
      most.sender = Math.max(most.sender, rssOf(cluster, sender))
      most.receiver = Math.max(most.receiver, rssOf(cluster, late))
    }, 20)
    const loaded = load(cluster, Math.max(1000, Math.min(seconds * 1000, mebibytes * 4)))
    const ended = await until(() => cluster.eventsOf(late).some(({ type }) => type === 'received'), 'the end of the transfer')
    clearInterval(watch)
    const during = await loaded
    return {
      mibPerSecond: mebibytes / ((ended - began) / 1000), idle, during,
      senderMiB: most.sender - before.sender, receiverMiB: most.receiver - before.receiver,
    }
  } finally {
    await cluster.end()
  }
}

/** Prints the rate of the transfer, and the latency of writes beside it and without it. */
export const snapshot = async (options: SnapshotOptions): Promise<void> => {
  const rounds: SnapshotRound[] = []
  const disk: number[] = []
  for (let i = 0; i < options.rounds; i++) {
    const diskMibPerSecond = await diskRate(options.mebibytes)
    const one = await measureSnapshot(options)
    rounds.push(one)
    disk.push(diskMibPerSecond)
    report({ what: 'rxraft snapshot', mebibytes: options.mebibytes, diskMibPerSecond, ...one })
    say(`round ${i + 1}: ${one.mibPerSecond.toFixed(0)} MiB/s, the disk alone ${diskMibPerSecond.toFixed(0)}`)
  }
  const of = (value: (one: SnapshotRound) => number): number => median(rounds.map(value))
  say(tableOf(['snapshot', 'MiB/s', 'disk alone', 'of the disk', 'p99 idle ms', 'p99 during ms', 'writes/s idle', 'writes/s during', 'sender + MiB', 'receiver + MiB'], [[
    `${options.mebibytes} MiB`, of(one => one.mibPerSecond), median(disk), of(one => one.mibPerSecond) / median(disk), of(one => one.idle.p99Ms), of(one => one.during.p99Ms),
    of(one => one.idle.perSecond), of(one => one.during.perSecond), of(one => one.senderMiB), of(one => one.receiverMiB),
  ]]))
}
