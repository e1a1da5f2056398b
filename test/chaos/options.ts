import { randomInt } from 'node:crypto'
import { parsed, wholeNumber } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import { createDice } from '../../testing/simulation/world/dice.js'
import { MIXES, type MixName, SKIPPED } from './mixes.js'
import type { RunOptions } from './stage.js'

export const HELP = `Members as processes with disks of their own, ten clients, faults at random; then everything heals, every key is read, and what the clients
saw is judged for linearizability, what the members applied and have on their disks is compared.

  npm run chaos                                   five minutes of a mix that is drawn
  npm run chaos -- --mix power-cuts,pauses        these, one after the other; "all" for every one of them
  npm run chaos -- --mix all --seed 7             every mix; stopped at any moment, the same command goes on with the runs that are not done
  npm run chaos -- --report                       the table of every run so far, and nothing is run
  npm run chaos -- --judge FILE                   judges a history that was kept

Options
  --minutes N    how long each run is struck (default 5)
  --seed N       what is drawn, and when (default: another one each time, printed)
  --members N    3 or 5 (default 5)
  --rate N       operations per second (default 100)
  --ledger FILE  where runs that are done are kept, a line of JSON for each (default data/chaos.jsonl)
  --again        does the runs that are done already, too
  --help         this text

Mixes
${Object.entries(MIXES).map(([name, { about }]) => `  ${name.padEnd(24)}${about}`).join('\n')}

Not done here
${Object.entries(SKIPPED).map(([name, about]) => `  ${name.padEnd(24)}${about}`).join('\n')}

Exit code 0 when every promise holds, 1 when one is broken (the history is kept then) or a run could not be done, 2 for a mistake in the
arguments, 130 when interrupted.
`

export type Command =
  | { readonly type: 'help' }
  | { readonly type: 'judge'; readonly file: string }
  | { readonly type: 'report'; readonly ledger: string }
  | { readonly type: 'run'; readonly runs: readonly RunOptions[]; readonly ledger: string; readonly isAgain: boolean }

const ELECTION_TIMEOUT_MS = 1000
const MAX_MINUTES = 10_000
const OPTIONS = {
  mix: { type: 'string', default: 'random' }, minutes: { type: 'string', default: '5' }, seed: { type: 'string' },
  members: { type: 'string', default: '5' }, rate: { type: 'string', default: '100' }, judge: { type: 'string' },
  ledger: { type: 'string', default: 'data/chaos.jsonl' }, again: { type: 'boolean', default: false },
  report: { type: 'boolean', default: false }, help: { type: 'boolean' },
} as const

const number = (name: string, text: string, isGood: (value: number) => boolean, what: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || !isGood(value)) throw new Mistake(`--${name} takes ${what}, not "${text}"`)
  return value
}

const NAMES = Object.keys(MIXES) as readonly MixName[]

const mixesOf = (text: string, seed: number): readonly MixName[] => {
  if (text === 'all') return NAMES
  if (text === 'random') return [createDice(seed).pick(NAMES)]
  return text.split(',').map(name => {
    const found = NAMES.find(known => known === name)
    if (found !== undefined) return found
    throw new Mistake(Object.hasOwn(SKIPPED, name) ? `${name} is not done here: ${SKIPPED[name]}` : `there is no mix "${name}"; there are ${NAMES.join(', ')}`)
  })
}

export const commandFrom = (args: readonly string[]): Command => {
  const { values } = parsed({ args: [...args], options: OPTIONS })
  if (values.help === true) return { type: 'help' }
  if (values.judge !== undefined) return { type: 'judge', file: values.judge }
  if (values.report) return { type: 'report', ledger: values.ledger }
  const seed = values.seed === undefined ? randomInt(2 ** 31) : wholeNumber('seed', values.seed, 0)
  const minutes = number('minutes', values.minutes, value => value > 0 && value <= MAX_MINUTES, `a number above 0, ${MAX_MINUTES} at most`)
  const members = number('members', values.members, value => value === 3 || value === 5, '3 or 5') === 3 ? 3 : 5
  const rate = number('rate', values.rate, value => value > 0, 'a number above 0')
  const runs = mixesOf(values.mix, seed).map((mix): RunOptions => ({ mix, seed, minutes, members, rate, electionTimeoutMs: ELECTION_TIMEOUT_MS }))
  return { type: 'run', runs, ledger: values.ledger, isAgain: values.again }
}
