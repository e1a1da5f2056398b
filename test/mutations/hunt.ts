/** One process of the search: seeds of the simulation against the core as the loader has changed it, a line each, until one notices. */
import type { Millis } from '../../lib/types.js'
import { trial } from '../simulation/trial.js'

/** What came of one seed. */
export interface Hunted {
  readonly seed: number
  readonly simulatedMs: Millis
  readonly wallMs: Millis
  /** What it noticed. */
  readonly failure?: string
}

const hunt = async (seed: number): Promise<Hunted> => {
  const began = performance.now()
  let simulatedMs = 0
  try {
    simulatedMs = (await trial(seed, { replays: 0 })).simulatedMs
    return { seed, simulatedMs, wallMs: performance.now() - began }
  } catch (error) {
    const failure = (error instanceof Error ? error.message : String(error)).split('\n')[0]!
    const at = error instanceof Error && 'at' in error && typeof error.at === 'number' ? error.at : simulatedMs
    return { seed, simulatedMs: at, wallMs: performance.now() - began, failure }
  }
}

const [from, to] = process.argv.slice(2).map(Number)
for (let seed = from!; seed <= to!; seed++) {
  const hunted = await hunt(seed)
  process.stdout.write(`${JSON.stringify(hunted)}\n`)
  if (hunted.failure !== undefined) break
}
