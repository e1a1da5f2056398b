import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../run.js'
import type { Mutation } from './mutations.js'

const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs')

export interface Outcome {
  /** Whether tests failed, as opposed to passing or not running at all. */
  readonly isCaught: boolean
  readonly out: string
}

/** Runs the killer with the mistake in place; nothing on the disk is changed. */
export const tryMutation = ({ file, from, to, killer: [test, match] }: Mutation): Promise<Outcome> => new Promise((resolve, reject) => {
  const args = [ava, '--tap', test, ...match === undefined ? [] : ['--match', match]]
  const env = { ...process.env, MUTATION: JSON.stringify({ path: join(root, file), from, to }) }
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.once('error', reject)
  child.once('close', () => resolve({ isCaught: /^not ok .*/m.test(out) && !/stands in .* times|No tests found|Couldn't find|SyntaxError/.test(out), out }))
})
