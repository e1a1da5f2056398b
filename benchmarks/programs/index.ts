/** Every program that measures one thing closely, by its name: which options it takes, and what it makes of them before anything is measured. */
import { wholeNumber } from '../../cli/arguments.js'
import { MEASURES } from '../measures/index.js'
import { durable } from './durable.js'
import { endless } from './endless.js'
import { failover } from './failover.js'
import { inProcess } from './in-process.js'
import { joining } from './joining.js'
import { oneMeasure } from './one-measure.js'
import { reads } from './reads.js'
import { recorder } from './recorder.js'
import { restart } from './restart.js'
import { simulation } from './simulation.js'
import { snapshot } from './snapshot.js'

export type Option = 'in-flight' | 'rounds' | 'seconds' | 'times' | 'minutes' | 'entries' | 'mebibytes' | 'peer'
/** As they were typed. */
export type Given = Readonly<Partial<Record<Option, string | undefined>>>

export interface Program {
  readonly takes: readonly Option[]
  /** What is to be run; throws a `Mistake` where an option makes no sense. */
  prepare(given: Given): () => Promise<void>
}

const numberOf = (given: Given, name: Option, otherwise: number, least = 1): number => {
  const text = given[name]
  return text === undefined ? otherwise : wholeNumber(name, text, least)
}
export const roundsOf = (given: Given, otherwise = 3): number => numberOf(given, 'rounds', otherwise)
/** In a report there is much to measure; a program by itself takes its time. */
export const secondsOf = (given: Given, otherwise: number): number => numberOf(given, 'seconds', otherwise)
const timesOf = (given: Given): { readonly rounds: number; readonly seconds: number } => ({ rounds: roundsOf(given), seconds: secondsOf(given, 3) })
const inFlightOf = (given: Given): readonly number[] => (given['in-flight'] ?? '1,256').split(',').map(item => wholeNumber('in-flight', item, 1))
const mebibytesOf = (given: Given, otherwise = 1024, least = 1): number => numberOf(given, 'mebibytes', otherwise, least)

/** A program whose options are all understood before it begins. */
const program = <A>(takes: readonly Option[], read: (given: Given) => A, run: (options: A) => Promise<void>): Program => ({
  takes,
  prepare: given => {
    const options = read(given)
    return () => run(options)
  },
})

/** Those with a closer look of their own, and each measure that has none. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  ...Object.fromEntries(MEASURES.map(measure => [measure.name, program(['rounds', 'seconds'], timesOf, times => oneMeasure(measure, times))])),
  durable: program(['in-flight', 'rounds', 'seconds', 'peer'], given => ({ ...timesOf(given), inFlight: inFlightOf(given), peer: given.peer }), durable),
  'in-process': program(['rounds', 'seconds', 'peer'], given => ({ ...timesOf(given), peer: given.peer }), inProcess),
  reads: program(['rounds', 'seconds'], timesOf, reads),
  failover: program(['times'], given => ({ times: numberOf(given, 'times', 9) }), failover),
  recorder: program(['in-flight', 'rounds', 'seconds'], given => ({ ...timesOf(given), inFlight: inFlightOf(given) }), recorder),
  simulation: program(['rounds', 'seconds'], timesOf, simulation),
  snapshot: program(['mebibytes', 'rounds', 'seconds'], given => ({ ...timesOf(given), mebibytes: mebibytesOf(given) }), snapshot),
  joining: program(['mebibytes', 'entries', 'in-flight', 'rounds', 'seconds'],
    given => ({ ...timesOf(given), mebibytes: mebibytesOf(given, 256), entries: numberOf(given, 'entries', 50_000), inFlight: numberOf(given, 'in-flight', 64) }), joining),
  restart: program(['mebibytes', 'entries', 'rounds'],
    given => ({ mebibytes: mebibytesOf(given, 1024, 0), entries: numberOf(given, 'entries', 100_000), rounds: roundsOf(given, 4) }), restart),
  endless: program(['minutes'], given => ({ minutes: numberOf(given, 'minutes', 10) }), endless),
}
