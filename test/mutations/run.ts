import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../run.js'
import type { Hunted } from './hunt.js'
import type { Mutation } from './mutations.js'

const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')

/** Starts Node with the mistake in place; nothing on the disk is changed. */
const startWith = ({ file, from, to }: Mutation, args: readonly string[]) => {
  const env = { ...process.env, MUTATION: JSON.stringify({ path: join(root, file), from, to }) }
  return spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

export interface Outcome {
  /** Whether tests failed, as opposed to passing or not running at all. */
  readonly isCaught: boolean
  readonly out: string
}

/** Runs the killer against the mistake. */
export const tryMutation = (mutation: Mutation): Promise<Outcome> => new Promise((resolve, reject) => {
  const { killer: [test, match] } = mutation
  const child = startWith(mutation, [ava, '--tap', test, ...match === undefined ? [] : ['--match', match]])
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.once('error', reject)
  child.once('close', () => resolve({ isCaught: /^not ok .*/m.test(out) && !/stands in .* times|No tests found|Couldn't find|SyntaxError/.test(out), out }))
})

/** A seed that is not done after so long has hit a loop without end. */
const ENDLESS_MS = 180_000

/**
 * Runs seeds of the simulation against the mistake until one notices; `each` hears of them, one by one. Rejects when they do not run at all.
 * What hangs has noticed, too.
 */
export const huntMutation = (mutation: Mutation, from: number, to: number, each: (hunted: Hunted) => void): Promise<void> => new Promise((resolve, reject) => {
  const child = startWith(mutation, ['--import=./test/register.mjs', join(root, 'test/mutations/hunt.ts'), `${from}`, `${to}`])
  let next = from
  let err = ''
  const endless = (): void => {
    each({ seed: next, simulatedMs: 0, wallMs: ENDLESS_MS, failure: `it is not done after ${ENDLESS_MS / 1000} s` })
    child.kill('SIGKILL')
    resolve()
  }
  let patience = setTimeout(endless, ENDLESS_MS)
  createInterface({ input: child.stdout }).on('line', line => {
    clearTimeout(patience)
    patience = setTimeout(endless, ENDLESS_MS)
    const hunted = JSON.parse(line) as Hunted
    next = hunted.seed + 1
    each(hunted)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text })
  child.once('error', reject)
  child.once('close', code => {
    clearTimeout(patience)
    if (code === 0) resolve()
    else reject(new Error(`the seeds against "${mutation.name}" ended with ${code}: ${err.trim().split('\n').find(line => /Error/.test(line)) ?? err.slice(0, 200)}`))
  })
})
