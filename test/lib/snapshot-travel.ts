/** A leader with a snapshot and a follower that needs it, as a value, and all that can happen between the two. */
import type { RaftEvent, SnapshotWork } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import { type Step, step } from '../../lib/step.js'
import type { Membership, Snapshot } from '../../lib/types.js'
import { NOTHING, leader, membershipOf, progressOf, settingsOf } from './build.js'
import { type Shell, type Turned, emptyDisk, feed, startShell, writeOldest } from './shell.js'
import { workOnDisk } from './snapshot-files.js'
import type { SnapshotFile } from './shell.js'

export interface Travel {
  readonly leader: Step
  readonly follower: Shell
  /** Under way, each once, oldest first. */
  readonly mail: readonly Message[]
  readonly leaderWork: readonly SnapshotWork[]
  readonly followerWork: readonly SnapshotWork[]
  /** What the follower's machine was restored from. */
  readonly restored: Snapshot | undefined
  /** Every byte that the follower's disk was asked to write since it began, in order. */
  readonly written: readonly number[]
  readonly left: Budget
}

/** What may still be done to them. */
export interface Budget {
  readonly beats: number
  readonly duplicates: number
  readonly crashes: number
}

export type Act =
  | { readonly type: 'beat' | 'readChunk' | 'workOnDisk' | 'sync' | 'crash' }
  | { readonly type: 'deliver' | 'duplicate'; readonly at: number }

const MEMBERS: Membership = membershipOf('L f1')
const CHUNK = 2
const NOW = 10_000
/** Time stands still: every heartbeat is due, no election is, and chunks leave at once. */
const settings = { heartbeatMs: 0, snapshotChunkBytes: CHUNK, snapshotBytesPerSecond: Number.POSITIVE_INFINITY }
const startFollower = (disk: Shell['disk']): Shell => startShell(settingsOf('f1', settings), disk, 1, NOW)

const PLACE = 3
/** The leader's log goes on for one entry behind the snapshot. */
const LAST = PLACE + 1

/** The contents are the numbers from 1 on. */
const fileOf = (bytes: number): SnapshotFile => {
  const contents = Uint8Array.from({ length: bytes }, (_, at) => at + 1)
  const checksum = contents.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7)
  return { snapshot: { index: PLACE, term: 1, time: 0, compression: 'none', membership: MEMBERS, bytes, checksum }, contents }
}

/** The leader's disk never changes. */
export const between = (bytes: number) => {
  const file = fileOf(bytes)
  const first = leader({ voters: 'L f1', others: 'f1{next=1}', base: '3@1', log: '4@1', commit: LAST, snapshot: file.snapshot, now: NOW, settings })
  const begin = (left: Budget): Travel => ({
    leader: { state: first, ready: NOTHING }, follower: startFollower(emptyDisk(MEMBERS)), mail: [], leaderWork: [], followerWork: [], restored: undefined, written: [], left,
  })

  const post = (mail: readonly Message[], messages: readonly Message[]): readonly Message[] =>
    messages.reduce((all, message) => all.some(one => JSON.stringify(one) === JSON.stringify(message)) ? all : [...all, message], mail)
  const tellLeader = (world: Travel, ...events: readonly RaftEvent[]): Travel => {
    const next = step(world.leader, { now: NOW, wall: NOW, events })
    const done = next.ready.writes.length === 0 ? next : step(next, { now: NOW, wall: NOW, events: [{ type: 'persisted', turn: next.ready.turn }] })
    return {
      ...world, leader: done, mail: post(world.mail, [...next.ready.messages, ...done === next ? [] : done.ready.messages]),
      leaderWork: [...world.leaderWork, ...next.ready.snapshots, ...done === next ? [] : done.ready.snapshots],
    }
  }
  const take = (world: Travel, { shell, left }: Turned): Travel => ({ ...world, follower: shell, mail: post(world.mail, left) })
  const tellFollower = (world: Travel, ...events: readonly RaftEvent[]): Travel => {
    const turned = feed(step, world.follower, { now: NOW, wall: NOW, events })
    const { snapshots, committed } = turned.shell.step.ready
    const after = { ...take(world, turned), followerWork: [...world.followerWork, ...snapshots] }
    const last = committed.at(-1)
    return last === undefined ? after : tellFollower(after, { type: 'applied', index: last.firstIndex + last.count - 1 })
  }
  const readChunk = (world: Travel): Travel => {
    const [work, ...leaderWork] = world.leaderWork
    if (work?.type !== 'read') throw new Error(`the leader asks for ${work?.type}`)
    return tellLeader({ ...world, leaderWork }, workOnDisk({ ...emptyDisk(MEMBERS), newest: file }, work).answer)
  }
  const doWork = (world: Travel): Travel => {
    const [work, ...followerWork] = world.followerWork
    if (work === undefined || work.type === 'take' || work.type === 'read') throw new Error(`the follower asks for ${work?.type}`)
    const rest = { ...world, followerWork }
    if (work.type === 'restore') return tellFollower({ ...rest, restored: world.follower.disk.newest!.snapshot }, { type: 'applied', index: work.snapshot.index })
    const { disk, answer } = workOnDisk(world.follower.disk, work)
    if (answer.type === 'receiveFailed') throw new Error(`a chunk at ${work.type === 'write' ? work.offset : 0} is out of place`)
    const written = work.type === 'write' ? [...world.written, ...work.chunk] : world.written
    return tellFollower({ ...rest, written, follower: { ...world.follower, disk } }, answer)
  }
  const hear = (world: Travel, message: Message): Travel =>
    message.to === 'L' ? tellLeader(world, { type: 'received', message }) : tellFollower(world, { type: 'received', message })

  const act = (world: Travel, one: Act): Travel => {
    const { left, mail } = world
    switch (one.type) {
      case 'beat': return tellLeader({ ...world, left: { ...left, beats: left.beats - 1 } }, { type: 'ticked', due: NOW })
      case 'readChunk': return readChunk(world)
      case 'workOnDisk': return doWork(world)
      case 'sync': {
        const turn = world.follower.writes[0]!.turn
        return tellFollower(take(world, writeOldest(world.follower)), { type: 'persisted', turn })
      }
      case 'crash': {
        const follower = startFollower(world.follower.disk)
        return { ...world, follower, followerWork: [], restored: follower.disk.newest?.snapshot, left: { ...left, crashes: left.crashes - 1 } }
      }
      case 'deliver': return hear({ ...world, mail: mail.toSpliced(one.at, 1) }, mail[one.at]!)
      case 'duplicate': return hear({ ...world, left: { ...left, duplicates: left.duplicates - 1 } }, mail[one.at]!)
    }
  }
  const possible = ({ left, mail, leaderWork, followerWork, follower }: Travel): readonly Act[] => [
    ...left.beats > 0 ? [{ type: 'beat' } as const] : [],
    ...leaderWork.length > 0 ? [{ type: 'readChunk' } as const] : [],
    ...followerWork.length > 0 ? [{ type: 'workOnDisk' } as const] : [],
    ...follower.writes.length > 0 ? [{ type: 'sync' } as const] : [],
    ...left.crashes > 0 ? [{ type: 'crash' } as const] : [],
    ...mail.map((_, at) => ({ type: 'deliver', at }) as const),
    ...left.duplicates > 0 ? mail.map((_, at) => ({ type: 'duplicate', at }) as const) : [],
  ]
  const isDone = ({ leader: { state }, follower, restored }: Travel): boolean =>
    restored !== undefined && follower.step.state.appliedIndex === LAST && progressOf(state, 'f1').matchIndex === LAST && progressOf(state, 'f1').sending === undefined
  /** All that was under way is lost, and from now on nothing is: how many heartbeats until the follower has everything. */
  const settle = (from: Travel): number => {
    let world: Travel = { ...from, mail: [], left: { beats: Number.POSITIVE_INFINITY, duplicates: 0, crashes: 0 } }
    for (let beats = 0; beats < 20; beats++) {
      if (isDone(world)) return beats
      world = act(world, { type: 'beat' })
      for (let next = possible(world).find(({ type }) => type !== 'beat'); next !== undefined; next = possible(world).find(({ type }) => type !== 'beat')) world = act(world, next)
    }
    throw new Error('the follower never has everything')
  }
  return { file, begin, act, possible, isDone, settle }
}

/** What makes two of these worlds differ: rounds only by their order, and nothing that only counts up. */
export const keyOf = ({ leader: { state }, follower: { step: { state: there }, disk, writes, held }, mail, leaderWork, followerWork, restored, written, left }: Travel): string => {
  const progress = progressOf(state, 'f1')
  const known = there.role === 'follower' ? there : undefined
  const rounds = [...new Set([
    state.round, progress.acceptedRound, progress.probeRound, progress.windowRound, progress.sending?.round ?? 0, known?.leaderRound ?? 0, known?.answeredRound ?? 0,
    ...mail.map(({ round }) => round),
  ])].sort((a, b) => a - b)
  const ranked = (key: string, value: unknown): unknown =>
    ArrayBuffer.isView(value) ? [...value as Uint8Array] : /round$/i.test(key) && typeof value === 'number' ? rounds.indexOf(value) : value
  const { log, settings: _settings, turn: _turn, pendingWrites, ...rest } = there
  return JSON.stringify([
    state.round, progress, { ...rest, round: 0 }, log.base.index, log.lastIndex, pendingWrites.map(({ last }) => last), disk, writes.map(one => one.writes), held.map(({ messages }) => messages),
    mail, leaderWork, followerWork, restored?.index, written, left,
  ], ranked)
}
