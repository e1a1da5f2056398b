/** The demo's member processes: started, watched, killed, started again. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Subject, type Observable } from 'rxjs'
import type { MemberId } from '../../lib/types.js'
import type { Status } from '../../lib/status.js'
import { freePort } from './ports.js'
import type { FromMember, MemberTask } from './protocol.js'

export interface Applied {
  readonly pieces: number
  readonly checksum: number
}

export interface DemoCluster {
  readonly members: Readonly<Record<MemberId, string>>
  /** Each member's status as it changes. */
  readonly status$: Observable<Status>
  /** What went wrong in a member that was not killed on purpose. */
  readonly trouble$: Observable<string>
  start(id: MemberId): Promise<void>
  /** SIGKILL: no goodbye. */
  kill(id: MemberId): Promise<void>
  /** SIGSTOP, and SIGCONT: a process that is not scheduled for a while. */
  pause(id: MemberId): void
  resume(id: MemberId): void
  /** What a member has applied so far. */
  applied(id: MemberId): Promise<Applied>
  /** Where it wrote that. */
  fileOf(id: MemberId): string
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('./member.js', import.meta.url))

interface Heard {
  readonly id: MemberId
  readonly message: FromMember
}

/** The member's next message of this type, or the news that it ended first. */
const answerOf = <T extends FromMember['type']>(
  messages$: Observable<Heard>, child: ChildProcess | undefined, id: MemberId, type: T,
): Promise<Extract<FromMember, { type: T }>> => new Promise((resolve, reject) => {
  const ended = (): void => reject(new Error(`${id} ended before it answered`))
  const subscription = messages$.subscribe(({ id: from, message }) => {
    if (from !== id || message.type !== type) return
    subscription.unsubscribe()
    child?.off('exit', ended)
    resolve(message as Extract<FromMember, { type: T }>)
  })
  child?.once('exit', ended)
})

export const demoCluster = async (ids: readonly MemberId[], folder: string): Promise<DemoCluster> => {
  const ports = await Promise.all(ids.map(freePort))
  const members = Object.fromEntries(ids.map((id, i) => [id, `127.0.0.1:${ports[i]}`]))
  const running = new Map<MemberId, ChildProcess>()
  const messages = new Subject<Heard>()
  const status = new Subject<Status>()
  const trouble = new Subject<string>()
  const fileOf = (id: MemberId): string => join(folder, `${id}.applied`)

  const hear = (id: MemberId, message: FromMember): void => {
    messages.next({ id, message })
    if (message.type === 'status') status.next(message.status)
    if (message.type === 'refused') trouble.next(`${id} did not start: ${message.message}`)
    if (message.type === 'ended' && message.reason !== 'stopped') trouble.next(`${id} ended: ${message.reason}`)
  }
  const answer = <T extends FromMember['type']>(id: MemberId, type: T) => answerOf(messages, running.get(id), id, type)
  const stop = async (): Promise<void> => {
    await Promise.all([...running.values()].map(async child => {
      const gone = once(child, 'exit')
      child.send('stop')
      await gone
    }))
  }

  return {
    members, status$: status.asObservable(), trouble$: trouble.asObservable(), fileOf, stop,
    start: async id => {
      const task: MemberTask = { cluster: 'demo', id, members, folder: join(folder, id), applied: fileOf(id) }
      const child = fork(program, [JSON.stringify(task)])
      running.set(id, child)
      child.on('message', message => hear(id, message as FromMember))
      child.once('exit', () => { if (running.get(id) === child) running.delete(id) })
      await answer(id, 'started')
    },
    kill: async id => {
      const child = running.get(id)
      if (child === undefined) return
      running.delete(id)
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    pause: id => void running.get(id)?.kill('SIGSTOP'),
    resume: id => void running.get(id)?.kill('SIGCONT'),
    applied: async id => {
      const reply = answer(id, 'applied')
      running.get(id)?.send('report')
      return reply
    },
  }
}
