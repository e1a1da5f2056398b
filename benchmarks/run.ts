/** `npm run bench`: all of `measures`, as a report; `npm run bench -- NAME …`: one thing, closely, among them some that are in no report. What the README's numbers come from. */
import { statSync } from 'node:fs'
import { parsed, wholeNumber } from '../cli/arguments.js'
import { Mistake } from '../cli/mistake.js'
import { runProgram } from '../cli/program.js'
import { HELP } from './help.js'
import { MEASURES } from './measures/index.js'
import { durable } from './programs/durable.js'
import { endless } from './programs/endless.js'
import { failover } from './programs/failover.js'
import { inProcess } from './programs/in-process.js'
import { oneMeasure } from './programs/one-measure.js'
import { reads } from './programs/reads.js'
import { recorder } from './programs/recorder.js'
import { restart } from './programs/restart.js'
import { simulation } from './programs/simulation.js'
import { snapshot } from './programs/snapshot.js'
import { makeReport } from './reporting/make.js'

const text = (value: string) => ({ type: 'string', default: value }) as const
const flag = { type: 'boolean', default: false } as const
const REPORT_OPTIONS = ['only', 'peers', 'compare', 'out', 'save'] as const

const readArguments = () => parsed({
  allowPositionals: true,
  options: {
    'in-flight': text('1,256'), rounds: text('3'), seconds: { type: 'string' }, times: text('9'), minutes: text('10'), entries: text('100000'), mebibytes: text('1024'),
    peer: { type: 'string' }, help: flag, dir: { type: 'string' },
    only: { type: 'string' }, peers: flag, compare: { type: 'string' }, out: { type: 'string' }, save: { type: 'string' },
  },
})
type Values = ReturnType<typeof readArguments>['values']

const numberOf = (values: Values, name: 'rounds' | 'times' | 'minutes' | 'entries' | 'mebibytes', least = 1): number => wholeNumber(name, values[name], least)

/** In a report there is much to measure; a program by itself takes its time. */
const secondsOf = ({ seconds }: Values, otherwise: number): number => seconds === undefined ? otherwise : wholeNumber('seconds', seconds, 1)

/** Every program by its name: those with a closer look of their own, and each measure that has none. */
const programsOf = (values: Values): Readonly<Record<string, () => Promise<void>>> => {
  const inFlight = values['in-flight'].split(',').map(item => wholeNumber('in-flight', item, 1))
  const rounds = numberOf(values, 'rounds')
  const seconds = secondsOf(values, 3)
  const measures = MEASURES.map(measure => [measure.name, () => oneMeasure(measure, { rounds, seconds })] as const)
  return {
    ...Object.fromEntries(measures),
    durable: () => durable({ inFlight, rounds, seconds, peer: values.peer }),
    'in-process': () => inProcess({ rounds, seconds, peer: values.peer }),
    reads: () => reads({ rounds, seconds }),
    failover: () => failover({ times: numberOf(values, 'times') }),
    recorder: () => recorder({ inFlight, rounds, seconds }),
    simulation: () => simulation({ rounds, seconds }),
    snapshot: () => snapshot({ mebibytes: numberOf(values, 'mebibytes'), rounds, seconds }),
    restart: () => restart({ mebibytes: numberOf(values, 'mebibytes', 0), entries: numberOf(values, 'entries'), rounds }),
    endless: () => endless({ minutes: numberOf(values, 'minutes') }),
  }
}

const runPrograms = async (names: readonly string[], values: Values): Promise<number> => {
  const stray = REPORT_OPTIONS.find(name => values[name] !== undefined && values[name] !== false)
  if (stray !== undefined) throw new Mistake(`--${stray} is for the report, which takes no name: --only chooses what is in it`)
  const programs = programsOf(values)
  const chosen = names.map(name => {
    const program = Object.hasOwn(programs, name) ? programs[name] : undefined
    if (program === undefined) throw new Mistake(`there is no benchmark "${name}", only ${Object.keys(programs).join(', ')}`)
    return program
  })
  for (const program of chosen) await program()
  return 0
}

await runProgram(async () => {
  const { values, positionals } = readArguments()
  if (values.help) {
    process.stderr.write(HELP)
    return 0
  }
  if (values.dir !== undefined) {
    if (statSync(values.dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Mistake(`--dir: ${values.dir} is no folder`)
    process.env['TMPDIR'] = values.dir
  }
  if (positionals.length > 0) return runPrograms(positionals, values)
  if (values.peer !== undefined) throw new Mistake('--peer is for durable and in-process; a report has --peers')
  return makeReport({
    rounds: numberOf(values, 'rounds'), seconds: secondsOf(values, 1), only: values.only?.split(',') ?? [], peers: values.peers,
    baseline: values.compare, out: values.out ?? 'benchmarks/report', save: values.save,
  })
})
