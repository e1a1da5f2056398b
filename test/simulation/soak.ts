/** Hours of a cluster: storms, and behind each a quiet time. Quiet times show what only time brings: in one of them the log closes the sessions that nobody used. */
import { isRight } from '../../lib/prelude.js'
import type { MemberId, Millis } from '../../lib/types.js'
import { SESSION_MS } from '../../streams/machine/sessions.js'
import { type Dice, createDice, seedFor } from '../../testing/simulation/world/dice.js'
import { KEYS, createClient, createReader } from './clients.js'
import { SERVICE, runningIn } from './service.js'
import { type Stage, spell } from './spell.js'

const MINUTE_MS = 60_000
/** How many storms, and how long it is quiet behind all but one of them. */
const SPELLS = [2, 5] as const
const QUIET_MS = [5 * MINUTE_MS, 30 * MINUTE_MS] as const
/** And behind that one: of a minute without entries the log counts all, and of a longer time no more. */
const LONG_MS: Millis = SESSION_MS + 10 * MINUTE_MS
/** From one command and one read of those who stay to the next. */
const STEADY_MS = MINUTE_MS / 3

/** Far from the numbers of those who come with a spell. */
const STEADY = 1001
const OUTSIDE = 1002

/** What became of all that was asked. */
const createTally = () => {
  let [asked, served] = [0, 0]
  const refused: string[] = []
  return {
    served: () => served,
    unanswered: () => asked - served - refused.length,
    of: async (at: string, outcome: Promise<{ readonly _tag: 'Left' | 'Right' }>): Promise<void> => {
      asked++
      const told = await outcome
      if (told._tag === 'Right') served++
      else refused.push(`${at}: ${JSON.stringify(told)}`)
    },
    refused,
  }
}
type Tally = ReturnType<typeof createTally>

/** A program outside the cluster that writes at the beginning of each quiet time and at its end, and has nothing to say in between. */
const createOutsider = ({ cluster, electionTimeoutMs }: Stage) => {
  const name = 'outsider'
  const timeoutMs = SERVICE * electionTimeoutMs
  let serial = 0
  let isConnected = false
  /** Those through whom it can have heard of the others. */
  let known: readonly MemberId[] = cluster.ids
  return async (tally: Tally): Promise<void> => {
    const running = runningIn(cluster)
    if (!running.some(id => known.includes(id))) return
    if (!isConnected) isConnected = isRight(await cluster.settle(cluster.connect(name, { timeoutMs })))
    serial++
    await tally.of(name, cluster.settle(cluster.propose({ client: OUTSIDE, serial, key: KEYS[0], value: `${OUTSIDE}.${serial}` }, { through: name, client: name, timeoutMs })))
    known = running
  }
}

/** Writes and reads at those who belong, now and then and once both are answered, until it is called off: some members have room for one proposal. */
const keepBusy = ({ cluster, electionTimeoutMs }: Stage, dice: Dice, { writer, reader }: Residents, tally: Tally): { readonly stop: () => void } => {
  const timeoutMs = SERVICE * electionTimeoutMs
  const running = runningIn(cluster)
  let isOff = running.length === 0
  const ask = async (): Promise<void> => {
    const at = dice.pick(running)
    await Promise.all([tally.of(at, writer.propose(at, timeoutMs)), tally.of(at, reader.read(at, timeoutMs))])
    next()
  }
  const next = (): void => void cluster.clock.after(dice.exponential(STEADY_MS), () => { if (!isOff) void ask() })
  if (!isOff) next()
  return { stop: () => { isOff = true } }
}

/** Those who stay while others come and go. They ask when they are told to, and not by themselves. */
interface Residents {
  readonly writer: Pick<ReturnType<typeof createClient>, 'propose'>
  readonly reader: Pick<ReturnType<typeof createReader>, 'read'>
  readonly outsider: ReturnType<typeof createOutsider>
}

const createResidents = (stage: Stage, diceFor: (name: string) => Dice): Residents => {
  const { cluster, electionTimeoutMs, readers } = stage
  const habits = { electionTimeoutMs, gapMs: STEADY_MS, sizes: [0] }
  const writer = createClient(cluster, diceFor('writer'), STEADY, habits)
  const reader = createReader(cluster, diceFor('reader'), STEADY, habits)
  readers.push(reader)
  for (const resident of [writer, reader]) resident.stop()
  return { writer, reader, outsider: createOutsider(stage) }
}

/** Nobody is elected, and everybody is served, unless too few are left to have a leader. Returns how often somebody was. */
const quiet = async (stage: Stage, dice: Dice, residents: Residents, ms: Millis): Promise<number> => {
  const { cluster, electionTimeoutMs } = stage
  const tally = createTally()
  await residents.outsider(tally)
  const busy = keepBusy(stage, dice, residents, tally)
  await cluster.calm(ms)
  busy.stop()
  await residents.outsider(tally)
  await cluster.run(SERVICE * electionTimeoutMs)
  const [refused] = tally.refused
  if (refused !== undefined) throw new Error(`in a quiet time somebody was not served by ${refused}`)
  if (tally.unanswered() > 0) throw new Error(`in a quiet time ${tally.unanswered()} were given no answer`)
  return tally.served()
}

/** What came of it. */
export interface Soaked {
  /** Election timeouts from the last fault of the last storm to equal logs. */
  readonly healedAfter: number
  /** Proposals and reads in quiet times. */
  readonly served: number
}

/** Rejects when a promise is broken. */
export const soak = async (stage: Stage, seed: number): Promise<Soaked> => {
  const diceFor = (name: string): Dice => createDice(seedFor(seed, `soak, ${name}`))
  const dice = diceFor('course')
  const residents = createResidents(stage, diceFor)
  const spells = dice.integer(...SPELLS)
  const long = dice.integer(1, spells)
  let [healedAfter, served] = [0, 0]
  for (let number = 1; number <= spells; number++) {
    healedAfter = await spell(stage, { dice: diceFor(`spell ${number}`), before: number - 1, diceFor: name => diceFor(`spell ${number}, ${name}`) })
    served += await quiet(stage, dice, residents, number === long ? LONG_MS : dice.magnitude(...QUIET_MS))
  }
  await stage.cluster.recover()
  await stage.cluster.check()
  return { healedAfter, served }
}
