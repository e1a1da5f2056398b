/** What was typed, and what is to be done: every mistake is told before anything is measured. */
import { statSync } from 'node:fs'
import { parsed } from '../cli/arguments.js'
import { Mistake } from '../cli/mistake.js'
import { HELP } from './help.js'
import { type Given, PROGRAMS, type Program, roundsOf, secondsOf } from './programs/index.js'
import { type ReportOptions, checkReport, makeReport } from './reporting/make.js'

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const REPORT_OPTIONS = { only: text, peers: flag, compare: text, out: text, save: text } as const
const PROGRAM_OPTIONS = { 'in-flight': text, rounds: text, seconds: text, times: text, minutes: text, entries: text, mebibytes: text, peer: text } as const
/** A report takes these, too. */
const SHARED = ['rounds', 'seconds']

const readArguments = (args: readonly string[]) =>
  parsed({ args: [...args], allowPositionals: true, options: { ...PROGRAM_OPTIONS, ...REPORT_OPTIONS, dir: text, help: flag } })
type Values = ReturnType<typeof readArguments>['values']

const named = (values: Values, options: object): readonly string[] => Object.keys(values).filter(name => Object.hasOwn(options, name))
const those = (names: readonly string[]): string => names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

const programCalled = (name: string): Program => {
  const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined
  if (program === undefined) throw new Mistake(`there is no benchmark "${name}", only ${Object.keys(PROGRAMS).join(', ')}`)
  return program
}

const preparePrograms = (names: readonly string[], values: Values): (() => Promise<number>) => {
  const programs = names.map(programCalled)
  const [stray] = named(values, REPORT_OPTIONS)
  if (stray !== undefined) throw new Mistake(`--${stray} is for the report, which takes no name: --only chooses what is in it`)
  const taken = new Set<string>(programs.flatMap(({ takes }) => takes))
  const unused = named(values, PROGRAM_OPTIONS).find(name => !taken.has(name))
  if (unused !== undefined) throw new Mistake(`--${unused} is not for ${those(names)}, which ${names.length === 1 ? 'takes' : 'take'} ${those([...taken, 'dir'].map(name => `--${name}`))}`)
  const prepared = programs.map(({ prepare }) => prepare(values satisfies Given))
  return async () => {
    for (const run of prepared) await run()
    return 0
  }
}

const prepareReport = (values: Values): (() => Promise<number>) => {
  const stray = named(values, PROGRAM_OPTIONS).find(name => !SHARED.includes(name))
  if (stray === 'peer') throw new Mistake('--peer is for durable and in-process; a report has --peers')
  if (stray !== undefined) {
    const takers = Object.entries(PROGRAMS).filter(([, { takes }]) => takes.some(name => name === stray)).map(([name]) => name)
    throw new Mistake(`--${stray} is for ${those(takers)}, and not for a report`)
  }
  const options: ReportOptions = {
    rounds: roundsOf(values), seconds: secondsOf(values, 1), only: values.only?.split(',') ?? [], peers: values.peers ?? false,
    baseline: values.compare, out: values.out ?? 'benchmarks/report', save: values.save,
  }
  checkReport(options)
  return () => makeReport(options)
}

/** Reads what was typed, and answers with what is to be run to its exit code. */
export const command = (args: readonly string[]): (() => Promise<number>) => {
  const { values, positionals } = readArguments(args)
  if (values.help) {
    return async () => {
      process.stderr.write(HELP)
      return 0
    }
  }
  const { dir } = values
  if (dir !== undefined && statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Mistake(`--dir: ${dir} is no folder`)
  const run = positionals.length > 0 ? preparePrograms(positionals, values) : prepareReport(values)
  return () => {
    if (dir !== undefined) process.env['TMPDIR'] = dir
    return run()
  }
}
