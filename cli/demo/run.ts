/** The demo's story: start, feed, kill the leader in the middle, bring it back, compare. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Observable, Subject, filter, firstValueFrom, map, takeUntil, timeout } from 'rxjs'
import type { Status } from '../../lib/status.js'
import type { MemberId } from '../../lib/types.js'
import type { Applied, DemoCluster } from './cluster.js'
import { type Failover, type Silence, waitedMs } from './delivery.js'
import type { FeederTask, FromFeeder } from './protocol.js'
import type { Screen } from '../screen.js'

export interface Summary {
  readonly writes: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failoverMs: number | undefined
  readonly retried: number
  /** Acknowledged writes that some member has not applied. */
  readonly lost: number
  /** Every member applied the same bytes, and they are those that were acknowledged. */
  readonly equal: boolean
}

const PATIENCE_MS = 30_000
const KILL_AT = 1 / 3
/** Where the size of the source is unknown, the leader is killed after so many acknowledgements. */
const KILL_AFTER = 5_000
const CATCH_UP_POLL_MS = 50
const feederProgram = fileURLToPath(new URL('./feeder.js', import.meta.url))

type Done = Extract<FromFeeder, { type: 'done' }>

const watchLeader = (cluster: DemoCluster, display: Screen): { current(): Status | undefined; next(after: number): Promise<Status> } => {
  let current: Status | undefined
  const elected = new Subject<Status>()
  cluster.trouble$.subscribe(line => display.event(line))
  cluster.status$.pipe(filter(({ role, term }) => role === 'leader' && term > (current?.term ?? 0))).subscribe(status => {
    current = status
    display.event(`${status.id} leads in term ${status.term}`)
    elected.next(status)
  })
  const next = async (after: number): Promise<Status> =>
    current !== undefined && current.term > after ? current : firstValueFrom(elected.pipe(filter(({ term }) => term > after), timeout(PATIENCE_MS)))
  return { current: () => current, next }
}

const startFeeder = (task: FeederTask): { readonly messages$: Observable<FromFeeder>; readonly done: Promise<Done> } => {
  const messages = new Subject<FromFeeder>()
  const child = fork(feederProgram, [JSON.stringify(task)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  child.on('message', message => messages.next(message as FromFeeder))
  const done = new Promise<Done>((resolve, reject) => {
    messages.subscribe(message => {
      if (message.type === 'done') resolve(message)
      if (message.type === 'failed') reject(new Error(`the client gave up: ${message.message}`))
    })
    child.once('exit', code => reject(new Error(`the client ended with code ${code}`)))
  })
  return { messages$: messages.asObservable(), done }
}

/** Kills the leader, waits for the next one, and brings the dead member back. */
const killAndRevive = async (cluster: DemoCluster, leader: ReturnType<typeof watchLeader>, display: Screen): Promise<Failover> => {
  const { id, term } = leader.current()!
  const atMs = Date.now()
  await cluster.kill(id)
  display.event(`${id}, the leader, is killed with SIGKILL`)
  const successor = await leader.next(term)
  const overMs = Date.now()
  display.event(`${successor.id} leads ${overMs - atMs} ms after the kill`)
  await cluster.start(id)
  display.event(`${id} is back and catches up`)
  return { atMs, overMs }
}

const caughtUp = async (cluster: DemoCluster, pieces: number): Promise<ReadonlyMap<MemberId, Applied>> => {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const applied = new Map(await Promise.all(Object.keys(cluster.members).map(async id => [id, await cluster.applied(id)] as const)))
    if ([...applied.values()].every(member => member.pieces >= pieces) || Date.now() > end) return applied
    await new Promise(resume => setTimeout(resume, CATCH_UP_POLL_MS))
  }
}

export const runDemo = async (cluster: DemoCluster, options: Pick<FeederTask, 'source' | 'window'>, display: Screen): Promise<Summary> => {
  const leader = watchLeader(cluster, display)
  await Promise.all(Object.keys(cluster.members).map(id => cluster.start(id)))
  display.event(`three members are up: ${Object.entries(cluster.members).map(([id, address]) => `${id} at ${address}`).join(', ')}`)
  await leader.next(0)

  const began = performance.now()
  const { messages$, done } = startFeeder({ cluster: 'demo', members: cluster.members, ...options })
  const silences: Silence[] = []
  const over$ = new Subject<void>()
  messages$.pipe(takeUntil(over$)).subscribe(message => {
    if (message.type === 'silence') silences.push(message)
    if (message.type !== 'progress') return
    const perSecond = Math.round(message.acknowledged / ((performance.now() - began) / 1000))
    display.bar(message.readFraction, `${message.acknowledged.toLocaleString('en')} acknowledged, ${perSecond.toLocaleString('en')}/s`)
  })
  const middle = firstValueFrom(messages$.pipe(
    filter(message => message.type === 'progress'),
    filter(({ readFraction, acknowledged }) => readFraction === undefined ? acknowledged >= KILL_AFTER : readFraction >= KILL_AT), map(() => undefined),
  ), { defaultValue: undefined })
  // A source that ends before its middle was seen still has its leader killed.
  const killed = await Promise.race([middle, done]).then(() => killAndRevive(cluster, leader, display))
  const { acknowledged, checksum, retried, p50Ms, p99Ms } = await done
  const seconds = (performance.now() - began) / 1000
  over$.next()
  display.end()
  display.event(`${acknowledged.toLocaleString('en')} writes are acknowledged; comparing what every member applied`)

  const applied = [...(await caughtUp(cluster, acknowledged)).values()]
  return {
    writes: acknowledged, perSecond: acknowledged / seconds, p50Ms, p99Ms, retried,
    failoverMs: waitedMs(silences, killed),
    lost: Math.max(...applied.map(({ pieces }) => Math.max(0, acknowledged - pieces))),
    equal: applied.every(member => member.pieces === acknowledged && member.checksum === checksum),
  }
}
