/** Whose code is measured: ours here, ours in another checkout, and peers whose programs are on the PATH. */
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Mistake } from '../../cli/mistake.js'
import type { Measure, MeasureSettings, PeerSide } from '../measures/measure.js'
import { OURS, type Sample } from './figures.js'
import type { Absence } from './report.js'
import type { Task } from './rounds.js'

/** Those that measure at the moment. */
const running = new Set<ChildProcess>()

/** Nothing is measured any more; what each has started ends with it. */
export const endSides = (): void => running.forEach(child => child.kill('SIGKILL'))

/** A round of one measure in a process of its own. */
const runProgram = (program: string, name: string, settings: MeasureSettings): Promise<readonly Sample[]> => new Promise((resolve, reject) => {
  const child = fork(program, [name, JSON.stringify(settings)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  running.add(child)
  let complaint = ''
  let samples: readonly Sample[] | undefined
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => { complaint = (complaint + chunk).slice(-2_000) })
  child.on('message', message => { samples = message as readonly Sample[] })
  child.once('error', reject)
  child.once('close', code => {
    running.delete(child)
    if (code === 0 && samples !== undefined) resolve(samples)
    else reject(new Error(`${name} ended with code ${code}: ${complaint.trim()}`))
  })
})

const OWN_PROGRAM = fileURLToPath(new URL('../measure.js', import.meta.url))

export const ownTask = (measure: Measure, settings: MeasureSettings): Task =>
  ({ measure: measure.name, side: OURS, about: measure.about(settings), run: () => runProgram(OWN_PROGRAM, measure.name, settings) })

/** The same of a checkout that is built: its members, its client, its way to measure. */
export const checkoutTask = (folder: string, measure: Measure, settings: MeasureSettings): Task => {
  const program = resolve(folder, 'dist/benchmarks/measure.js')
  if (!existsSync(program)) throw new Mistake(`${folder} is neither a report nor a checkout with a built benchmark: run "npm run build" there`)
  return { measure: measure.name, side: folder, about: measure.about(settings), run: () => runProgram(program, measure.name, settings) }
}

const isOnPath = (name: string, path: string): boolean => path.split(delimiter).some(folder => folder !== '' && existsSync(join(folder, name)))

export interface PeerTasks {
  readonly tasks: readonly Task[]
  readonly skipped: readonly Absence[]
}

const peerTask = (measure: Measure, peer: PeerSide, settings: MeasureSettings): Task =>
  ({ measure: measure.name, side: peer.name, about: peer.about(settings), run: () => peer.run(settings) })

/** What is not on `path` is skipped by name. */
export const peerTasks = (measure: Measure, settings: MeasureSettings, path: string): PeerTasks => {
  const sides = (measure.peers ?? []).map(peer => ({ peer, missing: peer.needs.filter(name => !isOnPath(name, path)) }))
  return {
    tasks: sides.filter(({ missing }) => missing.length === 0).map(({ peer }) => peerTask(measure, peer, settings)),
    skipped: sides.filter(({ missing }) => missing.length > 0).map(({ peer, missing }) => ({
      what: `${measure.name} by ${peer.name}`, why: `not on the PATH: ${missing.join(', ')}; benchmarks/README.md says how each is built`,
    })),
  }
}
