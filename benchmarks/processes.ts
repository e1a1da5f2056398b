/** Three durable members in three processes, as the benchmarks use them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../cli/demo/ports.js'
import type { Status } from '../streams/index.js'
import type { BenchMember } from './member.js'

const program = fileURLToPath(new URL('./member.js', import.meta.url))
const ELECTION_PATIENCE_MS = 20_000

type Sample = Status & { readonly rss: number; readonly cpu: { readonly user: number; readonly system: number } }

export interface Processes {
  readonly members: Readonly<Record<string, string>>
  leader(): string | undefined
  sampleOf(id: string): Sample | undefined
  start(id: string): void
  kill(id: string): Promise<void>
  /** Resolves when some member, other than `but`, leads. */
  elected(but?: string): Promise<string>
  end(): Promise<void>
}

export interface ProcessOptions {
  readonly parent?: string
  readonly isRecorded?: boolean
}

/** Starts `count` members with their data in a folder below `parent`, removed at the end. */
export const startProcesses = async (count: number, { parent = tmpdir(), isRecorded = false }: ProcessOptions = {}): Promise<Processes> => {
  const root = mkdtempSync(join(parent, 'rxraft-bench-'))
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`)
  const ports = await Promise.all(ids.map(freePort))
  const members = Object.fromEntries(ids.map((id, i) => [id, `127.0.0.1:${ports[i]}`]))
  const children = new Map<string, ChildProcess>()
  const samples = new Map<string, Sample>()
  const start = (id: string): void => {
    const task: BenchMember = { id, members, folder: join(root, id), ...(isRecorded && { recording: join(root, `${id}-recording`) }) }
    const child = fork(program, [JSON.stringify(task)])
    child.on('message', sample => samples.set(id, sample as Sample))
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
  const elected = async (but?: string): Promise<string> => {
    for (const end = Date.now() + ELECTION_PATIENCE_MS; Date.now() < end; await new Promise(resume => setTimeout(resume, 10))) {
      const id = leader()
      if (id !== undefined && id !== but) return id
    }
    throw new Error('no leader was elected')
  }
  ids.forEach(start)
  return {
    members, leader, start, kill, elected, sampleOf: id => samples.get(id),
    end: async () => {
      await Promise.all([...children.keys()].map(kill))
      rmSync(root, { recursive: true, force: true })
    },
  }
}
