/** Hours of a cluster: storms now and then, and between them what only time brings, as sessions that nobody used for an hour and are closed. */
import type { Millis } from '../../lib/types.js'
import { createDice, seedFor } from '../../testing/simulation/world/dice.js'
import { createClient, createReader } from './clients.js'
import { type Scene, namedIn, spell } from './spell.js'

const MINUTE_MS = 60_000
/** How many storms, and the quiet behind each. */
const SPELLS = [2, 5] as const
const QUIET_MS = [5 * MINUTE_MS, 90 * MINUTE_MS] as const
/** Who goes on all the time, and how long each waits between two commands or reads: the last comes back when its session may be gone. */
const GAPS_MS: readonly Millis[] = [MINUTE_MS / 3, 10 * MINUTE_MS, 70 * MINUTE_MS]
/** Behind all who come with a spell. */
const FIRST_NUMBER = 1000

/** Whoever asks a member that belongs, and has an election timeout's patience, is served: nothing is wrong. */
const checkServed = ({ cluster, electionTimeoutMs }: Scene, since: Millis): void => {
  const named = namedIn(cluster)
  const refused = [...cluster.history(), ...cluster.readings()].find(({ at, calledAt, returnedAt = 0, outcome }) =>
    calledAt >= since && named.includes(at) && returnedAt - calledAt >= electionTimeoutMs && outcome?._tag === 'Left')
  if (refused !== undefined) throw new Error(`in a quiet time ${refused.at} did not serve: ${JSON.stringify(refused)}`)
}

/** Returns what its last storm took to heal. Rejects when a promise is broken: in quiet times it is one that anybody is elected, and that somebody is not served. */
export const live = async (scene: Scene, seed: number): Promise<number> => {
  const { cluster, electionTimeoutMs } = scene
  const diceFor = (name: string) => createDice(seedFor(seed, name))
  const dice = diceFor('life')
  const residents = GAPS_MS.flatMap((gapMs, at) => {
    const habits = { electionTimeoutMs, gapMs, sizes: [0] }
    const reader = createReader(cluster, diceFor(`resident reader ${at}`), FIRST_NUMBER + at, habits)
    scene.readers.push(reader)
    return [reader, createClient(cluster, diceFor(`resident ${at}`), FIRST_NUMBER + at, habits)]
  })
  let healedAfter = 0
  for (let before = 0, spells = dice.integer(...SPELLS); before < spells; before++) {
    const prefix = `spell ${before}, `
    healedAfter = await spell(scene, { dice: diceFor(`${prefix}trial`), before, seedFor: name => seedFor(seed, `${prefix}${name}`) })
    const since = cluster.clock.now()
    await cluster.calm(dice.magnitude(...QUIET_MS))
    checkServed(scene, since)
  }
  for (const resident of residents) resident.stop()
  await cluster.recover()
  await cluster.check()
  return healedAfter
}
