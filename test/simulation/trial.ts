/** One seed: a cluster with settings of its own, ten clients, a storm, what is left of it, and health in the end. */
import { membersOf } from '../../lib/membership.js'
import { isLeft, isRight } from '../../lib/prelude.js'
import { quorumValue } from '../../lib/quorum.js'
import { step } from '../../lib/step.js'
import type { MemberId, Membership, Millis } from '../../lib/types.js'
import type { Limits } from '../../streams/index.js'
import type { Fold } from '../../streams/pipeline/flight-recorder.js'
import type { Operation } from '../../testing/linearizability/history.js'
import { judge } from '../../testing/linearizability/judge.js'
import { type SimulatedCluster, type SimulationOptions, simulate } from '../../testing/simulation/cluster.js'
import { drawPartition } from '../../testing/simulation/faults/partition.js'
import type { Rest } from '../../testing/simulation/recovery.js'
import { type Dice, createDice, seedFor } from '../../testing/simulation/world/dice.js'
import { createAmbush } from './ambush.js'
import { frozenStep } from './freeze.js'
import { createOperator, createRecruiter, createRegistrar, membershipAt } from './operators.js'
import { type Order, registerModel, registers } from './register.js'
import { createSpending } from './spending.js'
import { drawStates, withBallast } from './states.js'

export interface Outcome {
  readonly seed: number
  readonly members: number
  readonly steps: number
  readonly elections: number
  readonly committed: number
  readonly calls: number
  readonly acknowledged: number
  /** Reads that saw something. */
  readonly read: number
  /** Members that came with nothing while it ran, new ones or again, and belong in the end. */
  readonly joined: number
  /** Snapshots that members took, that they began to receive, and that they received to the end. */
  readonly taken: number
  readonly begun: number
  readonly received: number
  readonly simulatedMs: Millis
  readonly faults: Readonly<Record<string, number>>
  /** Election timeouts from the last fault to equal logs. */
  readonly healedAfter: number
}

export interface TrialOptions {
  readonly trace?: (line: string) => void
  readonly fold?: Fold
  /** How many replays may be spent on a shorter story. */
  readonly replays?: number
}

type Registers = SimulatedCluster<Order, string | null, Readonly<Record<string, string>>>

const CLIENTS = 10
const READERS = 3
/** How often a reader turns to one that says that it leads. */
const LOYALTY = 0.6
const KEYS = ['k1', 'k2', 'k3'] as const
/** How many clients turn to a member that is about to be cut off, at most. */
const BURSTS = [2, CLIENTS] as const
/** How much of what it hears the last client answers at once. */
const ECHO = 0.1
/** Election timeouts of one proposal's patience, at least. */
const PATIENCE = 3
/** Election timeouts within which a healed cluster serves a new write. */
const SERVICE = 10
/** Election timeouts in which candidates of earlier trouble may still come forward, and then of those in which nobody may. */
const SETTLING = 2
const CALM = 2

/** How many clusters with a large state have machines brought, each of which is sent it. */
const MOVERS = 0.8

/** How long the search for an order may take; what it does not decide, the comparison with the log has decided already. */
const MAX_STATES = 20_000

const drawSettings = (dice: Dice): Omit<SimulationOptions<unknown, unknown, unknown>, 'machine'> & { readonly electionTimeoutMs: Millis; readonly heartbeatMs: Millis } => {
  const electionTimeoutMs = dice.pick([150, 300, 1000])
  const tiny = (probability: number, low: number, usual: number): number =>
    !dice.chance(probability) ? usual : dice.chance(0.4) ? low : Math.round(dice.magnitude(low, usual))
  const maxCommandBytes = 4096
  const maxBatchBytes = tiny(0.3, 1, 256 << 10)
  const maxAppendBytes = tiny(0.5, 1, 1 << 20)
  const bodies = maxBatchBytes + maxCommandBytes
  return {
    members: dice.pick([1, 3, 3, 3, 4, 4, 5, 5, 7]),
    electionTimeoutMs,
    heartbeatMs: Math.round(electionTimeoutMs / dice.pick([3, 5, 10])),
    segmentBytes: dice.pick([4, 8, 32, 128]) * 1024,
    turnMs: electionTimeoutMs * dice.magnitude(0.0002, 0.004),
    limits: {
      maxCommandBytes, maxBatchBytes, maxAppendBytes,
      maxInflightMessages: Math.round(tiny(0.5, 1, 64)),
      maxInflightBytes: Math.max(maxAppendBytes, tiny(0.3, 1, 8 << 20)),
      maxUncommittedBytes: Math.max(bodies, tiny(0.4, 1000, 64 << 20)),
      maxPendingProposals: tiny(0.2, 1, 100_000),
      logCacheBytes: tiny(0.5, 1, 32 << 20),
      maxApplyBytes: tiny(0.3, 1, 8 << 20),
      handshakeTimeoutMs: electionTimeoutMs * 2,
      keepAliveMs: Math.round(electionTimeoutMs / 2),
      reconnectMinMs: 10,
      reconnectMaxMs: Math.round(electionTimeoutMs / 2),
    },
  }
}

/** Sessions with what they keep make tens of kilobytes: in smaller chunks the slowest disk takes longer over them than a cluster has to heal. */
const LEAST_CHUNK_BYTES = 64

/** Half of all clusters take a snapshot every few entries, and most of those keep little of the log behind it and send small chunks. */
const drawSnapshots = (dice: Dice): Partial<Limits> => {
  if (!dice.chance(0.5)) return {}
  const snapshotEntries = Math.round(dice.magnitude(2, 200))
  if (dice.chance(0.2)) return { snapshotEntries }
  return {
    snapshotEntries, snapshotKeepEntries: dice.pick([0, 0, 1, Math.round(dice.magnitude(2, 100))]), snapshotChunkBytes: Math.max(LEAST_CHUNK_BYTES, Math.round(dice.magnitude(4, 1 << 20))),
    ...dice.chance(0.2) && { snapshotBytesPerSecond: Math.round(dice.magnitude(500, 1 << 20)) },
  }
}

/** A quarter of all clusters read by promises, as long ones or as short ones as there may be. */
const drawLease = (dice: Dice, { electionTimeoutMs, heartbeatMs }: ReturnType<typeof drawSettings>): Millis =>
  dice.chance(0.25) ? dice.integer(2 * heartbeatMs, electionTimeoutMs) : 0

/** Bytes that commands are longer than they need to be: one sector holds many of some, and one of others takes many sectors. */
const SIZES = [[0], [0, 0, 100, 1000], [500, 1000, 3000]] as const

/** What all clients of one trial have in common. */
interface Habits {
  readonly electionTimeoutMs: Millis
  readonly gapMs: Millis
  readonly sizes: readonly number[]
}

/** How many of the clients are programs outside the cluster. */
const OUTSIDE = 0.3

/** A client proposes one command after the other, at whichever member or over the network, until it is called off. */
const createClient = (cluster: Registers, dice: Dice, client: number, { electionTimeoutMs, gapMs, sizes }: Habits) => {
  const isOutside = dice.chance(OUTSIDE)
  let serial = 0
  let isOff = false
  let made = 0
  let through: string | undefined
  const order = (): Order => {
    const key = KEYS[dice.integer(1, 3) - 1]!
    serial++
    return dice.chance(0.3) ? { client, serial, key } : { client, serial, key, value: `${client}.${serial}${'.'.repeat(dice.pick(sizes))}` }
  }
  const propose = (at: string, timeoutMs: Millis) => cluster.propose(order(), { ...through === undefined ? { at } : { through }, client: `client ${client}`, timeoutMs })
  const connect = async (): Promise<void> => {
    const name = `client-${client}.${++made}`
    if (isRight(await cluster.connect(name, { timeoutMs: electionTimeoutMs * PATIENCE }))) through = name
  }
  const next = (): void => void cluster.clock.after(dice.exponential(gapMs), () => {
    if (isOff) return
    void (isOutside && through === undefined ? connect() : propose(dice.pick(cluster.ids), electionTimeoutMs * PATIENCE * dice.exponential(1))).then(next)
  })
  next()
  return { propose, isOutside: () => through !== undefined, stop: () => { isOff = true } }
}

/** A client that proposes from inside a subscriber: now and then it answers what it hears in the same breath, be it a commit or a leadership. */
const createEcho = (cluster: Registers, dice: Dice, client: ReturnType<typeof createClient>, electionTimeoutMs: Millis): void => {
  const id = dice.pick(cluster.ids)
  const { commits$, leadership$ } = cluster.member(id)
  const answer = (): void => { if (dice.chance(ECHO)) void client.propose(id, electionTimeoutMs * PATIENCE) }
  commits$.subscribe(answer)
  leadership$.subscribe(answer)
}

/** A client that reads all registers at once, at whichever member or at one that takes itself for the leader, until it is called off. */
const createReader = (cluster: Registers, dice: Dice, reader: number, { electionTimeoutMs, gapMs }: Habits) => {
  const client = `reader ${reader}`
  const operations: Operation<Order, string | null>[] = []
  const leading = new Set<string>()
  let serial = 0
  let isOff = false
  const read = async (at: string, timeoutMs: Millis) => {
    const calledAt = cluster.clock.now()
    const outcome = await cluster.read(state => state, { at, client, timeoutMs })
    const returnedAt = cluster.clock.now()
    if (isRight(outcome)) for (const key of KEYS) operations.push({ client, input: { client: -reader, serial: ++serial, key }, calledAt, returnedAt, output: outcome.right[key] ?? null })
    return outcome
  }
  const place = (): string => leading.size > 0 && dice.chance(LOYALTY) ? dice.pick([...leading]) : dice.pick(cluster.ids)
  const next = (): void => void cluster.clock.after(dice.exponential(gapMs / 4), () => {
    if (!isOff) void read(place(), electionTimeoutMs * PATIENCE * dice.exponential(1)).then(next)
  })
  for (const id of cluster.ids) cluster.member(id).leadership$.subscribe(leadership => leadership === undefined ? leading.delete(id) : leading.add(id))
  next()
  return { read, operations, stop: () => { isOff = true } }
}

/** Who belongs, by the one who leads, if anybody does. */
const namedIn = (cluster: Registers): readonly string[] => {
  const leader = cluster.leader()
  const membership = leader === undefined ? undefined : membershipAt(cluster, leader)
  return membership === undefined ? [] : membersOf(membership)
}

/** Less than what service needs: a minority is down, or two members do not hear each other, or one not the other. */
const drawRest = (dice: Dice, cluster: Registers): Rest => {
  const named = namedIn(cluster)
  const ids = named.length === 0 ? cluster.ids : named.filter(id => cluster.ids.includes(id))
  if (ids.length < 3) return {}
  if (dice.chance(0.5)) return { links: [...drawPartition(dice, dice.pick(['pair', 'oneWayPair']), ids, dice.pick(ids))] }
  return { down: dice.shuffled(ids).slice(0, dice.integer(0, Math.floor((ids.length - 1) / 2))) }
}

/** The one that the leader has by now. */
const membershipNow = (cluster: Registers): Membership | undefined => {
  const leader = cluster.leader()
  return leader === undefined ? undefined : membershipAt(cluster, leader)
}

const hasLeft = (cluster: Registers, id: MemberId): boolean => {
  const membership = membershipNow(cluster)
  return membership !== undefined && !membersOf(membership).includes(id)
}

/** Every client's next command is acknowledged, wherever it is proposed, and every member reads. */
const serve = async (cluster: Registers, first: number, clients: readonly ReturnType<typeof createClient>[], reader: ReturnType<typeof createReader>, electionTimeoutMs: Millis): Promise<void> => {
  const leader = cluster.leader()
  const membership = membershipNow(cluster)
  if (leader === undefined || membership === undefined) return
  const running = membersOf(membership).filter(id => cluster.ids.includes(id) && cluster.member(id).raft !== undefined)
  if (quorumValue(membership, id => running.includes(id) ? 1 : 0) === 0) return
  const end = cluster.clock.now() + electionTimeoutMs * SERVICE
  // Programs outside know those with whom the cluster began, and can be told of others by them alone.
  const isKnown = running.some(id => cluster.ids.indexOf(id) < first)
  for (const client of clients.filter(({ isOutside }) => isKnown || !isOutside()).slice(0, 3)) {
    let outcome = await cluster.settle(client.propose(leader, electionTimeoutMs * SERVICE))
    // What others proposed before may still take up all the room there is.
    while (!isRight(outcome) && outcome.left._tag === 'Busy' && cluster.clock.now() < end) {
      await cluster.run(electionTimeoutMs / 10)
      outcome = await cluster.settle(client.propose(leader, electionTimeoutMs * SERVICE))
    }
    // A change that waited for somebody may be through only now, and leave out the one that led: whoever leads next serves.
    if (!isRight(outcome) && hasLeft(cluster, leader)) outcome = await cluster.settle(client.propose(cluster.leader()!, electionTimeoutMs * SERVICE))
    if (!isRight(outcome)) throw new Error(`a healed cluster did not serve within ${SERVICE} election timeouts: ${outcome.left.message}`)
  }
  for (const id of running) {
    const outcome = await cluster.settle(reader.read(id, electionTimeoutMs * SERVICE))
    if (!isRight(outcome) && hasLeft(cluster, id)) continue
    if (!isRight(outcome)) throw new Error(`${id} of a healed cluster did not read within ${SERVICE} election timeouts: ${outcome.left.message}`)
  }
}

/** A client that lives on finds out what became of what it proposed, unless its time is up. */
const checkKnown = (cluster: Registers): void => {
  const unknown = cluster.history().find(({ at, outcome }) => !cluster.ids.includes(at) && outcome !== undefined && isLeft(outcome) && outcome.left.appended === 'unknown' && outcome.left._tag !== 'TimedOut')
  if (unknown !== undefined) throw new Error(`${unknown.at} was told of ${JSON.stringify(unknown.command)}: ${JSON.stringify(unknown.outcome)}`)
}

/** Rejects when a promise is broken. */
export const trial = async (seed: number, { trace, replays, fold = seed % 16 === 0 ? frozenStep : step }: TrialOptions = {}): Promise<Outcome> => {
  const dice = createDice(seedFor(seed, 'trial'))
  const settings = drawSettings(dice)
  const { electionTimeoutMs } = settings
  const snapshots = drawSnapshots(createDice(seedFor(seed, 'snapshots')))
  const states = drawStates(createDice(seedFor(seed, 'states')), electionTimeoutMs, snapshots)
  const limits = { ...settings.limits, ...snapshots, ...states.limits }
  const spending = createSpending(fold, limits)
  const spoilt: string[] = []
  const cluster = simulate({
    ...settings, limits, readLeaseMs: drawLease(createDice(seedFor(seed, 'lease')), settings), machine: withBallast(registers, states.ballastBytes, claim => spoilt.push(claim)),
    seed, fold: spending.fold, ...(trace && { trace }), ...(replays !== undefined && { replays }),
  })
  const first = cluster.ids.length
  const habits = { electionTimeoutMs, gapMs: electionTimeoutMs * dice.magnitude(0.2, 3), sizes: dice.pick(SIZES) }
  const clients = Array.from({ length: CLIENTS }, (_, at) => createClient(cluster, createDice(seedFor(seed, `client ${at}`)), at + 1, habits))
  const operator = createOperator(cluster, createDice(seedFor(seed, 'operator')), electionTimeoutMs)
  const registrar = createRegistrar(cluster, createDice(seedFor(seed, 'registrar')), electionTimeoutMs)
  const recruiter = createRecruiter(cluster, createDice(seedFor(seed, 'recruiter')), electionTimeoutMs, states.ballastBytes > 0 ? MOVERS : undefined)
  const ambush = states.ballastBytes === 0 ? undefined : createAmbush(cluster, createDice(seedFor(seed, 'ambush')), electionTimeoutMs)
  const readers = Array.from({ length: READERS }, (_, at) => createReader(cluster, createDice(seedFor(seed, `reader ${at}`)), at + 1, habits))
  createEcho(cluster, createDice(seedFor(seed, 'echo')), clients.at(-1)!, electionTimeoutMs)

  const { linkBytesPerSecond } = states
  if (linkBytesPerSecond !== undefined) cluster.clock.after(0, () => cluster.network({ bytesPerSecond: linkBytesPerSecond }))
  await cluster.storm(electionTimeoutMs * dice.integer(4, 12), id => {
    for (const client of clients.slice(0, dice.integer(0, dice.pick(BURSTS)))) void client.propose(id, electionTimeoutMs * PATIENCE)
    for (const reader of readers) void reader.read(id, electionTimeoutMs * PATIENCE)
  })
  operator.stop()
  registrar.stop()
  recruiter.stop()
  ambush?.stop()
  const rest = drawRest(dice, cluster)
  await cluster.recover(rest)
  await cluster.run(SETTLING * electionTimeoutMs)
  await cluster.calm(CALM * electionTimeoutMs)
  for (const client of [...clients, ...readers]) client.stop()
  const healedAfter = await cluster.recover()
  await serve(cluster, first, clients, readers[0]!, electionTimeoutMs)
  await cluster.check()
  checkKnown(cluster)
  for (const claim of [...spoilt, spending.complaint()]) if (claim !== undefined) throw new Error(claim)
  const verdict = judge(registerModel, [...cluster.operations(), ...readers.flatMap(({ operations }) => operations)], { maxStates: MAX_STATES })
  if (verdict._tag === 'NotLinearizable') throw new Error(`no order explains what the clients of seed ${seed} saw: ${JSON.stringify(verdict.misfits)}`)
  const history = cluster.history()
  return {
    seed, members: cluster.ids.length, healedAfter, simulatedMs: cluster.clock.now(), faults: cluster.counts.faults(),
    steps: cluster.counts.steps(), elections: cluster.counts.elections(), committed: cluster.counts.committed(),
    calls: history.length, acknowledged: history.filter(({ outcome }) => outcome !== undefined && isRight(outcome)).length,
    ...spending.counts,
    joined: namedIn(cluster).filter(id => recruiter.brought.has(id)).length,
    read: cluster.readings().filter(({ outcome }) => outcome !== undefined && isRight(outcome)).length,
  }
}
