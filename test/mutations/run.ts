import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { layOut, openPlace } from '../changed.js'
import { root } from '../run.js'
import type { Hunted } from './hunt.js'
import type { Mutation } from './mutation.js'

/** All in one process, which begins once instead of once for each. */
const CONFIG = { files: ['killers.test.js'], workerThreads: false, serial: true, timeout: '2m' }
const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')

/** Whether a test failed, all passed or none ran, and what was said of the failed one or, where none did, of everything. */
export interface Outcome {
  readonly verdict: 'failed' | 'passed' | 'nothing ran'
  readonly out: string
}

/** What is to run in the folder of that name: tests of these files that match one of the patterns, with a mistake or without. Someone waits for what comes of it. */
interface Trial {
  readonly mutation?: Mutation
  readonly files: readonly string[]
  readonly matches: readonly string[]
  readonly name: string
  readonly tell: (outcome: Outcome) => void
  readonly fail: (error: unknown) => void
}

const titled = pathToFileURL(join(import.meta.dirname, 'titled.js')).href

/** The tree of a trial: what says `ava` in it gets a `test` of this trial. */
const layOutTrial = ({ mutation, matches, name }: Trial, place: string): void => {
  const tree = join(place, name)
  layOut(tree, mutation)
  const shared = join(tree, 'node_modules/ava')
  mkdirSync(shared, { recursive: true })
  writeFileSync(join(shared, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
  writeFileSync(join(shared, 'index.js'), `import { titled } from '${titled}'\nexport default titled(${JSON.stringify(name)}, ${JSON.stringify(matches)})`)
}

/** Whether the tree of a trial stands; who waits for one that does not hears why. */
const isLaidOut = (trial: Trial, place: string): boolean => {
  try {
    layOutTrial(trial, place)
    return true
  } catch (error) {
    trial.fail(error)
    return false
  }
}

/** One run of AVA over all that the trials ask for. */
const runTrials = (trials: readonly Trial[], place: string): Promise<void> => new Promise((resolve, reject) => {
  const files = trials.flatMap(({ name, files }) => files.map(file => `./${name}/${file.replace(/ts$/, 'js')}`))
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(place, 'ava.config.js'), `export default ${JSON.stringify(CONFIG)}`)
  writeFileSync(join(place, 'killers.test.js'), files.map(file => `import '${file}'`).join('\n'))
  const child = spawn(process.execPath, [ava, '--tap'], { cwd: place, stdio: ['ignore', 'pipe', 'pipe'] })
  const byName = new Map(trials.map(trial => [trial.name, trial]))
  const passed = new Set<string>()
  let out = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { out += text })
  createInterface({ input: child.stdout }).on('line', line => {
    out += `${line}\n`
    const [, no, name = ''] = /^(not )?ok \d+ - (t\d+) › /.exec(line) ?? []
    if (no === undefined) passed.add(name)
    else byName.get(name)?.tell({ verdict: 'failed', out: line })
  })
  child.once('error', reject)
  child.once('close', () => {
    for (const { name, tell } of trials) tell({ verdict: passed.has(name) ? 'passed' : 'nothing ran', out })
    resolve()
  })
})

const runAll = async (trials: readonly Trial[]): Promise<void> => {
  const place = openPlace()
  const some = trials.filter(trial => isLaidOut(trial, place))
  await runTrials(some, place).catch(error => { for (const { fail } of some) fail(error) })
  rmSync(place, { recursive: true, force: true })
}

let waiting: Trial[] = []

/** Runs tests together with all that are asked for in the same turn. */
const tryOut = (what: Pick<Trial, 'mutation' | 'files' | 'matches'>): Promise<Outcome> => new Promise((tell, fail) => {
  if (waiting.length === 0) {
    setImmediate(() => {
      const trials = waiting
      waiting = []
      void runAll(trials)
    })
  }
  waiting.push({ ...what, name: `t${waiting.length}`, tell, fail })
})

/** Runs the killer against its mistake. */
export const tryMutation = (mutation: Mutation): Promise<Outcome> => {
  const { killer: [file, match = '*'] } = mutation
  return tryOut({ mutation, files: [file], matches: [match] })
}

/** Runs killers where there is no mistake and all else is as it is with one: what fails here fails because of where it is. Files share a tree, since to load one takes long. */
export const tryWithout = (files: readonly string[], matches: readonly string[]): Promise<Outcome> => tryOut({ files, matches })

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
