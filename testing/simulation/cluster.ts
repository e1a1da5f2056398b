/** A cluster of real members in virtual time, for a test to hold in its hands. */
import { EMPTY, type Observable, switchMap, tap } from 'rxjs'
import type { Client, ConnectError } from '../../client/index.js'
import type { ProposeError, ReadError } from '../../lib/errors.js'
import { isReady } from '../../lib/status.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Leadership, Raft } from '../../streams/member/member.js'
import type { OutputStreams } from '../../streams/outputs/outputs.js'
import type { Eventual } from '../../streams/proposer/proposer.js'
import type { Cancel, Clock } from '../../streams/time/clock.js'
import type { Operation } from '../linearizability/history.js'
import { type Call, type Calls, createCalls, operationsOf, propose } from './calls.js'
import type { Fault } from './faults/fault.js'
import { type StormMix, drawStorm } from './faults/mix.js'
import { unleash } from './faults/nemesis.js'
import { type Member, type Recipe, addressOf } from './member.js'
import { type Checks, createChecks } from './misuse.js'
import { type SimulationOptions, recipeOf } from './options.js'
import { type Reading, type Readings, createReadings, read } from './readings.js'
import { type Rest, keepCalm, recover } from './recovery.js'
import { type Act, type Scene, SimulationFailed, shorten, tell } from './story.js'
import type { Violation } from './watch/violation.js'
import { type World, createWorld } from './world.js'
import type { Agenda } from './world/agenda.js'
import { createDice, seedFor } from './world/dice.js'
import type { DiskMix } from './world/disks.js'
import type { NetworkMix } from './world/network-mix.js'

export type { SimulationOptions }

/** One member over all its lives. */
export interface SimulatedMember<C, R, S> extends Pick<OutputStreams<C, R, S, Leadership<C, R>>,
  'status$' | 'state$' | 'leadership$' | 'membership$' | 'health$' | 'commits$' | 'appendEntries$' | 'snapshotChunks$' | 'snapshots$' | 'diagnostics$' | 'ended$'> {
  readonly id: MemberId
  /** Where it is reached: what `members.add` wants to know of one that joins. */
  readonly address: string
  /** The member as a program has it, while it runs. */
  readonly raft: Raft<C, R, S> | undefined
  /** What its machine has become, while it runs. */
  readonly state: S | undefined
}

export interface SimulatedProposal {
  /** A client that has connected, in its own process; instead of `at`. */
  readonly through?: string
  /** Where it is proposed; any member forwards it. The first that runs unless told otherwise. */
  readonly at?: MemberId
  /** Whose it is, in the history. */
  readonly client?: string
  readonly timeoutMs?: Millis
}

export interface SimulatedRead {
  /** Where it is read. The first that runs unless told otherwise. */
  readonly at?: MemberId
  /** Whose it is, in the history. */
  readonly client?: string
  readonly timeoutMs?: Millis
}

/**
 * A cluster in virtual time. Whatever is done to it is remembered, and told when a promise is broken. What cannot be done, as to a member that does
 * not exist, throws `SimulationMisused`, or rejects with it, and changes nothing.
 */
export interface SimulatedCluster<C, R, S> {
  /** Everybody that was ever started: those with whom the cluster begins, and then whoever joins. */
  readonly ids: readonly MemberId[]
  /** The world's time: members' clocks may be skewed. */
  readonly clock: Pick<Clock, 'now' | 'after'>
  member(id: MemberId): SimulatedMember<C, R, S>
  /** The member that leads and is ready, of the newest term. */
  leader(): MemberId | undefined
  /** Lets virtual time pass. Rejects with `SimulationFailed` as soon as a promise is broken. */
  run(ms: Millis): Promise<void>
  /** Lets virtual time pass until it holds, which is asked again and again and says so at once; rejects when that takes longer than `withinMs`, 60 000 unless told otherwise. */
  until(holds: () => boolean, withinMs?: Millis): Promise<void>
  /** Lets virtual time pass until the promise is settled, and passes on what it brings. */
  settle<A>(promise: PromiseLike<A>, withinMs?: Millis): Promise<A>
  /**
   * Connects the real client of `rxraft/client` to the members, in a process of its own whose name is also an end for `cut`. Needs time to
   * pass. What is proposed on it directly is in no history; `propose` with `through` is.
   */
  connect(client: string, options?: { readonly timeoutMs?: Millis }): Eventual<ConnectError, Client<C, R>>
  /** Proposes, and remembers what comes of it; a member that crashes leaves the outcome unknown. Needs time to pass. */
  propose(command: C, options?: SimulatedProposal): Eventual<ProposeError, R>
  /**
   * Reads at a member, as `raft.read` does, and remembers what comes of it; a member that crashes leaves it as `Stopped`. `select` may be asked again
   * when the history is checked: it must be a pure function, and what it returns must not change. Needs time to pass.
   */
  read<A>(select: (state: S) => A, options?: SimulatedRead): Eventual<ReadError, A>
  /** Makes a fault happen, now. */
  inflict(fault: Fault): void
  /** Members of different groups do not reach each other; replaces all earlier cuts. */
  partition(...groups: readonly (readonly MemberId[])[]): void
  /** What `from` sends does not reach `to` any more. */
  cut(from: MemberId, to: MemberId): void
  /** Every way is free again. */
  heal(): void
  /** The machine loses power; of what was not synced each sector survives with probability `keep`, none unless told otherwise. */
  crash(id: MemberId, keep?: number): void
  /** The process is killed; what it has written stays. */
  kill(id: MemberId): void
  start(id: MemberId): void
  /**
   * Starts a member with an empty disk, as `join` of its options has it, and tells where it is reached: it waits until a leader adds it. One that is new, or one that
   * left and comes back with nothing; whoever belongs, or is about to, has to be removed before.
   */
  join(id: MemberId): string
  /** Stops the process without ending it, as SIGSTOP does: its timers come late. */
  pause(id: MemberId): void
  resume(id: MemberId): void
  /** Something keeps the event loop busy for so long. */
  stall(id: MemberId, ms: Millis): void
  network(mix: Partial<NetworkMix>): void
  disks(mix: Partial<DiskMix>): void
  /**
   * Random faults of all kinds, drawn from the seed, for so long; they are not mended in the end. `struck` hears whom the next one hits: what
   * is proposed there now, few will hear of. Returns what was drawn.
   */
  storm(ms: Millis, struck?: (id: MemberId) => void): Promise<StormMix>
  /**
   * Ends all faults but the rest, and demands one leader and equal logs within ten election timeouts, as long as nothing gets better meanwhile;
   * with links cut, service alone. Returns how many it took.
   */
  recover(rest?: Rest): Promise<number>
  /** Lets time pass in which nobody may be elected. */
  calm(ms: Millis): Promise<void>
  /** What was proposed and what came of it. */
  history(): readonly Call<C, R>[]
  /** What was read and what came of it. */
  readings(): readonly Reading[]
  /** What was proposed, as `isLinearizable` reads it. */
  operations(): readonly Operation<C, R>[]
  /** Holds what was proposed and what was read against the log: `recover` first, so that all is known. Rejects with `SimulationFailed`. */
  check(): Promise<void>
  readonly counts: { steps(): number; elections(): number; committed(): number; faults(): Readonly<Record<string, number>> }
}

const PATIENCE_MS: Millis = 60_000

/** The streams of whichever life a member lives; whoever listens may wait with promises. */
const memberOf = <C, R, S>(world: World<C, R, S>, member: Member<C, R, S>): SimulatedMember<C, R, S> => {
  const { id, raft$ } = member
  const overLives = <A>(streamOf: (raft: Raft<C, R, S>) => Observable<A>): Observable<A> =>
    raft$.pipe(switchMap(raft => raft === undefined ? EMPTY : streamOf(raft)), tap(world.stir))
  return {
    id,
    address: member.address,
    status$: overLives(raft => raft.status$),
    state$: overLives(raft => raft.state$),
    leadership$: overLives(raft => raft.leadership$),
    membership$: overLives(raft => raft.membership$),
    health$: overLives(raft => raft.health$),
    commits$: overLives(raft => raft.commits$),
    appendEntries$: overLives(raft => raft.appendEntries$),
    snapshotChunks$: overLives(raft => raft.snapshotChunks$),
    snapshots$: overLives(raft => raft.snapshots$),
    diagnostics$: overLives(raft => raft.diagnostics$),
    ended$: overLives(raft => raft.ended$),
    get raft() { return raft$.value },
    get state() { return member.latest()?.state },
  }
}

/** Does what was done once more, in a world of its own; the violation that comes of it, if any. */
const replay = async <C, R, S>(recipe: Recipe<C, R, S>, scenes: readonly Scene<C, S>[], until: Millis): Promise<Violation | undefined> => {
  const world = createWorld(recipe, undefined)
  const { judge, agenda } = world
  for (const member of world.members) member.start()
  const calls = createCalls<C, R>(recipe.machine, agenda.now, judge, world.proposed)
  const readings = createReadings(recipe.machine, world)
  for (const { at, act } of scenes) {
    if (at > agenda.now()) await world.run(at)
    if (judge.violation() !== undefined) break
    if (act.type === 'fault') world.perform(act.fault)
    else if (act.type === 'recover') await recover(world, recipe.electionTimeoutMs, act.rest)
    else if (act.type === 'calm') await keepCalm(world, act.ms)
    else if (act.type === 'check') await readings.check(calls.check(world.appliances.commits), world.appliances.commits)
    else if (act.type === 'read') void read(world, readings, act)
    else if (act.type === 'connect') void world.clients.connect(act.client, act.timeoutMs)
    else void propose(world, calls, act)
  }
  if (until > agenda.now()) await world.run(until)
  return judge.violation()
}

/** Faults by the names that a test has for them. */
const faultsOf = <C, R, S>({ ids, network, agenda, member }: World<C, R, S>, checks: Checks, perform: (fault: Fault) => void, after: Clock['after']) => {
  /** Until when something keeps a member busy that is not stopped besides. */
  const busy = new Map<MemberId, Millis>()
  const inflict = (call: string, fault: Fault): void => {
    checks.fault(call, fault)
    if (fault.type === 'pause' || fault.type === 'resume') busy.delete(fault.id)
    perform(fault)
  }
  return {
    inflict: (fault: Fault): void => inflict('inflict', fault),
    partition: (...groups: readonly (readonly MemberId[])[]): void => {
      checks.groups('partition', groups)
      const groupOf = (id: MemberId): number => groups.findIndex(group => group.includes(id))
      perform({ type: 'cut', links: ids.flatMap(from => ids.filter(to => groupOf(from) !== groupOf(to)).map(to => `${from}>${to}`)) })
    },
    cut: (from: MemberId, to: MemberId): void => {
      checks.ends('cut', from, to)
      perform({ type: 'cut', links: [...new Set(network.cuts()).add(`${from}>${to}`)] })
    },
    heal: (): void => perform({ type: 'cut', links: [] }),
    crash: (id: MemberId, keep = 0): void => inflict('crash', { type: 'crash', id, keep }),
    kill: (id: MemberId): void => inflict('kill', { type: 'kill', id }),
    start: (id: MemberId): void => inflict('start', { type: 'start', id }),
    pause: (id: MemberId): void => inflict('pause', { type: 'pause', id }),
    resume: (id: MemberId): void => inflict('resume', { type: 'resume', id }),
    stall: (id: MemberId, ms: Millis): void => {
      checks.span('stall', 'ms', ms)
      checks.member('stall', id)
      const until = agenda.now() + ms
      // Whoever is stopped is not busy, and two that keep it busy at the same time are over when both are.
      if (member(id)?.isPaused() && until <= (busy.get(id) ?? until)) return
      inflict('stall', { type: 'pause', id })
      busy.set(id, until)
      after(ms, () => { if (busy.get(id) === until) inflict('stall', { type: 'resume', id }) })
    },
    network: (mix: Partial<NetworkMix>): void => inflict('network', { type: 'network', mix }),
    disks: (mix: Partial<DiskMix>): void => inflict('disks', { type: 'disks', mix }),
  }
}

/** The first member that runs, if any does. */
const runningOf = <C, R, S>({ members }: World<C, R, S>): MemberId => (members.find(({ raft$ }) => raft$.value !== undefined) ?? members[0]!).id

/** What clients do, remembered. */
const clientsOf = <C, R, S>(
  world: World<C, R, S>, calls: Calls<C, R>, readings: Readings<C, R, S>, checks: Checks, note: (act: Act<C, S>) => void,
): Pick<SimulatedCluster<C, R, S>, 'connect' | 'propose' | 'read'> => ({
  connect: (client, options = {}) => {
    checks.client('connect', client, options)
    const { timeoutMs } = options
    note({ type: 'connect', client, timeoutMs })
    return world.clients.connect(client, timeoutMs)
  },
  propose: (command, options = {}) => {
    checks.proposal('propose', options)
    const { through, at = runningOf(world), client = through ?? 'a client', timeoutMs } = options
    const act = { type: 'propose', client, at: through === undefined ? { member: at } : { through }, command, timeoutMs } as const
    note(act)
    return propose(world, calls, act)
  },
  read: <A>(select: (state: S) => A, options: SimulatedRead = {}) => {
    checks.reading('read', options)
    const { at = runningOf(world), client = 'a client', timeoutMs } = options
    const act = { type: 'read', client, at, select, timeoutMs } as const
    note(act)
    return read(world, readings, act) as Eventual<ReadError, A>
  },
})

/** The acts of a test on its cluster, remembered; and what becomes of them. */
const createJournal = <C, R, S>(recipe: Recipe<C, R, S>, world: World<C, R, S>, replays: number) => {
  const scenes: Scene<C, S>[] = []
  const counts: Record<string, number> = {}
  const note = (act: Act<C, S>): void => void scenes.push({ at: world.agenda.now(), act })
  /** Rejects when a promise was broken, with the shortest story that ends like this. */
  const verdict = async (): Promise<void> => {
    const violation = world.judge.violation()
    if (violation === undefined) return
    const shortest = await shorten(scenes, violation, replays, (shorter, until) => replay(recipe, shorter, until))
    throw new SimulationFailed(recipe.seed, violation.claim, violation.at, tell(shortest.scenes))
  }
  return {
    note, verdict,
    /** Nothing was broken, but what the test waits for does not come: the story is all that was done. */
    patienceOver: (claim: string): SimulationFailed => new SimulationFailed(recipe.seed, claim, world.agenda.now(), tell(scenes)),
    judged: async <A>(act: Act<C, S>, happen: () => Promise<A>): Promise<A> => {
      note(act)
      const outcome = await happen()
      await verdict()
      return outcome
    },
    counts: () => counts,
    inflict: (fault: Fault): void => {
      note({ type: 'fault', fault })
      counts[fault.type] = (counts[fault.type] ?? 0) + 1
      world.perform(fault)
    },
  }
}

/** Starts a cluster in virtual time. The real members run in it; clock, network, disks and chance are simulated. Throws `InvalidOptions`. */
export const simulate = <C, R, S>(options: SimulationOptions<C, R, S>): SimulatedCluster<C, R, S> => {
  const { recipe, replays } = recipeOf(options)
  const world = createWorld(recipe, options.trace)
  const { electionTimeoutMs } = recipe
  const { agenda, members, guard, appliances, judge } = world
  const { ids } = world
  const checks = createChecks(ids, world.belongs)
  const calls = createCalls<C, R>(recipe.machine, agenda.now, judge, world.proposed)
  const readings = createReadings(recipe.machine, world)
  const journal = createJournal(recipe, world, replays)
  const dice = createDice(seedFor(recipe.seed, 'storm'))
  const after: Clock['after'] = (ms, work) => {
    checks.span('clock.after', 'ms', ms)
    return afterOf(agenda, ms, work)
  }
  const byId = new Map<MemberId, SimulatedMember<C, R, S>>()
  for (const member of members) member.start()

  const passage = passageOf(world, journal, checks)
  return {
    ids, clock: { now: agenda.now, after }, ...passage,
    ...faultsOf(world, checks, journal.inflict, after),
    ...clientsOf(world, calls, readings, checks, journal.note),
    member: id => {
      checks.member('member', id)
      const member = byId.get(id) ?? memberOf(world, world.member(id)!)
      byId.set(id, member)
      return member
    },
    join: id => {
      checks.newcomer('join', id)
      journal.inflict({ type: 'join', id })
      return addressOf(recipe, id)
    },
    leader: () => leaderOf(members)?.id,
    storm: async (ms, struck = () => undefined) => {
      checks.span('storm', 'ms', ms)
      const mix = drawStorm(dice, electionTimeoutMs)
      const end = unleash({ world, dice, mix, electionTimeoutMs, inflict: journal.inflict, struck })
      await passage.run(ms).finally(end)
      return mix
    },
    recover: async (rest = {}) => {
      checks.rest('recover', rest)
      return journal.judged({ type: 'recover', rest }, () => recover(world, electionTimeoutMs, rest))
    },
    calm: async ms => {
      checks.span('calm', 'ms', ms)
      return journal.judged({ type: 'calm', ms }, () => keepCalm(world, ms))
    },
    history: calls.history,
    readings: readings.list,
    operations: () => operationsOf(calls.history()),
    check: () => journal.judged({ type: 'check' }, () => readings.check(calls.check(appliances.commits), appliances.commits)),
    counts: { steps: world.steps, elections: guard.elections, committed: () => guard.logs.history.terms.length, faults: journal.counts },
  }
}

/** The ways in which time passes. */
const passageOf = <C, R, S>(
  { agenda, run: runUntil }: World<C, R, S>, { verdict, patienceOver }: Pick<ReturnType<typeof createJournal<C, R, S>>, 'verdict' | 'patienceOver'>, checks: Checks,
) => {
  const run = async (ms: Millis): Promise<void> => {
    checks.span('run', 'ms', ms)
    await runUntil(agenda.now() + ms)
    await verdict()
  }
  const until = async (holds: () => boolean, withinMs = PATIENCE_MS): Promise<void> => {
    checks.span('until', 'withinMs', withinMs)
    for (const end = agenda.now() + withinMs; !checks.answer('until', 'holds', holds()); await run(STRIDE_MS)) {
      if (agenda.now() >= end) throw patienceOver(`what was waited for did not come within ${withinMs} ms of virtual time`)
    }
  }
  const settle = async <A>(promise: PromiseLike<A>, withinMs?: Millis): Promise<A> => {
    let isSettled = false
    const settled = (): void => { isSettled = true }
    promise.then(settled, settled)
    await run(0)
    await until(() => isSettled, withinMs)
    return promise
  }
  return { run, until, settle }
}

/** How often a condition is looked at. */
const STRIDE_MS: Millis = 5

const afterOf = (agenda: Agenda, ms: Millis, work: () => void): Cancel => {
  let isOff = false
  agenda.after(ms, () => { if (!isOff) work() })
  return () => { isOff = true }
}

const leaderOf = <C, R, S>(members: readonly Member<C, R, S>[]): Member<C, R, S> | undefined => members
  .filter(member => { const state = member.state(); return state !== undefined && isReady(state) })
  .sort((a, b) => b.state()!.term - a.state()!.term)[0]
