/** All of it has one opinion of its types: sources, tests, examples and benchmarks. A test like others, so that it does not keep them waiting. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import test from 'ava'
import { root } from './run.js'

test('everything type-checks', async t => {
  t.timeout(300_000)
  const child = spawn(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  const code = await new Promise(resolve => child.once('close', resolve))
  t.is(out, '')
  t.is(code, 0)
})
