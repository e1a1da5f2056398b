/** Child processes that run seeds, one at a time in each. What a child does not survive costs its seed and nothing else. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Millis } from '../../lib/types.js'
import type { Line } from './record.js'

export interface CrewOptions {
  /** How many children. */
  readonly jobs: number
  readonly isSoak: boolean
  readonly isTwice: boolean
  /** A seed that takes longer is taken for one that never ends. */
  readonly patienceMs: Millis
}

export interface Crew {
  /** Runs what `next` has until it has no more; `done` hears of each. Rejects when no child can be started. */
  run(next: () => number | undefined, done: (line: Line) => void): Promise<void>
  /** Ends all children, now. */
  stop(): void
}

interface Child {
  run(seed: number): Promise<Line>
  isGone(): boolean
  end(): void
}

const program = fileURLToPath(new URL('./child.js', import.meta.url))
/** Of what a child says before it dies, the end is kept. */
const KEPT_CHARACTERS = 16_000

/** The line that says why, among all that a process says when it dies. */
const reasonIn = (words: string): string => {
  const lines = words.split('\n').map(line => line.trim()).filter(line => line !== '')
  return lines.find(line => line.startsWith('FATAL ERROR')) ?? lines.find(line => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? 'it said nothing'
}

/** In a group of its own, so that whoever interrupts its parent does not end its seed as well. */
const hire = ({ isSoak, isTwice, patienceMs }: CrewOptions): Promise<Child> => new Promise((resolve, reject) => {
  const process = fork(program, [...isSoak ? ['--soak'] : [], ...isTwice ? ['--twice'] : []], { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let words = ''
  let isGone = false
  let answer: ((line: Omit<Line, 'seed'> & Partial<Line>) => void) | undefined
  const child: Child = {
    isGone: () => isGone,
    end: () => void process.kill('SIGKILL'),
    run: seed => new Promise(told => {
      const timer = setTimeout(() => {
        answer?.({ failure: 'hung', reason: `it did not come to an end within ${patienceMs / 1000} s` })
        isGone = true
        child.end()
      }, patienceMs)
      answer = line => {
        answer = undefined
        clearTimeout(timer)
        told({ seed, ...isSoak && { isSoak }, ...line })
      }
      process.send(seed)
    }),
  }
  process.stderr?.setEncoding('utf8').on('data', (text: string) => { words = `${words}${text}`.slice(-KEPT_CHARACTERS) })
  process.on('message', (message: Line | 'ready') => message === 'ready' ? resolve(child) : answer?.(message))
  process.once('error', reject)
  process.once('close', (code, signal) => {
    isGone = true
    const reason = `its process ended with ${signal ?? `code ${code}`}: ${reasonIn(words)}`
    answer?.({ failure: 'crashed', reason })
    reject(new Error(`a child process could not begin; ${reason}`))
  })
})

export const createCrew = (options: CrewOptions): Crew => {
  const children = new Set<Child>()
  let isOver = false
  const lane = async (next: () => number | undefined, done: (line: Line) => void): Promise<void> => {
    let child: Child | undefined
    for (let seed = next(); seed !== undefined; seed = next()) {
      if (child === undefined || child.isGone()) {
        if (child !== undefined) children.delete(child)
        child = await hire(options)
        children.add(child)
      }
      const line = await child.run(seed)
      // What ends with the crew has not failed.
      if (isOver) return
      done(line)
    }
  }
  const stop = (): void => {
    isOver = true
    children.forEach(child => child.end())
  }
  return {
    stop,
    run: async (next, done) => {
      try {
        await Promise.all(Array.from({ length: options.jobs }, () => lane(next, done)))
      } finally {
        stop()
      }
    },
  }
}
