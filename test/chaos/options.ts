import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Mistake } from '../../cli/mistake.js'
import { createDice } from '../../testing/simulation/world/dice.js'
import { MIXES, type MixName, SKIPPED } from './mixes.js'
import type { RunOptions } from './stage.js'

export const HELP = `Members as processes with disks of their own, ten clients, faults at random; then everything heals, every key is read, and what the clients
saw is judged for linearizability, what the members applied and have on their disks is compared.

  npm run chaos                                   five minutes of a mix that is drawn
  npm run chaos -- --mix power-cuts,pauses        these, one after the other; "all" for every one of them
  npm run chaos -- --judge FILE                   judges a history that was kept

Options
  --minutes N    how long each run is struck (default 5)
  --seed N       what is drawn, and when (default: another one each time, printed)
  --members N    3 or 5 (default 5)
  --rate N       operations per second (default 100)
  --help         this text

Mixes
${Object.entries(MIXES).map(([name, { about }]) => `  ${name.padEnd(24)}${about}`).join('\n')}

Not done here
${Object.entries(SKIPPED).map(([name, about]) => `  ${name.padEnd(24)}${about}`).join('\n')}

Exit code 0 when every promise holds, 1 when one is broken (the history is kept then), 2 for a mistake in the arguments.
`

export type Command =
  | { readonly type: 'help' }
  | { readonly type: 'judge'; readonly file: string }
  | { readonly type: 'run'; readonly runs: readonly RunOptions[] }

const ELECTION_TIMEOUT_MS = 1000
const OPTIONS = {
  mix: { type: 'string', default: 'random' }, minutes: { type: 'string', default: '5' }, seed: { type: 'string' },
  members: { type: 'string', default: '5' }, rate: { type: 'string', default: '100' }, judge: { type: 'string' }, help: { type: 'boolean' },
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

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw new Mistake(error instanceof Error ? error.message : String(error))
  }
}

export const commandFrom = (args: readonly string[]): Command => {
  const values = parsed(args)
  if (values.help === true) return { type: 'help' }
  if (values.judge !== undefined) return { type: 'judge', file: values.judge }
  const seed = values.seed === undefined ? randomInt(2 ** 31) : number('seed', values.seed, value => Number.isSafeInteger(value) && value >= 0, 'a whole number')
  const minutes = number('minutes', values.minutes, value => value > 0, 'a number above 0')
  const members = number('members', values.members, value => value === 3 || value === 5, '3 or 5') === 3 ? 3 : 5
  const rate = number('rate', values.rate, value => value > 0, 'a number above 0')
  return { type: 'run', runs: mixesOf(values.mix, seed).map(mix => ({ mix, seed, minutes, members, rate, electionTimeoutMs: ELECTION_TIMEOUT_MS })) }
}
