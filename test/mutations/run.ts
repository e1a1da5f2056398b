import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { layOut, openPlace } from '../changed.js'
import { root } from '../run.js'
import type { Hunted } from './hunt.js'
import type { Mutation } from './mutation.js'

/** One file at a time, since others run beside this one. */
const CONFIG = { files: ['*/test/**/*.test.js'], workerThreads: false, concurrency: 1, timeout: '2m' }
const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')

/** Whether a test failed, as opposed to all passing or none running, and what was said of it or, where none did, of everything. */
export interface Outcome {
  readonly isCaught: boolean
  readonly out: string
}

/** A mistake whose killer is to run in the folder of that name, and who waits for what comes of it. */
interface Trial {
  readonly mutation: Mutation
  readonly name: string
  readonly tell: (outcome: Outcome) => void
  readonly fail: (error: unknown) => void
}

/** As AVA takes `--match`. */
const isMatch = (title: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(part => part.replace(/[^\w\s]/g, '\\$&')).join('.*')}$`).test(title)

/** What AVA puts before the titles of one file of several: `m3 › test › lib › election › `. */
const prefixOf = ({ name, mutation: { killer: [file] } }: Trial): string => [name, ...file.replace(/\.test\.ts$/, '').split('/'), ''].join(' › ')

/** One run of AVA over the killers of several mistakes. */
const runTrials = (trials: readonly Trial[], place: string): Promise<void> => new Promise((resolve, reject) => {
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(place, 'ava.config.js'), `export default ${JSON.stringify(CONFIG)}`)
  const files = trials.map(({ name, mutation: { killer: [file] } }) => `${name}/${file.replace(/ts$/, 'js')}`)
  const matches = [...new Set(trials.flatMap(({ mutation: { killer: [, match] } }) => match ?? []))].map(match => `--match=${match}`)
  const child = spawn(process.execPath, [ava, '--tap', ...files, ...matches], { cwd: place, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { out += text })
  createInterface({ input: child.stdout }).on('line', line => {
    out += `${line}\n`
    const [, failed] = /^not ok \d+ - (.*)$/.exec(line) ?? []
    if (failed === undefined) return
    for (const trial of trials) {
      const prefix = trials.length === 1 ? '' : prefixOf(trial)
      const { mutation: { killer: [, match = '*'] }, tell } = trial
      if (failed.startsWith(prefix) && isMatch(failed.slice(prefix.length), match)) tell({ isCaught: true, out: line })
    }
  })
  child.once('error', reject)
  child.once('close', () => {
    for (const { tell } of trials) tell({ isCaught: false, out })
    resolve()
  })
})

/** Whether the tree of a trial stands; who waits for one that does not hears why. */
const isLaidOut = ({ mutation, name, fail }: Trial, place: string): boolean => {
  try {
    layOut(join(place, name), mutation)
    return true
  } catch (error) {
    fail(error)
    return false
  }
}

/** Whole files in one run, and tests that are picked by their titles in another. */
const runAll = async (trials: readonly Trial[]): Promise<void> => {
  for (const isMatched of [false, true]) {
    const place = openPlace()
    const some = trials.filter(({ mutation: { killer: [, match] } }) => (match !== undefined) === isMatched).filter(trial => isLaidOut(trial, place))
    if (some.length > 0) await runTrials(some, place).catch(error => { for (const { fail } of some) fail(error) })
    rmSync(place, { recursive: true, force: true })
  }
}

let waiting: Trial[] = []

/** Runs the killer against the mistake, together with all that are asked for in the same turn. */
export const tryMutation = (mutation: Mutation): Promise<Outcome> => new Promise((tell, fail) => {
  if (waiting.length === 0) {
    setImmediate(() => {
      const trials = waiting
      waiting = []
      void runAll(trials)
    })
  }
  waiting.push({ mutation, name: `m${waiting.length}`, tell, fail })
})

/** A seed that is not done after so long has hit a loop without end. */
const ENDLESS_MS = 180_000

/**
 * Runs seeds of the simulation against the mistake until one notices; `each` hears of them, one by one. Rejects when they do not run at all.
 * What hangs has noticed, too.
 */
export const huntMutation = (mutation: Mutation, from: number, to: number, each: (hunted: Hunted) => void): Promise<void> => new Promise((resolve, reject) => {
  const place = openPlace()
  layOut(place, mutation)
  const child = spawn(process.execPath, [join(place, 'test/mutations/hunt.js'), `${from}`, `${to}`], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
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
    rmSync(place, { recursive: true, force: true })
    if (code === 0) resolve()
    else reject(new Error(`the seeds against "${mutation.name}" ended with ${code}: ${err.trim().split('\n').find(line => /Error/.test(line)) ?? err.slice(0, 200)}`))
  })
})
