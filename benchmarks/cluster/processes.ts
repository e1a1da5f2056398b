/** Durable members in processes of their own, as the benchmarks use them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../cli/demo/ports.js'
import type { Snapshot, SnapshotEvent } from '../../streams/index.js'
import { newFolder, pause, until } from '../aids.js'
import type { BenchMember, BenchNews, BenchOrder, BenchSample } from './member.js'

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
  /** Starts one more, empty, that belongs to nothing yet; resolves once it is up. */
  startNewcomer(id: string): Promise<void>
  /** Has the leader add it; resolves once it votes. */
  addNewcomer(id: string): Promise<void>
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

const leaderThat = async (leader: () => string | undefined, fits: (id: string) => boolean): Promise<string> => {
  for (const end = Date.now() + ELECTION_PATIENCE_MS; Date.now() < end; await pause(LOOK_EVERY_MS)) {
    const id = leader()
    if (id !== undefined && fits(id)) return id
  }
  throw new Error('no leader was elected, or not by all')
}

const command = (child: ChildProcess | undefined, order: BenchOrder): void => void child?.send(order)

/** What this member is asked for it sees through, and tells what came of it. */
const added = async (child: ChildProcess | undefined, id: string, address: string): Promise<void> => {
  if (child === undefined) throw new Error(`nobody leads who could add ${id}`)
  const outcome = new Promise<string | undefined>(tell => {
    child.on('message', message => {
      const news = message as BenchNews
      if ('added' in news && news.added === id) tell(news.failure)
    })
    child.once('exit', () => tell('the leader ended'))
  })
  command(child, { type: 'add', id, address })
  const failure = await outcome
  if (failure !== undefined) throw new Error(`${id} was not added: ${failure}`)
}

/** Starts `count` members with their data in a folder below `parent`, removed at the end. */
export const startProcesses = async (count: number, { parent = tmpdir(), isRecorded = false, ballastMiB = 0, sampleEveryMs }: ProcessOptions = {}): Promise<Processes> => {
  const root = newFolder(parent)
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`)
  const ports = await Promise.all(ids.map(freePort))
  const members = Object.fromEntries(ids.map((id, i) => [id, `127.0.0.1:${ports[i]}`]))
  const children = new Map<string, ChildProcess>()
  const samples = new Map<string, BenchSample>()
  const events = new Map<string, SnapshotEvent[]>()
  const newcomers = new Map<string, string>()
  const start = (id: string): void => {
    const newcomer = newcomers.get(id)
    const task: BenchMember = { id, members, ...(newcomer !== undefined && { join: newcomer }), folder: join(root, id), ballastMiB, ...(sampleEveryMs !== undefined && { sampleEveryMs }), ...(isRecorded && { recording: join(root, `${id}-recording`) }) }
    const child = fork(program, [JSON.stringify(task)])
    const told: SnapshotEvent[] = []
    child.on('message', message => {
      const news = message as BenchNews
      if ('status' in news) samples.set(id, news.status)
      else if ('snapshot' in news) told.push(news.snapshot)
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
  ids.forEach(start)
  return {
    members, leader, start, kill,
    startNewcomer: async id => {
      newcomers.set(id, `127.0.0.1:${await freePort()}`)
      start(id)
      await until(() => samples.has(id), `the start of ${id}`)
    },
    addNewcomer: id => added(children.get(leader() ?? ''), id, newcomers.get(id)!),
    elected: but => leaderThat(leader, id => id !== but),
    whole: () => leaderThat(leader, id => ids.every(member => samples.get(member)?.leader === id)),
    sampleOf: id => samples.get(id),
    eventsOf: id => events.get(id) ?? [],
    snapshotOf: id => (events.get(id) ?? []).flatMap(event => event.type === 'captured' ? [event.snapshot] : []).at(-1),
    takeSnapshot: id => command(children.get(id), { type: 'snapshot' }),
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
