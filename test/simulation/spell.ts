/** A spell of trouble: clients come, a storm breaks, some of it stays for a while, and in the end everything is as it should be. */
import type { MemberId, Millis } from '../../lib/types.js'
import { drawPartition } from '../../testing/simulation/faults/partition.js'
import type { Rest } from '../../testing/simulation/recovery.js'
import type { Dice } from '../../testing/simulation/world/dice.js'
import { createAmbush } from './ambush.js'
import { type Habits, PATIENCE, type Reader, type Registers, createClient, createEcho, createReader } from './clients.js'
import { createOperator, createRecruiter, createRegistrar } from './operators.js'
import { namedIn, serve } from './service.js'
import type { States } from './states.js'

const CLIENTS = 10
const READERS = 3
/** How many clients turn to a member that is about to be cut off, at most. */
const BURSTS = [2, CLIENTS] as const
/** Bytes that commands are longer than they need to be: one sector holds many of some, and one of others takes many sectors. */
const SIZES = [[0], [0, 0, 100, 1000], [500, 1000, 3000]] as const
/** Election timeouts in which candidates of earlier trouble may still come forward, and then of those in which nobody may. */
const SETTLING = 2
const CALM = 2
/** How many clusters with a large state have machines brought, each of which is sent it. */
const MOVERS = 0.8

/** The cluster of one seed, and what is known of it from outside. */
export interface Stage {
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
  /** The chances of whoever bears this name in it. */
  readonly diceFor: (name: string) => Dice
}

/** Less than what service needs: a minority is down, or two members do not hear each other, or one not the other. */
const drawRest = (dice: Dice, cluster: Registers): Rest => {
  const named = namedIn(cluster)
  const ids = named.length === 0 ? cluster.ids : named.filter(id => cluster.ids.includes(id))
  if (ids.length < 3) return {}
  if (dice.chance(0.5)) return { links: [...drawPartition(dice, dice.pick(['pair', 'oneWayPair']), ids, dice.pick(ids))] }
  return { down: dice.shuffled(ids).slice(0, dice.integer(0, Math.floor((ids.length - 1) / 2))) }
}

/** Returns how many election timeouts it took from the last fault to equal logs. Rejects when a promise is broken. */
export const spell = async ({ cluster, electionTimeoutMs, states, first, brought, readers: all }: Stage, { dice, before, diceFor }: Course): Promise<number> => {
  const habits: Habits = { electionTimeoutMs, gapMs: electionTimeoutMs * dice.magnitude(0.2, 3), sizes: dice.pick(SIZES) }
  const clients = Array.from({ length: CLIENTS }, (_, at) => createClient(cluster, diceFor(`client ${at}`), before * CLIENTS + at + 1, habits))
  const operator = createOperator(cluster, diceFor('operator'), electionTimeoutMs)
  const registrar = createRegistrar(cluster, diceFor('registrar'), electionTimeoutMs)
  const recruiter = createRecruiter(cluster, first, diceFor('recruiter'), electionTimeoutMs, states.ballastBytes > 0 ? MOVERS : undefined)
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
