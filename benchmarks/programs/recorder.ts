/** What the flight recorder costs: rounds with and without it in turn, since a machine is never the same for long. */
import { join } from 'node:path'
import { flightRecorder } from '../../streams/recorder/index.js'
import { inFolder } from '../aids.js'
import { measureDurable } from './durable.js'
import { BATCH, type Speed, measureInProcess } from './in-process.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

export interface RecorderOptions {
  readonly inFlight: readonly number[]
  readonly rounds: number
  readonly seconds: number
}

type Measure = (isRecorded: boolean) => Promise<Speed>

const inProcess = (seconds: number): Measure => isRecorded => inFolder(folder =>
  measureInProcess(BATCH, seconds, isRecorded ? id => flightRecorder(join(folder, id)) : undefined))

/** The median of the ratios of neighbouring rounds. */
const ratioOf = (plain: readonly Speed[], recorded: readonly Speed[], name: keyof Speed): string =>
  median(recorded.map((speed, i) => speed[name] / plain[i]![name])).toFixed(3)

/** One row; of two neighbouring rounds either may come first. */
const compare = async (what: string, rounds: number, measure: Measure): Promise<readonly (string | number)[]> => {
  const plain: Speed[] = []
  const recorded: Speed[] = []
  for (let round = 0; round < rounds; round++) {
    say(`${what}, round ${round + 1} of ${rounds}`)
    for (const isRecorded of round % 2 === 0 ? [false, true] : [true, false]) {
      const { perSecond, cpuMicros } = await measure(isRecorded)
      ;(isRecorded ? recorded : plain).push({ perSecond, cpuMicros })
      report({ what: `recorder, ${what}`, isRecorded, perSecond, cpuMicros })
    }
  }
  const medians = [plain, recorded].map(speeds => median(speeds.map(({ perSecond }) => perSecond)))
  return [what, ...medians, ratioOf(plain, recorded, 'perSecond'), ratioOf(plain, recorded, 'cpuMicros')]
}

export const recorder = async ({ inFlight, rounds, seconds }: RecorderOptions): Promise<void> => {
  const rows = [await compare(`in process, batch ${BATCH}`, rounds, inProcess(seconds))]
  for (const writes of inFlight) rows.push(await compare(`durable, ${writes} in flight`, rounds, isRecorded => measureDurable(writes, seconds, isRecorded)))
  say(`\n${tableOf(['', 'without/s', 'with/s', 'ratio', 'ratio of CPU per command'], rows)}\n`)
}
