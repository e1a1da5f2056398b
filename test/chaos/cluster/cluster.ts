/** The member processes of a run: started, watched, killed, paused, started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../cli/demo/ports.js'
import type { MemberId, Millis } from '../../../lib/types.js'
import type { Answer, FromMember, MemberTask, Question, Report, Snapshotting, ToMember } from '../member/protocol.js'

export type Start = Extract<FromMember, { type: 'started' | 'refused' }> | { readonly type: 'died' }

export interface ClusterOptions {
  readonly name: string
  /** Those with whom it begins. */
  readonly ids: readonly MemberId[]
  readonly folder: string
  readonly electionTimeoutMs: Millis
  /** Whether disks lose what was not synced when their process dies. */
  readonly isForgetful: boolean
  readonly snapshots: Snapshotting
  readonly members: Readonly<Record<MemberId, string>>
  /** Where everybody is reached that may ever be started. */
  readonly doors: Readonly<Record<MemberId, string>>
  readonly wiresOf: (id: MemberId) => Readonly<Record<MemberId, string>>
  /** What a member says, and what it writes to standard output in its n-th life of all lives of the run. */
  readonly heard: (id: MemberId, message: FromMember) => void
  readonly applied: (id: MemberId, life: number, line: string) => void
  /** A life is over; `wasMeant` if it was killed, or told to stop. */
  readonly died: (id: MemberId, wasMeant: boolean, how: string) => void
  readonly changed: () => void
}

export interface Cluster {
  /** Who is to run at the moment. */
  readonly ids: readonly MemberId[]
  folderOf(id: MemberId): string
  portOf(id: MemberId): number | undefined
  /** Up, and not paused. */
  isAwake(id: MemberId): boolean
  isRunning(id: MemberId): boolean
  /** With `fileBlocks`, no file may grow beyond so many blocks of 1 KiB. */
  start(id: MemberId, fileBlocks?: number): Promise<Start>
  /** SIGKILL: no goodbye. */
  kill(id: MemberId): Promise<void>
  pause(id: MemberId): void
  resume(id: MemberId): void
  tell(id: MemberId, order: ToMember): void
  /** The same, for an order that ends this life. */
  end(id: MemberId, order: ToMember): Promise<void>
  report(id: MemberId): Promise<Report | undefined>
  /** What the member answers; undefined if it dies over it. */
  ask(id: MemberId, question: Question, timeoutMs: Millis): Promise<Answer | undefined>
  /** SIGKILL, and nothing is left of its files: from now on it begins with nothing and waits to be added. It may be one that was not to run before. */
  renew(id: MemberId): Promise<void>
  /** The same for good: it is not to run any more. */
  dismiss(id: MemberId): Promise<void>
}

interface Life {
  readonly child: ChildProcess
  /** Whoever asked and has no answer yet. */
  readonly asking: Map<number, (answer: Answer | undefined) => void>
  readonly port: number
  readonly over: Promise<unknown>
  isUp: boolean
  isPaused: boolean
  isMeantToEnd: boolean
}

const program = fileURLToPath(new URL('../member/main.js', import.meta.url))
/** A member that was told to die and does not is killed. */
const PATIENCE_MS = 3000
const REPORT_WITHIN_MS = 2000
const LAST_WORDS = 2000

/** Node itself, or Node behind a limit of the shell. */
const launch = (task: MemberTask, fileBlocks: number | undefined): ChildProcess => {
  const args = [program, JSON.stringify(task)]
  const limited = ['-c', `ulimit -f ${fileBlocks === undefined ? '' : fileBlocks}; exec "$0" "$@"`, process.execPath, ...args]
  return spawn(fileBlocks === undefined ? process.execPath : 'bash', fileBlocks === undefined ? args : limited, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
}

/** What reaches nobody, since the process is ending by itself, is nobody's mistake. */
const say = (child: ChildProcess, order: ToMember): void => {
  if (child.connected) child.send(order, () => undefined)
}

export const createCluster = (options: ClusterOptions): Cluster => {
  const { folder, members, doors, wiresOf, heard, applied, died, changed } = options
  let ids = options.ids
  const joining = new Set<MemberId>()
  /** Whose process is about to begin. */
  const starting = new Set<MemberId>()
  const lives = new Map<MemberId, Life>()
  let born = 0
  let asked = 0

  const watch = (id: MemberId, life: Life, settled: (start: Start) => void): void => {
    const { child } = life
    const number = born++
    let words = ''
    let refusal: Start | undefined
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { words = (words + text).slice(-LAST_WORDS) })
    createInterface({ input: child.stdout! }).on('line', line => applied(id, number, line))
    child.on('message', raw => {
      const message = raw as FromMember
      if (message.type === 'started') life.isUp = true
      if (message.type === 'ended') words = message.reason
      if (message.type === 'refused') {
        life.isMeantToEnd = true
        refusal = message
      }
      if (message.type === 'answer') life.asking.get(message.number)?.(message.answer)
      heard(id, message)
      if (message.type === 'started') settled(message)
      changed()
    })
    child.once('close', (code, signal) => {
      if (lives.get(id) === life) lives.delete(id)
      for (const answered of [...life.asking.values()]) answered(undefined)
      changed()
      died(id, life.isMeantToEnd, words || String(signal ?? code))
      // One that refuses is gone when that is told: whoever starts it again at once must not find it still running.
      settled(refusal ?? { type: 'died' })
    })
  }
  const finish = async (id: MemberId, end: (life: Life) => void): Promise<void> => {
    const life = lives.get(id)
    if (life === undefined) return
    life.isMeantToEnd = true
    end(life)
    const timer = setTimeout(() => life.child.kill('SIGKILL'), PATIENCE_MS)
    await life.over
    clearTimeout(timer)
  }

  const clear = async (id: MemberId): Promise<void> => {
    await finish(id, ({ child }) => child.kill('SIGKILL'))
    rmSync(join(folder, id), { recursive: true, force: true })
    joining.add(id)
  }

  return {
    get ids() { return ids },
    folderOf: id => join(folder, id),
    portOf: id => lives.get(id)?.port,
    isAwake: id => lives.get(id)?.isUp === true && lives.get(id)?.isPaused === false,
    isRunning: id => lives.has(id) || starting.has(id),
    start: async (id, fileBlocks) => {
      const limbo = join(folder, `${id}.limbo`)
      rmSync(limbo, { recursive: true, force: true })
      if (options.isForgetful) mkdirSync(limbo)
      starting.add(id)
      const port = await freePort()
      const task: MemberTask = {
        cluster: options.name, id, members, doors, isJoining: joining.has(id), wires: wiresOf(id), listen: `127.0.0.1:${port}`, folder: join(folder, id),
        electionTimeoutMs: options.electionTimeoutMs, snapshots: options.snapshots, limbo: options.isForgetful ? limbo : undefined,
      }
      const child = launch(task, fileBlocks)
      const life: Life = { child, port, asking: new Map(), over: once(child, 'close'), isUp: false, isPaused: false, isMeantToEnd: false }
      lives.set(id, life)
      starting.delete(id)
      return new Promise(resolve => watch(id, life, resolve))
    },
    kill: id => finish(id, ({ child }) => child.kill('SIGKILL')),
    end: (id, order) => finish(id, ({ child }) => say(child, order)),
    pause: id => {
      const life = lives.get(id)
      if (life === undefined) return
      life.isPaused = life.child.kill('SIGSTOP')
      changed()
    },
    resume: id => {
      const life = lives.get(id)
      if (life === undefined) return
      life.child.kill('SIGCONT')
      life.isPaused = false
      changed()
    },
    tell: (id, order) => {
      const life = lives.get(id)
      if (life !== undefined) say(life.child, order)
    },
    ask: (id, question, timeoutMs) => new Promise(resolve => {
      const life = lives.get(id)
      if (life?.isUp !== true || !life.child.connected) return resolve(undefined)
      const number = ++asked
      life.asking.set(number, answer => {
        life.asking.delete(number)
        resolve(answer)
      })
      say(life.child, { type: 'ask', number, question, timeoutMs })
    }),
    renew: async id => {
      await clear(id)
      if (!ids.includes(id)) ids = [...ids, id]
    },
    dismiss: async id => {
      ids = ids.filter(other => other !== id)
      await clear(id)
    },
    report: id => new Promise(resolve => {
      const life = lives.get(id)
      if (life?.child.connected !== true) return resolve(undefined)
      const hear = (raw: unknown): void => {
        const message = raw as FromMember
        if (message.type === 'report') finished(message.report)
      }
      const finished = (report: Report | undefined): void => {
        life.child.off('message', hear)
        clearTimeout(timer)
        resolve(report)
      }
      const timer = setTimeout(() => finished(undefined), REPORT_WITHIN_MS)
      life.child.on('message', hear)
      say(life.child, { type: 'report' })
    }),
  }
}
