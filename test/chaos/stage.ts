/** One run's members, wires, clients and witnesses, and whoever starts again what has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Screen } from '../../cli/screen.js'
import type { Status } from '../../lib/status.js'
import type { MemberId } from '../../lib/types.js'
import { type Clients, createClients } from './clients.js'
import { type Cluster, createCluster } from './cluster/cluster.js'
import { type Wiring, createWiring } from './cluster/wiring.js'
import type { Stage } from './faults/fault.js'
import type { FromMember } from './member/protocol.js'
import { type Operator, createOperator } from './operator.js'
import { MIXES, type MixName } from './mixes.js'
import { type Availability, createAvailability } from './oracle/availability.js'
import { createInstalls } from './oracle/installs.js'
import { type Ledger, createLedger } from './oracle/ledger.js'
import { readStore } from './oracle/logs.js'
import { type Terms, createTerms } from './oracle/terms.js'
import { drawSnapshots } from './schedule.js'

export interface RunOptions {
  readonly mix: MixName
  readonly seed: number
  readonly minutes: number
  readonly members: 3 | 5
  readonly rate: number
  readonly electionTimeoutMs: number
}

export interface Run extends Stage {
  readonly cluster: Cluster
  readonly wiring: Wiring
  readonly clients: Clients
  readonly operator: Operator
  /** Those with whom the cluster begins and ends, and where they are reached. */
  readonly members: Readonly<Record<MemberId, string>>
  readonly ledger: Ledger
  readonly terms: Terms
  readonly availability: Availability
  /** Each member's latest words. */
  readonly statuses: ReadonlyMap<MemberId, Status>
  readonly counts: ReadonlyMap<string, number>
  /** Promises that were broken, each said once. */
  readonly violations: readonly string[]
  /** Nobody is revived any more. */
  rest(): void
}

export const CLUSTER = 'chaos'
/** Operators are not quicker than this. */
const REVIVE_AFTER_MS = 300
/** One mistake may show in everything that follows. */
const MOST_VIOLATIONS = 20

export const openRun = async (options: RunOptions, folder: string, display: Screen): Promise<Run> => {
  const ids = Array.from({ length: options.members }, (_, n) => `n${n + 1}`)
  const spare = `n${options.members + 1}`
  const everybody = [...ids, spare]
  const statuses = new Map<MemberId, Status>()
  const counts = new Map<string, number>()
  const violations: string[] = []
  const disturbances = new Map(everybody.map(id => [id, 0]))
  const holds = new Map(everybody.map(id => [id, 0]))
  const mayEnd = new Set<MemberId>()
  const ledger = createLedger()
  const terms = createTerms()
  let isResting = false

  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const installs = createInstalls(count)
  const violated = (message: string): void => {
    if (violations.length >= MOST_VIOLATIONS || violations.includes(message)) return
    violations.push(message)
    display.event(`BROKEN: ${message}`)
  }
  const check = (fault: string | undefined): void => { if (fault !== undefined) violated(fault) }
  const raise = (level: Map<MemberId, number>, id: MemberId): (() => void) => {
    level.set(id, level.get(id)! + 1)
    availability.changed()
    return () => {
      level.set(id, level.get(id)! - 1)
      availability.changed()
    }
  }
  const hear = (id: MemberId, message: FromMember): void => {
    if (message.type === 'alarm') violated(`${id} says ${message.message}`)
    if (message.type === 'snapshot') installs.heard(id, message)
    if (message.type === 'noticed') count(message.what)
    if (message.type !== 'status') return
    statuses.set(id, message.status)
    check(terms.add(message.status))
  }
  const died = (id: MemberId, wasMeant: boolean, how: string): void => {
    installs.died(id)
    if (wasMeant) return
    if (mayEnd.has(id)) count(`ended by itself: ${how.replace(/\S*\//g, '').replace(/\d+/g, 'N')}`)
    else violated(`${id} ended by itself: ${how}`)
    void sleep(REVIVE_AFTER_MS).then(() => revive(id))
  }
  const revive = async (id: MemberId): Promise<void> => {
    if (isResting || holds.get(id)! > 0 || cluster.isRunning(id)) return
    mayEnd.delete(id)
    const start = await cluster.start(id)
    if (start.type !== 'refused') return
    // Somebody else may have taken the port in between; anything else takes a person.
    if (start.tag === 'PortInUse') await revive(id)
    else violated(`${id} did not start: ${start.message}`)
  }

  const wiring: Wiring = await createWiring(everybody, id => cluster.portOf(id), () => availability.changed())
  const { doors } = wiring
  const members = Object.fromEntries(ids.map(id => [id, doors[id]!]))
  const cluster: Cluster = createCluster({
    name: CLUSTER, ids, folder, electionTimeoutMs: options.electionTimeoutMs, isForgetful: 'isForgetful' in MIXES[options.mix],
    members, doors, wiresOf: wiring.wiresOf, heard: hear, died, changed: () => availability.changed(),
    snapshots: drawSnapshots(options.seed), applied: (id, life, line) => check(ledger.add(id, life, line)),
  })
  const availability: Availability = createAvailability(ids, () => performance.now(), id => cluster.isAwake(id) && disturbances.get(id) === 0, wiring.isClear)
  const clients = createClients({
    cluster: CLUSTER, doors: members, seed: options.seed, rate: options.rate, timeoutMs: 3 * options.electionTimeoutMs,
    acknowledged: availability.acknowledged, readable: () => cluster.ids.filter(cluster.isAwake), askAt: cluster.ask,
  })
  const stage: Stage = {
    cluster, wiring, count, violated, revive,
    electionTimeoutMs: options.electionTimeoutMs,
    leader: () => [...statuses.values()].filter(({ id, role }) => role === 'leader' && cluster.isRunning(id)).sort((a, b) => b.term - a.term)[0]?.id,
    disturb: id => raise(disturbances, id),
    holdDown: id => raise(holds, id),
    isHeldDown: id => holds.get(id)! > 0,
    expectEnd: id => void mayEnd.add(id),
    look: async (id, at) => {
      const { recovered: { hardState, lastIndex } } = await readStore(CLUSTER, id, members, at)
      return { term: hardState.term, lastIndex }
    },
  }
  const forget = (id: MemberId): void => {
    terms.forget(id)
    statuses.delete(id)
  }
  const operator = createOperator({ stage, seed: options.seed, first: ids, spare, doors, forget })
  return { ...stage, clients, operator, members, ledger, terms, availability, statuses, counts, violations, rest: () => { isResting = true } }
}
