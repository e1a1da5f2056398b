/** One process of the search: seeds of the simulation, from the first to the last argument, against the core as the loader has changed it. */
import type { Millis } from '../../lib/types.js'
import { SimulationFailed } from '../../testing/simulation/story.js'
import { trial } from '../simulation/trial.js'

/** What came of one seed. */
export interface Hunted {
  readonly seed: number
  readonly simulatedMs: Millis
  readonly wallMs: Millis
  /** What it noticed, in a line. */
  readonly failure?: string
}

const hunt = async (seed: number): Promise<Hunted> => {
  const began = performance.now()
  const tookMs = (): Millis => Math.round(performance.now() - began)
  try {
    const { simulatedMs } = await trial(seed, { replays: 0 })
    return { seed, simulatedMs, wallMs: tookMs() }
  } catch (error) {
    const [failure = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    return { seed, simulatedMs: error instanceof SimulationFailed ? error.at : 0, wallMs: tookMs(), failure }
  }
}

const [from = 1, to = from] = process.argv.slice(2).map(Number)
let isFound = false
for (let seed = from; seed <= to && !isFound; seed++) {
  const hunted = await hunt(seed)
  isFound = hunted.failure !== undefined
  process.stdout.write(`${JSON.stringify(hunted)}\n`)
}
