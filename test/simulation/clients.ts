/** Who uses a cluster while it is tried: some write, some read, and one answers what it hears in the same breath. */
import { merge, tap } from 'rxjs'
import { isRight } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { Operation } from '../../testing/linearizability/history.js'
import type { SimulatedCluster } from '../../testing/simulation/cluster.js'
import type { Dice } from '../../testing/simulation/world/dice.js'
import type { Order } from './register.js'

export type Registers = SimulatedCluster<Order, string | null, Readonly<Record<string, string>>>

/** How often a reader turns to one that says that it leads. */
const LOYALTY = 0.6
export const KEYS = ['k1', 'k2', 'k3'] as const
/** How much of what it hears the last client answers at once. */
const ECHO = 0.1
/** Election timeouts of one proposal's patience, at least. */
export const PATIENCE = 3

/** What clients have in common that came together. */
export interface Habits {
  readonly electionTimeoutMs: Millis
  readonly gapMs: Millis
  readonly sizes: readonly number[]
}

/** How many of the clients are programs outside the cluster. */
const OUTSIDE = 0.3

/** A client proposes one command after the other, at whichever member or over the network, until it is called off. */
export const createClient = (cluster: Registers, dice: Dice, client: number, { electionTimeoutMs, gapMs, sizes }: Habits) => {
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
export const createEcho = (cluster: Registers, dice: Dice, client: Client, electionTimeoutMs: Millis): { readonly stop: () => void } => {
  const id = dice.pick(cluster.ids)
  const { commits$, leadership$ } = cluster.member(id)
  const answer = (): void => { if (dice.chance(ECHO)) void client.propose(id, electionTimeoutMs * PATIENCE) }
  const heard = merge(commits$, leadership$).subscribe(answer)
  return { stop: () => heard.unsubscribe() }
}

/** Reads cost a cluster less than commands, and more of them are made. */
const READS_PER_COMMAND = 4

/** A client that reads all registers at once, at whichever member or at one that takes itself for the leader, until it is called off. */
export const createReader = (cluster: Registers, dice: Dice, reader: number, { electionTimeoutMs, gapMs }: Habits) => {
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
  const next = (): void => void cluster.clock.after(dice.exponential(gapMs / READS_PER_COMMAND), () => {
    if (!isOff) void read(place(), electionTimeoutMs * PATIENCE * dice.exponential(1)).then(next)
  })
  const heard = merge(...cluster.ids.map(id => cluster.member(id).leadership$.pipe(tap(leadership => leadership === undefined ? leading.delete(id) : leading.add(id))))).subscribe()
  next()
  const stop = (): void => {
    isOff = true
    heard.unsubscribe()
  }
  return { read, operations, stop }
}

export type Client = ReturnType<typeof createClient>
export type Reader = ReturnType<typeof createReader>
