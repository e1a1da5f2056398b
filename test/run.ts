/** Programs as a user runs them: JavaScript, in processes and folders of their own. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ExecutionContext } from 'ava'

const rootAbove = (folder: string): string => existsSync(join(folder, 'package-lock.json')) ? folder : rootAbove(dirname(folder))

/** Of the repository: whoever runs is compiled, and lies further down. */
export const root = rootAbove(import.meta.dirname)
/** What the build made, as it ships. */
export const built = (path: string): string => join(root, 'dist', path)
/** What was compiled together with this file, and so with whatever was changed in it. */
export const own = (path: string): string => join(import.meta.dirname, '..', path)

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with the first line of standard output that matches. */
  line(pattern: RegExp): Promise<string>
}

/** A folder that is gone when the test is over. */
export const scratch = (t: ExecutionContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a program, which is killed when the test is over. */
export const start = (t: ExecutionContext, command: string, args: readonly string[], options: SpawnOptions = {}): Running => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => { out += chunk })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => { err += chunk })
  t.teardown(() => { child.kill('SIGKILL') })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, out, err }))
  })
  const line = (pattern: RegExp): Promise<string> => new Promise((resolve, reject) => {
    const look = (): void => {
      const found = out.split('\n').find(each => pattern.test(each))
      if (found !== undefined) resolve(found)
    }
    child.stdout?.on('data', look)
    look()
    void ended.then(({ code }) => reject(new Error(`ended with ${code} before ${pattern}\n${out}\n${err}`)))
  })
  return { child, ended, line }
}

/** Runs a program to its end. */
export const run = (t: ExecutionContext, command: string, args: readonly string[], options: SpawnOptions = {}): Promise<Ended> =>
  start(t, command, args, options).ended

/** Runs a program of ours whose standard output is a disk without room, and one whose reader is gone before anything is written; the latter for its exit code. */
export const intoNothing = (t: ExecutionContext, words: readonly string[], input = '/dev/null') => {
  const typed = `${[process.execPath, ...words].map(word => `'${word}'`).join(' ')} < ${input}`
  const gate = join(scratch(t), 'gate')
  return {
    full: (): Promise<Ended> => run(t, 'sh', ['-c', `${typed} > /dev/full`]),
    gone: async (): Promise<number> => Number((await run(t, 'sh', ['-c', `mkfifo ${gate}; { { read -r go < ${gate}; ${typed}; echo $? >&3; } | { exec <&-; echo go > ${gate}; }; } 3>&1`])).out),
  }
}
