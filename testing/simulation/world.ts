/** A whole cluster in virtual time, and everything that looks on. */
import { messageOf } from '../../codecs/report.js'
import type { Batch, Ready } from '../../lib/events.js'
import { firstMembership } from '../../lib/membership.js'
import type { RaftState } from '../../lib/state.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Machine } from '../../streams/machine/machine.js'
import type { Cancel } from '../../streams/time/clock.js'
import { type Clients, createClients } from './clients.js'
import { type Fault, tellFault } from './faults/fault.js'
import { type Field, perform } from './faults/perform.js'
import { type Member, type Recipe, createMember } from './member.js'
import { createStir, settlePromises } from './stir.js'
import { type Appliances, createAppliances } from './watch/appliances.js'
import { describe } from './watch/describe.js'
import { frozen } from './watch/frozen.js'
import { type Guard, createGuard } from './watch/guard.js'
import { type Proposed, createProposed } from './watch/proposed.js'
import { type Judge, createJudge } from './watch/violation.js'
import { type Agenda, createAgenda } from './world/agenda.js'
import { CALM_DISK } from './world/disks.js'
import { CALM_NETWORK } from './world/network-mix.js'
import { createNetwork } from './world/network.js'

/** A step of some member, as those hear of it who strike at the worst moment. */
export type Stepped = (id: MemberId, before: RaftState, batch: Batch, after: RaftState, ready: Ready) => void

export interface World<C, R, S> extends Field<C, R, S> {
  readonly agenda: Agenda
  /** Grow as others join. */
  readonly members: readonly Member<C, R, S>[]
  readonly ids: readonly MemberId[]
  readonly judge: Judge
  readonly guard: Guard
  readonly appliances: Appliances<C, R, S>
  readonly clients: Clients<C, R>
  /** Every command that anybody proposed, as its codec encoded it. */
  readonly proposed: () => readonly unknown[]
  /** What of a state is compared. */
  readonly view: (state: S) => unknown
  readonly perform: (fault: Fault) => void
  /** Whether it was started, and counts, or may yet come to count. */
  readonly belongs: (id: MemberId) => boolean
  /** Lets virtual time pass, up to `until` or to the first violation, and promises settle in between. */
  readonly run: (until: Millis) => Promise<void>
  /** Whoever waits with a promise was told something. */
  readonly stir: () => void
  readonly trace: (line: () => string) => void
  /** Hears of every step until the result is called. */
  readonly onStep: (listener: Stepped) => Cancel
  readonly steps: () => number
}

/** Every so many events promises are heard even if nobody seems to wait for one. */
const HEAR_EVERY = 256

const joined = <A>(all: Set<A>, one: A): Cancel => {
  all.add(one)
  return () => { all.delete(one) }
}

/** A test's own function may throw, where nobody would hear of it. */
const judgedView = <C, R, S>({ view }: Recipe<C, R, S>, { demand }: Judge) => (state: S): unknown => {
  try {
    return view(state)
  } catch (thrown) {
    return void demand(false, () => `the view of a state threw: ${messageOf(thrown)}`)
  }
}

/** The same, and whatever is proposed is listened to. */
const watchedIn = <C, R, S>(given: Recipe<C, R, S>, proposed: Proposed): Recipe<C, R, S> => {
  const watched = (machine: Machine<C, R, S>): Machine<C, R, S> => frozen(proposed.watch(machine))
  return { ...given, machine: watched(given.machine), machines: Object.fromEntries(Object.entries(given.machines).map(([id, machine]) => [id, watched(machine)])) }
}

export const createWorld = <C, R, S>(given: Recipe<C, R, S>, write: ((line: string) => void) | undefined): World<C, R, S> => {
  const proposed = createProposed()
  const recipe = watchedIn(given, proposed)
  const agenda = createAgenda()
  const judge = createJudge(agenda.now)
  const stir = createStir()
  const network = createNetwork({ agenda, seed: recipe.seed, addresses: recipe.addresses })
  const listeners = new Set<Stepped>()
  let steps = 0
  const view = judgedView(recipe, judge)

  const trace = (line: () => string): void => write?.(`${agenda.now().toFixed(3).padStart(11)} ${line()}`)
  const stepped: Stepped = (id, before, batch, after, ready) => {
    steps++
    trace(() => describe(before, after, batch, ready))
    for (const listener of listeners) listener(id, before, batch, after, ready)
  }
  const members: Member<C, R, S>[] = []
  const ids: MemberId[] = []
  const byId = new Map<MemberId, Member<C, R, S>>()
  const admit = (id: MemberId): Member<C, R, S> => {
    const member = createMember<C, R, S>(id, recipe, {
      agenda, network, judge, stir, stepped, trace, diskMix: () => world.diskMix, guard: () => guard, appliances: () => appliances,
    })
    members.push(member)
    ids.push(id)
    byId.set(id, member)
    return member
  }
  const guard = createGuard(members, firstMembership(recipe.addresses), judge)
  const appliances = createAppliances<C, R, S>(guard.logs, judge, view, recipe.machine.result)
  const belongs = (id: MemberId): boolean => byId.has(id) && guard.isNamed(id)

  const world: World<C, R, S> = {
    clients: createClients<C, R, S>(recipe, { agenda, network, judge, stir }), agenda, network, judge, guard, appliances, proposed: proposed.all, view, members, ids, trace, belongs,
    networkMix: CALM_NETWORK, diskMix: CALM_DISK,
    member: id => byId.get(id),
    join: id => {
      if (!belongs(id)) (byId.get(id) ?? admit(id)).join()
    },
    perform: fault => {
      trace(() => tellFault(fault))
      perform(world, fault)
    },
    run: async until => {
      await settlePromises()
      for (let unheard = 0; judge.violation() === undefined && agenda.next(until); unheard++) {
        if (!stir.take() && unheard < HEAR_EVERY) continue
        unheard = 0
        await settlePromises()
      }
      await settlePromises()
    },
    stir: stir.now,
    onStep: listener => joined(listeners, listener),
    steps: () => steps,
  }
  Object.keys(recipe.addresses).forEach(admit)
  return world
}
