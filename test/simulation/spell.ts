/** A spell of trouble: clients come, a storm breaks, some of it stays for a while, and in the end everything is as it should be. */
import { membersOf } from '../../lib/membership.js'
import { isRight } from '../../lib/prelude.js'
import { quorumValue } from '../../lib/quorum.js'
import type { MemberId, Membership, Millis } from '../../lib/types.js'
import { drawPartition } from '../../testing/simulation/faults/partition.js'
import type { Rest } from '../../testing/simulation/recovery.js'
import { type Dice, createDice } from '../../testing/simulation/world/dice.js'
import { createAmbush } from './ambush.js'
import { type Client, type Habits, PATIENCE, type Reader, type Registers, createClient, createEcho, createReader } from './clients.js'
import { createOperator, createRecruiter, createRegistrar, membershipAt } from './operators.js'
import type { States } from './states.js'

const CLIENTS = 10
const READERS = 3
/** How many clients turn to a member that is about to be cut off, at most. */
const BURSTS = [2, CLIENTS] as const
/** Bytes that commands are longer than they need to be: one sector holds many of some, and one of others takes many sectors. */
const SIZES = [[0], [0, 0, 100, 1000], [500, 1000, 3000]] as const
/** Election timeouts within which a healed cluster serves a new write. */
const SERVICE = 10
/** Election timeouts in which candidates of earlier trouble may still come forward, and then of those in which nobody may. */
const SETTLING = 2
const CALM = 2
/** How many clusters with a large state have machines brought, each of which is sent it. */
const MOVERS = 0.8

/** The cluster of one seed, and what is known of it from outside. */
export interface Scene {
  readonly cluster: Registers
  readonly electionTimeoutMs: Millis
  readonly states: States
  /** How many members it began with. */
  readonly first: number
  /** Who came with nothing. */
  readonly brought: Set<MemberId>
  readonly readers: Reader[]
}

/** What tells one spell of a seed from another. */
export interface Course {
  readonly dice: Dice
  /** How many came before it. */
  readonly before: number
  /** Of chance for whoever bears this name in it. */
  readonly seedFor: (name: string) => number
}

/** Who belongs, by the one who leads, if anybody does. */
export const namedIn = (cluster: Registers): readonly string[] => {
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
const serve = async (cluster: Registers, first: number, clients: readonly Client[], reader: Reader, electionTimeoutMs: Millis): Promise<void> => {
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

/** Returns how many election timeouts it took from the last fault to equal logs. Rejects when a promise is broken. */
export const spell = async ({ cluster, electionTimeoutMs, states, first, brought, readers: all }: Scene, { dice, before, seedFor }: Course): Promise<number> => {
  const diceFor = (name: string): Dice => createDice(seedFor(name))
  const habits: Habits = { electionTimeoutMs, gapMs: electionTimeoutMs * dice.magnitude(0.2, 3), sizes: dice.pick(SIZES) }
  const clients = Array.from({ length: CLIENTS }, (_, at) => createClient(cluster, diceFor(`client ${at}`), before * CLIENTS + at + 1, habits))
  const operator = createOperator(cluster, diceFor('operator'), electionTimeoutMs)
  const registrar = createRegistrar(cluster, diceFor('registrar'), electionTimeoutMs)
  const recruiter = createRecruiter(cluster, diceFor('recruiter'), electionTimeoutMs, states.ballastBytes > 0 ? MOVERS : undefined)
  const ambush = states.ballastBytes === 0 ? [] : [createAmbush(cluster, diceFor('ambush'), electionTimeoutMs)]
  const readers = Array.from({ length: READERS }, (_, at) => createReader(cluster, diceFor(`reader ${at}`), before * READERS + at + 1, habits))
  const echo = createEcho(cluster, diceFor('echo'), clients.at(-1)!, electionTimeoutMs)
  all.push(...readers)

  const { linkBytesPerSecond } = states
  if (linkBytesPerSecond !== undefined) cluster.clock.after(0, () => cluster.network({ bytesPerSecond: linkBytesPerSecond }))
  await cluster.storm(electionTimeoutMs * dice.integer(4, 12), id => {
    for (const client of clients.slice(0, dice.integer(0, dice.pick(BURSTS)))) void client.propose(id, electionTimeoutMs * PATIENCE)
    for (const reader of readers) void reader.read(id, electionTimeoutMs * PATIENCE)
  })
  for (const person of [operator, registrar, recruiter, ...ambush]) person.stop()
  for (const id of recruiter.brought) brought.add(id)
  const rest = drawRest(dice, cluster)
  await cluster.recover(rest)
  await cluster.run(SETTLING * electionTimeoutMs)
  await cluster.calm(CALM * electionTimeoutMs)
  for (const client of [...clients, ...readers]) client.stop()
  const healedAfter = await cluster.recover()
  await serve(cluster, first, clients, readers[0]!, electionTimeoutMs)
  echo.stop()
  await cluster.check()
  return healedAfter
}
