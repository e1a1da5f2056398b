/** One member of a simulated cluster over all its lives: the real one, on simulated ports. */
import { BehaviorSubject, type Observable } from 'rxjs'
import type { Limits } from '../../codecs/options.js'
import { messageOf } from '../../codecs/report.js'
import { Damaged, SnapshotLost, StorageFailed } from '../../lib/errors.js'
import type { Batch, Ready } from '../../lib/events.js'
import { isLeft } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Millis } from '../../lib/types.js'
import { startRaft } from '../../streams/create-raft.js'
import type { Applied, Machine, RunningMachine } from '../../streams/machine/machine.js'
import { RestoreFailed } from '../../streams/machine/run-machine.js'
import type { Raft } from '../../streams/member/member.js'
import type { Fold } from '../../streams/pipeline/fold.js'
import { fileStorage } from '../../streams/storage/file.js'
import { socketTransport } from '../../streams/transport/tcp/tcp.js'
import type { Stir } from './stir.js'
import type { Appliances } from './watch/appliances.js'
import type { Guard, Watched } from './watch/guard.js'
import { createLedger } from './watch/ledger.js'
import { watchShown } from './watch/shown.js'
import type { Judge } from './watch/violation.js'
import { type Words, createWords } from './watch/words.js'
import type { Agenda } from './world/agenda.js'
import { type Dice, createDice, seedFor } from './world/dice.js'
import { type DiskMix, type SimulatedDisk, createDisk } from './world/disks.js'
import { type Loop, type Timepiece, createLoop, createTimepiece } from './world/loop.js'
import type { Network } from './world/network.js'

/** What all members of a cluster are started with. */
export interface Recipe<C, R, S> {
  readonly machine: Machine<C, R, S>
  /** Of members that run another one instead. */
  readonly machines: Readonly<Record<MemberId, Machine<C, R, S>>>
  readonly addresses: Readonly<Record<MemberId, string>>
  readonly seed: number
  readonly electionTimeoutMs: Millis
  readonly heartbeatMs: Millis
  readonly readLeaseMs: Millis
  readonly limits: Partial<Limits>
  readonly segmentBytes: number
  readonly turnMs: Millis
  readonly fold: Fold
  readonly view: (state: S) => unknown
}

/** Where all members of a cluster live. */
export interface Surroundings<C, R, S> {
  readonly agenda: Agenda
  readonly network: Network
  readonly diskMix: () => DiskMix
  readonly judge: Judge
  readonly stir: Stir
  readonly guard: () => Guard
  readonly appliances: () => Appliances<C, R, S>
  readonly stepped: (id: MemberId, before: RaftState, batch: Batch, after: RaftState, ready: Ready) => void
  readonly trace: (line: () => string) => void
}

export interface Member<C, R, S> extends Watched {
  /** Where it is reached, `host:port`. */
  readonly address: string
  readonly disk: SimulatedDisk
  readonly timepiece: Timepiece
  /** Its present life, once it has recovered. */
  readonly raft$: Observable<Raft<C, R, S> | undefined> & { readonly value: Raft<C, R, S> | undefined }
  /** What its machine has become in its present life. */
  readonly latest: () => Applied<S> | undefined
  /** The newest state of the present life. */
  readonly state: () => RaftState | undefined
  /** Whether its process exists, recovered or not. */
  readonly isUp: () => boolean
  readonly isPaused: () => boolean
  /** What is stored was damaged on purpose and the member has refused to start from it: it stays away for good. */
  readonly isLost: () => boolean
  readonly start: () => void
  /** Another machine takes its place, with an empty disk, and its member waits to be added. */
  readonly join: () => void
  /** The machine loses power: of what was not synced each sector survives with probability `keep`. */
  readonly crash: (keep: number) => void
  /** The process is killed; the machine stays. */
  readonly kill: () => void
  readonly pause: () => void
  readonly resume: () => void
  /** What is stored is not what it wrote: whatever names damage from now on is not its fault. */
  readonly damaged: () => void
}

interface Life<C, R, S> {
  readonly loop: Loop
  /** The copy of the machine that was started last. */
  machine: RunningMachine<C, R, S> | undefined
  state: RaftState | undefined
}

/** A member between two lives or in one. */
interface Body<C, R, S> extends Watched {
  readonly recipe: Recipe<C, R, S>
  readonly around: Surroundings<C, R, S>
  readonly dice: Dice
  readonly timepiece: Timepiece
  readonly disk: SimulatedDisk
  words: Words
  readonly lives: BehaviorSubject<Raft<C, R, S> | undefined>
  life: Life<C, R, S> | undefined
  latest: Applied<S> | undefined
  isDamaged: boolean
  isLost: boolean
  /** It is none of the first, or has lost its disk. */
  isJoining: boolean
}

/** The process is no more, whatever ended it. */
const over = <C, R, S>(body: Body<C, R, S>): void => {
  body.life?.loop.end()
  body.life = undefined
  body.latest = undefined
  body.ledger.crashed()
  body.around.guard().crashed(body)
  body.lives.next(undefined)
}

/** Whether it says of itself that what is stored is not what was written. */
const isDamage = (error: Error): boolean => error instanceof Damaged || error instanceof SnapshotLost

/** Whether it is what befell its disk that ends it, in this life or, where that is damage, ever. */
const isExcused = <C, R, S>({ isDamaged, disk: { files } }: Body<C, R, S>, error: Error): boolean => {
  if (isDamage(error)) return isDamaged
  // Why a state could not be read, its machine tells in its own words.
  if (error instanceof RestoreFailed) return isDamaged || files.hasFailed()
  return (error instanceof StorageFailed || 'code' in error) && files.hasFailed()
}

const died = <C, R, S>(body: Body<C, R, S>, error: Error, reason: string): void => {
  const { id, around: { judge, trace, network }, disk } = body
  judge.demand(isExcused(body, error), () => `${id} ended by itself: ${reason}`)
  trace(() => `${id} ended by itself: ${reason}`)
  network.killed(id)
  disk.files.kill()
  over(body)
}

/** Looks on while the core works. */
const watchedFold = <C, R, S>(body: Body<C, R, S>, life: Life<C, R, S>): Fold => (previous, batch) => {
  const { id, around, recipe, words } = body
  const guard = around.guard()
  const next = recipe.fold(previous, batch)
  if (life.state === undefined) guard.started(body, previous.state, words.saidTerm())
  life.state = next.state
  guard.stepped(body, previous.state, batch, next.state, next.ready)
  around.appliances().handed(next.ready.committed)
  if (body.lives.value !== undefined) around.appliances().reached(id, next.state.appliedIndex)
  around.stepped(id, previous.state, batch, next.state, next.ready)
  return next
}

const begun = <C, R, S>(body: Body<C, R, S>, life: Life<C, R, S>, raft: Raft<C, R, S>): void => {
  const { id, ledger, around: { agenda, appliances, judge, stir }, lives } = body
  watchShown(id, raft, ledger, judge)
  raft.state$.subscribe(applied => { body.latest = applied })
  if (body.latest !== undefined) appliances().restarted(id, body.latest)
  raft.commits$.subscribe(event => {
    if (event._tag === 'Applied') appliances().applied(id, event.commits)
    else appliances().restarted(id, { ...event.at, state: event.state })
  })
  raft.snapshots$.subscribe(event => {
    if (event.type === 'capturing' && event.bytes === 0 && life.machine !== undefined) appliances().saved(id, { ...event, state: life.machine.state })
  })
  raft.ended$.subscribe(end => {
    // Whoever asked it to stop hears that it has before its process is gone.
    stir.now()
    agenda.after(0, () => {
      if (body.life !== life) return
      if (end._tag === 'Failed') died(body, end.error, end.error.stack ?? end.error.message)
      else kill(body)
    })
  })
  lives.next(raft)
  stir.now()
}

const start = <C, R, S>(body: Body<C, R, S>): void => {
  if (body.life !== undefined || body.isLost) return
  const { id, recipe, around: { agenda, network, judge, stir }, dice, timepiece, disk, ledger, words } = body
  const { machine, machines, addresses, segmentBytes, electionTimeoutMs, heartbeatMs, readLeaseMs, limits, turnMs } = recipe
  timepiece.begin(dice.between(0, 1_000_000))
  const loop = createLoop({
    agenda, timepiece, turnMs: () => turnMs === 0 ? 0 : dice.exponential(turnMs),
    thrown: error => judge.demand(false, () => `${id} threw ${error instanceof Error ? error.stack ?? error.message : messageOf(error)}`),
  })
  const life: Life<C, R, S> = { loop, machine: undefined, state: undefined }
  const watched = stir.watch(machines[id] ?? machine, () => body.life === life)
  body.life = life
  network.hasPower(id)
  disk.serve(loop)
  const storage = fileStorage(`/${id}`, { disk: disk.files, clock: loop.clock, segmentBytes, idleMs: electionTimeoutMs / 2, random: dice.bytes })
  startRaft({
    cluster: 'simulation', id, members: addresses, ...body.isJoining && { join: addressOf(recipe, id) }, electionTimeoutMs, heartbeatMs, readLeaseMs, limits,
    machine: { ...watched, start: () => life.machine = watched.start() },
    storage: ledger.watch(storage), transport: words.watch(socketTransport(network.socketsOf(id, loop), { plaintext: true })),
  }, { clock: loop.clock, seed: dice.integer(0, 0xffffffff), fold: watchedFold(body, life), told: stir.now }, outcome => {
    if (!isLeft(outcome)) return begun(body, life, outcome.right)
    body.isLost = isDamage(outcome.left) && body.isDamaged
    died(body, outcome.left, outcome.left.message)
  })
}

/** Where a member is reached that is to join. */
export const addressOf = ({ addresses }: Pick<Recipe<never, unknown, unknown>, 'addresses'>, id: MemberId): string => addresses[id] ?? `${id}:7000`

const kill = <C, R, S>(body: Body<C, R, S>): void => {
  if (body.life === undefined) return
  body.around.network.killed(body.id)
  body.disk.files.kill()
  over(body)
}

/** Nothing is left of what this one was, not even what it said. */
const join = <C, R, S>(body: Body<C, R, S>): void => {
  const { id, recipe, around, disk, ledger } = body
  around.network.lostPower(id)
  disk.files.kill()
  if (body.life !== undefined) over(body)
  for (const path of disk.files.files()) disk.files.remove(path)
  disk.files.setCapacity(Number.POSITIVE_INFINITY)
  disk.files.forgetFailures()
  disk.slow(1)
  ledger.emptied()
  around.network.setUp(id, addressOf(recipe, id))
  Object.assign(body, { words: createWords(id, ledger, around.judge), isJoining: true, isDamaged: false, isLost: false })
  start(body)
}

/** A member that has not been started. */
export const createMember = <C, R, S>(id: MemberId, recipe: Recipe<C, R, S>, around: Surroundings<C, R, S>): Member<C, R, S> => {
  const timepiece = createTimepiece(around.agenda)
  const ledger = createLedger(id, timepiece.now, () => around.guard().logs.history, around.judge)
  const body: Body<C, R, S> = {
    id, recipe, around, timepiece, ledger, waitingMs: ledger.waitingMs,
    dice: createDice(seedFor(recipe.seed, `member ${id}`)),
    disk: createDisk(around.agenda, recipe.seed, id, around.diskMix),
    words: createWords(id, ledger, around.judge),
    lives: new BehaviorSubject<Raft<C, R, S> | undefined>(undefined),
    life: undefined, latest: undefined, isDamaged: false, isLost: false, isJoining: false,
  }
  const { disk, lives } = body
  return {
    id, address: addressOf(recipe, id), ledger, waitingMs: ledger.waitingMs, disk, timepiece, raft$: lives,
    latest: () => body.latest,
    state: () => body.life?.state,
    isUp: () => body.life !== undefined,
    isPaused: () => body.life?.loop.isPaused() === true,
    isLost: () => body.isLost,
    start: () => start(body),
    join: () => join(body),
    crash: keep => {
      around.network.lostPower(id)
      disk.files.crash({ keep })
      if (body.life !== undefined) over(body)
    },
    kill: () => kill(body),
    pause: () => body.life?.loop.pause(),
    resume: () => body.life?.loop.resume(),
    damaged: () => { body.isDamaged = true },
  }
}
