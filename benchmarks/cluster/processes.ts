/** Durable members in processes of their own, as the benchmarks use them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../cli/demo/ports.js'
import type { Snapshot, SnapshotEvent } from '../../streams/index.js'
import { newFolder, pause } from '../aids.js'
import type { BenchMember, BenchNews, BenchSample } from './member.js'

const program = fileURLToPath(new URL('./member.js', import.meta.url))
const ELECTION_PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 10

export interface Processes {
  readonly members: Readonly<Record<string, string>>
  leader(): string | undefined
  sampleOf(id: string): BenchSample | undefined
  /** What the member has told of snapshots in its present life. */
  eventsOf(id: string): readonly SnapshotEvent[]
  /** The newest that it has taken. */
  snapshotOf(id: string): Snapshot | undefined
  takeSnapshot(id: string): void
  /** Bytes of all its files, and how many files and sockets its process has open, where the system tells. */
  diskBytesOf(id: string): number
  handlesOf(id: string): number | undefined
  start(id: string): void
  kill(id: string): Promise<void>
  /** Resolves when some member, other than `but`, leads. */
  elected(but?: string): Promise<string>
  /** Resolves with the leader once all members follow it. */
  whole(): Promise<string>
  end(): Promise<void>
}

export interface ProcessOptions {
  readonly parent?: string
  readonly isRecorded?: boolean
  readonly ballastMiB?: number
  readonly sampleEveryMs?: number
}

/** A file that goes meanwhile takes no space. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Starts `count` members with their data in a folder below `parent`, removed at the end. */
export const startProcesses = async (count: number, { parent = tmpdir(), isRecorded = false, ballastMiB = 0, sampleEveryMs }: ProcessOptions = {}): Promise<Processes> => {
  const root = newFolder(parent)
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`)
  const ports = await Promise.all(ids.map(freePort))
  const members = Object.fromEntries(ids.map((id, i) => [id, `127.0.0.1:${ports[i]}`]))
  const children = new Map<string, ChildProcess>()
  const samples = new Map<string, BenchSample>()
  const events = new Map<string, SnapshotEvent[]>()
  const start = (id: string): void => {
    const task: BenchMember = { id, members, folder: join(root, id), ballastMiB, ...(sampleEveryMs !== undefined && { sampleEveryMs }), ...(isRecorded && { recording: join(root, `${id}-recording`) }) }
    const child = fork(program, [JSON.stringify(task)])
    const told: SnapshotEvent[] = []
    child.on('message', message => {
      const news = message as BenchNews
      if ('status' in news) samples.set(id, news.status)
      else told.push(news.snapshot)
    })
    events.set(id, told)
    children.set(id, child)
  }
  const kill = async (id: string): Promise<void> => {
    const child = children.get(id)
    children.delete(id)
    samples.delete(id)
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const leader = (): string | undefined => [...samples.values()].filter(({ role }) => role === 'leader').sort((a, b) => b.term - a.term)[0]?.id
  const leaderThat = async (fits: (id: string) => boolean): Promise<string> => {
    for (const end = Date.now() + ELECTION_PATIENCE_MS; Date.now() < end; await pause(LOOK_EVERY_MS)) {
      const id = leader()
      if (id !== undefined && fits(id)) return id
    }
    throw new Error('no leader was elected, or not by all')
  }
  ids.forEach(start)
  return {
    members, leader, start, kill,
    elected: but => leaderThat(id => id !== but),
    whole: () => leaderThat(id => ids.every(member => samples.get(member)?.leader === id)),
    sampleOf: id => samples.get(id),
    eventsOf: id => events.get(id) ?? [],
    snapshotOf: id => (events.get(id) ?? []).flatMap(event => event.type === 'captured' ? [event.snapshot] : []).at(-1),
    takeSnapshot: id => children.get(id)?.send('snapshot'),
    diskBytesOf: id => readdirSync(join(root, id), { withFileTypes: true }).reduce((sum, file) => sum + sizeOf(join(root, id, file.name)), 0),
    handlesOf: id => {
      const open = `/proc/${children.get(id)?.pid}/fd`
      return existsSync(open) ? readdirSync(open).length : undefined
    },
    end: async () => {
      await Promise.all([...children.keys()].map(kill))
      rmSync(root, { recursive: true, force: true })
    },
  }
}
